"""Cooling in the settled state: what each plant can remove, what it removes, and the power and water that this takes.

Shapes: P plants, C circuits, Z zones, R racks, S sites, T instants (time is last).
"""

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
from twin.sim.sparse import add_up, group_sums


@dataclass(frozen=True)
class Weather:
    """Outdoor dry bulb and relative humidity (a share) `[(S, T)]` as the series have them, and the kelvin on top `[S]`."""

    dry_c: Floats
    humidity: Floats
    warmer_k: Floats

    @property
    def now_c(self) -> Floats:
        """The dry bulb `[C, (S, T)]`."""
        return self.dry_c + self.warmer_k[:, None]

    def wet_c(self, sites: Ints) -> Floats:
        """The wet bulb at some sites `[C, (n, T)]`: air that a heat wave warms keeps its moisture."""
        dry, warmer = self.dry_c[sites], self.warmer_k[sites][:, None]
        humidity = humidity_when_warmed(dry, self.humidity[sites], warmer)
        return wet_bulb_c(dry + warmer, humidity)


def weather_at(demand: DemandArrays, factors: Floats, warmer_k: Floats) -> Weather:
    """Return the weather at all sites, given the values of all series `[T, n]` and what the world adds to the dry bulb."""
    dry = np.where(
        demand.outdoor_series >= 0, np.take(factors, demand.outdoor_series, axis=1), demand.outdoor
    )
    humidity = np.where(
        demand.humidity_series >= 0, np.take(factors, demand.humidity_series, axis=1), demand.humidity
    )
    return Weather(np.ascontiguousarray(dry.T), np.ascontiguousarray(humidity.T), warmer_k)


@dataclass(frozen=True)
class CoolingLoad:
    """Electric power of each plant `[W, (P, T)]`; per site `[(S, T)]` heat that nobody removes and water that towers take."""

    power_w: Floats
    short_w: Floats
    water_l_per_s: Floats


class Cooling:
    """The cooling of one compiled fleet; what no plant declares costs nothing."""

    def __init__(self, arrays: CoolingArrays, sites: int) -> None:
        self.arrays = arrays
        columns = arrays.columns
        self._columns = {name: values[:, None] for name, values in columns.items()}
        self._by_circuit = group_sums(arrays.plant_circuit, arrays.circuits)
        self._by_site = group_sums(arrays.circuit_site, sites)
        self._towers = np.flatnonzero(arrays.tower)
        self._tower_site = arrays.plant_site[self._towers]
        self._water_by_site = group_sums(self._tower_site, sites)
        self._curves = [
            (CURVES[name], np.flatnonzero(np.array(arrays.curve) == name))
            for name in sorted(set(arrays.curve) - {"linear"})
        ]
        self._derates = bool(np.isfinite(columns["derate_from_c"]).any())
        self._free = bool(arrays.economizer.any())
        self._fans = bool(columns["fan_w"].any())
        self._carried = np.flatnonzero(arrays.rack_carry >= 0)
        self._zoned = np.flatnonzero(arrays.rack_zone >= 0)
        self._all_chill = bool(arrays.chills.all())
        self._zone_of_name = {zone.name: i for i, zone in enumerate(arrays.zones)}

    def heat_w(self, rack_w: Floats) -> Floats:
        """Heat of each circuit `[W, (C,)]` from that of the racks; carriers have the heat of their zones again."""
        arrays, carried = self.arrays, self._carried
        heat = add_up(arrays.rack_circuit, rack_w, arrays.circuits)
        if len(carried):
            heat += add_up(arrays.rack_carry[carried], rack_w[carried], arrays.circuits)
        return heat

    def zone_heat_w(self, rack_w: Floats) -> Floats:
        """Heat of each zone `[W, (Z,)]`."""
        return add_up(self.arrays.rack_zone[self._zoned], rack_w[self._zoned], len(self.arrays.zones))

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
        """Heat that each plant can remove or carry `[W, (P, T)]`; `(P, 1)` where the weather does not matter."""
        columns, arrays = self._columns, self.arrays
        capacity = columns["rated_heat_w"] * alive[:, None]
        if self._derates:
            dry = weather.now_c[arrays.plant_site]
            capacity = capacity * derated(dry, columns["derate_from_c"], columns["derate_per_k"])
        if self._curves:
            capacity = np.repeat(capacity, weather.dry_c.shape[1] // capacity.shape[1], axis=1)
        for curve, plants in self._curves:
            capacity[plants] *= curve.capacity(*self._water_c(plants, weather, supply_k))
        return capacity

    def load(self, heat_w: Floats, weather: Weather, supply_k: Floats, alive: Bools) -> CoolingLoad:
        """Return power, shortage and water when the circuits have some heat `[W, (C, T)]`.

        Live plants of a circuit share its heat by what they can take, and none takes more.
        """
        arrays, columns, circuit = self.arrays, self._columns, self.arrays.plant_circuit
        capacity = self.capacity_w(weather, supply_k, alive)
        total = self._by_circuit.of(capacity)
        fill = np.minimum(np.divide(heat_w, total, out=np.zeros_like(heat_w), where=total > 0), 1.0)[circuit]
        taken = capacity * fill
        compressed = self._compressed(taken, weather, supply_k)
        drawn = compressed / self._cop(compressed, capacity, weather, supply_k)
        power = drawn + columns["fixed_w"]
        if self._fans:
            power += columns["fan_w"] * flow_power(np.maximum(fill, columns["least_flow"]))
        short = np.where(arrays.has_plant[:, None], np.maximum(heat_w - total, 0.0), 0.0)
        water = np.zeros_like(weather.dry_c)
        if len(self._towers):
            rejected = (taken + drawn)[self._towers]
            water = self._water_by_site.of(makeup_l_per_s(rejected, columns["cycles"][self._towers]))
        return CoolingLoad(power * alive[:, None], self._by_site.of(short), water)

    def _sink_c(self, weather: Weather) -> Floats:
        """What plants reject heat to `[C, (P, T)]`: the dry bulb, or the wet bulb for towers."""
        sink = weather.now_c[self.arrays.plant_site]
        if len(self._towers):
            sink[self._towers] = weather.wet_c(self._tower_site)
        return sink

    def _water_c(self, plants: Ints, weather: Weather, supply_k: Floats) -> tuple[Floats, Floats]:
        """Chilled water that leaves and condenser water that enters `[C, (n, T)]`."""
        chilled = self._columns["chilled_c"][plants] + supply_k[self.arrays.plant_circuit[plants], None]
        return chilled, self._sink_c(weather)[plants] + self._columns["approach_k"][plants]

    def _compressed(self, taken_w: Floats, weather: Weather, supply_k: Floats) -> Floats:
        """Heat that goes through a compressor `[W, (P, T)]`: not what is free, and not what is only carried."""
        arrays, columns = self.arrays, self._columns
        if self._free:
            chilled = columns["chilled_c"] + supply_k[arrays.plant_circuit, None]
            free = free_share(
                self._sink_c(weather), columns["approach_k"], chilled, range_k=columns["range_k"]
            )
            taken_w = taken_w * (1.0 - free * arrays.economizer[:, None])
        return taken_w if self._all_chill else taken_w * arrays.chills[:, None]

    def _cop(self, compressed_w: Floats, capacity_w: Floats, weather: Weather, supply_k: Floats) -> Floats:
        """Heat removed per electric energy `[(P, T)]`: linear in the temperature, or by a curve and the part load."""
        columns = self._columns
        linear = linear_cop(
            self._sink_c(weather), columns["cop_ref"], columns["cop_slope_per_k"], t_ref_c=columns["t_ref_c"]
        )
        if supply_k.any():
            warmer = supply_k[self.arrays.plant_circuit, None]
            linear = linear * (1.0 + columns["cop_supply_per_k"] * warmer)
        cop = np.maximum(linear, columns["cop_min"])
        for curve, plants in self._curves:
            heat, capacity = compressed_w[plants], capacity_w[plants]
            load = np.divide(heat, capacity, out=np.zeros_like(heat), where=capacity > 0)
            cop[plants] = curve.cop(load, *self._water_c(plants, weather, supply_k))
        return cop


def _shared(circuit: Ints, zone_heat: Floats, wants: Floats, *, heat: Floats, total: Floats) -> Floats:
    """What the circuits give to each of some zones `[W]`."""
    fill = np.minimum(np.divide(total, heat, out=np.ones_like(total), where=heat > 0), 1.0)
    weight = np.bincount(circuit, wants, len(total))
    each = np.divide(np.maximum(total - heat, 0.0), weight, out=np.zeros_like(total), where=weight > 0)
    return np.asarray(zone_heat * fill[circuit] + wants * each[circuit])
