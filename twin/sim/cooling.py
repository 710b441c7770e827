"""Cooling in one settled state: what each plant can remove, what it removes, and the power and water that this takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from twin.graph.compile_cooling import CoolingArrays
from twin.graph.compile_demand import DemandArrays
from twin.graph.levels import Bools, Floats, Ints
from twin.sim.laws.chiller import CURVES, derated, flow_power, linear_cop
from twin.sim.laws.economizer import free_share
from twin.sim.laws.psychrometrics import humidity_when_warmed, wet_bulb_c
from twin.sim.laws.water import makeup_l_per_s
from twin.sim.sparse import add_up


@dataclass(frozen=True)
class Weather:
    """Outdoor dry bulb and relative humidity (a share) per site `[S]` as the series have them, and the kelvin on top."""

    dry_c: Floats
    humidity: Floats
    warmer_k: Floats

    @property
    def now_c(self) -> Floats:
        """The dry bulb `[C, (S,)]`."""
        return self.dry_c + self.warmer_k

    def wet_c(self, sites: Ints) -> Floats:
        """The wet bulb at some sites `[C]`: air that a heat wave warms keeps its moisture."""
        dry, warmer = self.dry_c[sites], self.warmer_k[sites]
        humidity = humidity_when_warmed(dry, self.humidity[sites], warmer)
        return wet_bulb_c(dry + warmer, humidity)


def weather_at(demand: DemandArrays, factors: Floats, warmer_k: Floats) -> Weather:
    """Return the weather at all sites, given the values of all series and what the world adds to the dry bulb."""
    dry = np.where(demand.outdoor_series >= 0, factors[demand.outdoor_series], demand.outdoor)
    humidity = np.where(demand.humidity_series >= 0, factors[demand.humidity_series], demand.humidity)
    return Weather(dry, humidity, warmer_k)


@dataclass(frozen=True)
class CoolingLoad:
    """Per plant `[P]` the heat it could remove or carry and its electric power; per site `[S]` heat that nobody removes
    and water that towers take.
    """

    capacity_w: Floats
    power_w: Floats
    short_w: Floats
    water_l_per_s: Floats


class Cooling:
    """The cooling of one compiled fleet; what no plant declares costs nothing."""

    def __init__(self, arrays: CoolingArrays) -> None:
        self.arrays = arrays
        columns = arrays.columns
        self._towers = np.flatnonzero(arrays.tower)
        self._tower_site = arrays.plant_site[self._towers]
        self._curves = [
            (CURVES[name], np.flatnonzero(np.array(arrays.curve) == name))
            for name in sorted(set(arrays.curve) - {"linear"})
        ]
        self._derates = bool(np.isfinite(columns["derate_from_c"]).any())
        self._free = bool(arrays.economizer.any())
        self._fans = bool(columns["fan_w"].any())
        rack_carry = np.append(arrays.zone_carry, -1)[arrays.rack_zone]
        self._carried = np.flatnonzero(rack_carry >= 0)
        self._rack_carry = rack_carry[self._carried]
        self._zoned = np.flatnonzero(arrays.rack_zone >= 0)
        self._rack_zone = arrays.rack_zone[self._zoned]
        self._all_chill = bool(arrays.chills.all())
        self._zone_of_name = {zone.name: i for i, zone in enumerate(arrays.zones)}

    def heat_w(self, rack_w: Floats) -> Floats:
        """Heat of each circuit `[W, (C,)]` from that of the racks; carriers have the heat of their zones again."""
        heat = add_up(self.arrays.rack_circuit, rack_w, self.arrays.circuits)
        if len(self._carried):
            heat += add_up(self._rack_carry, rack_w[self._carried], self.arrays.circuits)
        return heat

    def zone_heat_w(self, rack_w: Floats) -> Floats:
        """Heat of each zone `[W, (Z,)]`."""
        return add_up(self._rack_zone, rack_w[self._zoned], len(self.arrays.zones))

    def given_w(self, rack_w: Floats, capacity_w: Floats, wants: Floats) -> tuple[Floats, Floats]:
        """Return what chillers give and what carriers carry of each zone `[W, (Z,)]` (infinite: it needs no carrier).

        What is short is shared by heat; of what is over each zone has its heat, and those that want more (`wants`: by what
        weight) share the rest.
        """
        arrays = self.arrays
        total = add_up(arrays.plant_circuit, capacity_w, arrays.circuits)
        heat, zone_heat = self.heat_w(rack_w), self.zone_heat_w(rack_w)
        given = _shared(arrays.zone_circuit, zone_heat, wants, heat=heat, total=total)
        carried = np.full(len(zone_heat), np.inf)
        rows = np.flatnonzero(arrays.zone_carry >= 0)
        carried[rows] = _shared(arrays.zone_carry[rows], zone_heat[rows], wants[rows], heat=heat, total=total)
        return given, carried

    def spare_w(self, rack_w: Floats, capacity_w: Floats) -> Floats:
        """What the plants of each circuit could take on top `[W, (C,)]`."""
        total = add_up(self.arrays.plant_circuit, capacity_w, self.arrays.circuits)
        return np.maximum(total - self.heat_w(rack_w), 0.0)

    def supply_k(self, setpoint_k: Mapping[str, float]) -> Floats:
        """Kelvin by which the water of each circuit may be warmer `[C]`: the zone that wants it coldest decides."""
        if not any(setpoint_k.values()):
            return np.zeros(self.arrays.circuits)
        wanted = np.full(self.arrays.circuits, np.inf)
        zone_k = np.zeros(len(self.arrays.zones))
        for name, value in setpoint_k.items():
            zone_k[self._zone_of_name[name]] = value
        np.minimum.at(wanted, self.arrays.zone_circuit, zone_k)
        return np.where(np.isfinite(wanted), wanted, 0.0)

    def capacity_w(self, weather: Weather, supply_k: Floats, alive: Bools) -> Floats:
        """Heat that each plant can remove or carry now `[W, (P,)]`."""
        columns, arrays = self.arrays.columns, self.arrays
        capacity = columns["rated_heat_w"] * alive
        if self._derates:
            dry = weather.now_c[arrays.plant_site]
            capacity *= derated(dry, columns["derate_from_c"], columns["derate_per_k"])
        for curve, plants in self._curves:
            capacity[plants] *= curve.capacity(*self._water_c(plants, weather, supply_k))
        return capacity

    def load(self, rack_w: Floats, weather: Weather, supply_k: Floats, alive: Bools) -> CoolingLoad:
        """Return capacity, power, shortage and water when racks give off `rack_w`.

        Live plants of a circuit share its heat by what they can take, and none takes more.
        """
        arrays, columns = self.arrays, self.arrays.columns
        capacity = self.capacity_w(weather, supply_k, alive)
        total, heat = add_up(arrays.plant_circuit, capacity, arrays.circuits), self.heat_w(rack_w)
        fill = np.minimum(np.divide(heat, total, out=np.zeros_like(total), where=total > 0), 1.0)
        fill_plant = fill[arrays.plant_circuit]
        compressed = self._compressed(capacity * fill_plant, weather, supply_k)
        drawn = compressed / self._cop(compressed, capacity, weather, supply_k)
        power = drawn + columns["fixed_w"]
        if self._fans:
            power += columns["fan_w"] * flow_power(np.maximum(fill_plant, columns["least_flow"]))
        short = np.where(arrays.has_plant, np.maximum(heat - total, 0.0), 0.0)
        sites = len(weather.dry_c)
        water = np.zeros(sites)
        if len(self._towers):
            rejected = (capacity * fill_plant + drawn)[self._towers]
            makeup = makeup_l_per_s(rejected, columns["cycles"][self._towers])
            water = add_up(self._tower_site, makeup, sites)
        return CoolingLoad(capacity, power * alive, add_up(arrays.circuit_site, short, sites), water)

    def _sink_c(self, weather: Weather) -> Floats:
        """What plants reject heat to `[C, (P,)]`: the dry bulb, or the wet bulb for towers."""
        sink = weather.now_c[self.arrays.plant_site]
        if len(self._towers):
            sink[self._towers] = weather.wet_c(self._tower_site)
        return sink

    def _water_c(self, plants: Ints, weather: Weather, supply_k: Floats) -> tuple[Floats, Floats]:
        """Chilled water that leaves and condenser water that enters `[C]`."""
        columns = self.arrays.columns
        chilled = columns["chilled_c"][plants] + supply_k[self.arrays.plant_circuit[plants]]
        return chilled, self._sink_c(weather)[plants] + columns["approach_k"][plants]

    def _compressed(self, taken_w: Floats, weather: Weather, supply_k: Floats) -> Floats:
        """Heat that goes through a compressor `[W, (P,)]`: not what is free, and not what is only carried."""
        arrays, columns = self.arrays, self.arrays.columns
        if self._free:
            chilled = columns["chilled_c"] + supply_k[arrays.plant_circuit]
            free = free_share(
                self._sink_c(weather), columns["approach_k"], chilled, range_k=columns["range_k"]
            )
            taken_w = taken_w * (1.0 - free * arrays.economizer)
        return taken_w if self._all_chill else taken_w * arrays.chills

    def _cop(self, compressed_w: Floats, capacity_w: Floats, weather: Weather, supply_k: Floats) -> Floats:
        """Heat removed per electric energy `[P]`: linear in the temperature, or by a curve and the part load."""
        columns = self.arrays.columns
        linear = linear_cop(
            self._sink_c(weather), columns["cop_ref"], columns["cop_slope_per_k"], t_ref_c=columns["t_ref_c"]
        )
        if supply_k.any():
            linear = linear * (1.0 + columns["cop_supply_per_k"] * supply_k[self.arrays.plant_circuit])
        cop = np.maximum(linear, columns["cop_min"])
        for curve, plants in self._curves:
            load = np.divide(
                compressed_w[plants],
                capacity_w[plants],
                out=np.zeros(len(plants)),
                where=capacity_w[plants] > 0,
            )
            cop[plants] = curve.cop(load, *self._water_c(plants, weather, supply_k))
        return cop


def _shared(circuit: Ints, zone_heat: Floats, wants: Floats, *, heat: Floats, total: Floats) -> Floats:
    """What the circuits give to each of some zones `[W]`."""
    fill = np.minimum(np.divide(total, heat, out=np.ones_like(total), where=heat > 0), 1.0)
    weight = np.bincount(circuit, wants, len(total))
    each = np.divide(np.maximum(total - heat, 0.0), weight, out=np.zeros_like(total), where=weight > 0)
    return np.asarray(zone_heat * fill[circuit] + wants * each[circuit])
