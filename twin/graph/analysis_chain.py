"""The power of a site before and after each single loss of a unit, on the safe side.

Everything is linear in the loads: servers draw their nameplate power unless measured, apparent powers add up
as if all power factors were alike, the square-law loss c·P²/rated is taken as c·P (which is larger up
to the rating), and cooling works at the warmest outdoor temperature. Nothing is said about a second loss.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from twin.graph.levels import Bools, Floats
from twin.model.fleet import Fleet, Site
from twin.model.power import CoolingPlant, PowerUnit, Rack
from twin.model.servers import ServerType

Flow = dict[str, float]


@dataclass(frozen=True)
class Feed:
    """How something draws its power: from which units, by which shares; standby: all from the first alive."""

    units: tuple[str, ...]
    shares: tuple[float, ...]
    standby: bool = False


@dataclass(frozen=True)
class SiteLoads:
    """Loads of a site's units `[U]` in each case `[X]`: nothing lost (0), or unit x - 1 lost.

    `cooling_va` is what one more watt of heat adds to each unit's load; `heat_room_w` is the cooling left.
    """

    units: tuple[PowerUnit, ...]
    load_va: Floats
    limit_va: Floats
    cooling_va: Floats
    heat_room_w: Floats
    chain: Chain

    def added_va(self, feed: Feed, kind: ServerType) -> tuple[Floats, Bools]:
        """Return what one more server on a feed adds to each unit `[U, X]`, and when it runs `[X]`."""
        drawn, lit = self.chain.everywhere(feed)
        watts = nameplate_w(kind)
        return drawn * (watts / kind.power_factor) + self.cooling_va * (watts * lit), lit


def site_loads(fleet: Fleet, site: Site, rack_load: Mapping[str, tuple[float, float]]) -> SiteLoads:
    """Roll up the loads of a site's racks (VA, W) in every case. Cost: O(U²) for each distinct feed."""
    units = tuple(unit for unit in fleet.power_units if unit.site == site.name)
    chain = Chain(units)
    load, heat = chain.fixed_losses(), np.zeros(1 + len(units))
    for feed, (va, watts) in _by_feed(fleet, site, rack_load).items():
        drawn, lit = chain.everywhere(feed)
        load += drawn * va
        heat += watts * lit
    for switch in fleet.switches:
        if switch.site == site.name and switch.fed_by:
            load += chain.everywhere(equal_feed(switch.fed_by))[0] * switch.power_w
    plants = [plant for plant in fleet.cooling_plants if plant.site == site.name]
    cooling, capacity = np.zeros_like(load), np.zeros_like(heat)
    warmest_c = _warmest_c(fleet, site)
    parts = [(plant, *chain.everywhere(_plant_feed(plant))) for plant in plants]
    for plant, drawn, lit in parts:
        capacity += _heat_w(plant, warmest_c) * lit
        load += drawn * ((plant.fixed_w + plant.fan_w) / plant.power_factor)
    for plant, drawn, lit in parts:
        share = np.divide(
            _heat_w(plant, warmest_c) * lit, capacity, out=np.zeros_like(capacity), where=capacity > 0
        )
        cooling += drawn * (share / chiller_cop(plant, warmest_c) / plant.power_factor)
    return SiteLoads(
        units=units,
        load_va=load + cooling * heat,
        limit_va=np.array([unit.rated_va * unit.continuous for unit in units]),
        cooling_va=cooling,
        heat_room_w=capacity - heat if plants else np.full_like(heat, np.inf),
        chain=chain,
    )


class Chain:
    """Where one volt-ampere that is drawn from a feed flows, with and without each unit."""

    def __init__(self, units: Sequence[PowerUnit]) -> None:
        self.units = {unit.name: unit for unit in units}
        self.number = {unit.name: i for i, unit in enumerate(units)}
        self.above = cache(self._above)
        self.carried = cache(self._carried)

    def everywhere(self, feed: Feed) -> tuple[Floats, Bools]:
        """Return the load of each unit per VA drawn `[U, X]`, and in which cases the feed lives `[X]`."""
        normal = self._column(self.drawn(feed, None))
        load = np.repeat(normal[:, None], 1 + len(self.units), axis=1)
        lit = np.full(1 + len(self.units), bool(normal.any()))
        for lost in frozenset[str]().union(*map(self.above, feed.units)):
            drawn = self.drawn(feed, lost)
            load[:, 1 + self.number[lost]] = self._column(drawn)
            lit[1 + self.number[lost]] = bool(drawn)
        return load, lit

    def fixed_losses(self) -> Floats:
        """Return the load of each unit `[U, X]` by the no-load losses of all units that live."""
        load = np.zeros((len(self.units), 1 + len(self.units)))
        for unit in self.units.values():
            if unit.loss_fixed:
                per_va = self.everywhere(Feed((unit.name,), (1.0,)))[0] / _gain(unit)
                load += per_va * (unit.loss_fixed * unit.rated_va)
        return load

    def drawn(self, feed: Feed, lost: str | None) -> Flow:
        """Return the load of each unit upstream per VA drawn from a feed; nothing when the feed is dead."""
        flows = [self._flow(unit, lost) for unit in feed.units]
        live = [(flow, share) for flow, share in zip(flows, feed.shares, strict=True) if flow]
        if feed.standby:
            live = [(flow, 1.0) for flow, _ in live[:1]]
        total = sum(share for _, share in live)
        load: Flow = {}
        for flow, share in live:
            part = share / total if total else 1.0 / len(live)
            for name, value in flow.items():
                load[name] = load.get(name, 0.0) + value * part
        return load

    def _flow(self, unit: str, lost: str | None) -> Flow:
        return self.carried(unit, lost if lost in self.above(unit) else None)

    def _carried(self, name: str, lost: str | None) -> Flow:
        """Return the load per VA that leaves a unit: its own and upstream; nothing when the unit is dead."""
        unit = self.units[name]
        alive = sum(bool(self._flow(above, lost)) for above in unit.fed_by)
        if name == lost or (unit.fed_by and alive < unit.needs):
            return {}
        feed = Feed(unit.fed_by, unit.shares or _equal(unit.fed_by), unit.feed_mode == "standby")
        load = {name: 1.0} | self.drawn(feed, lost)
        return {above: value * _gain(unit) for above, value in load.items()}

    def _above(self, name: str) -> frozenset[str]:
        return frozenset((name,)).union(*map(self.above, self.units[name].fed_by))

    def _column(self, flow: Flow) -> Floats:
        column = np.zeros(len(self.units))
        for name, value in flow.items():
            column[self.number[name]] = value
        return column


def nameplate_w(kind: ServerType) -> float:
    """Return the power of a server at full load."""
    return kind.curve[-1][1] if kind.curve else kind.max_w or 0.0


def rack_feed(rack: Rack) -> Feed:
    """Return how a rack draws its power."""
    return Feed(rack.fed_by, rack.shares or _equal(rack.fed_by))


def equal_feed(units: tuple[str, ...], standby: bool = False) -> Feed:
    """Return a feed that draws alike from all its units."""
    return Feed(units, _equal(units), standby)


def _plant_feed(plant: CoolingPlant) -> Feed:
    return equal_feed(plant.fed_by, plant.feed_mode == "standby")


def rack_loads(fleet: Fleet, measured_w: Mapping[str, float] | None = None) -> dict[str, tuple[float, float]]:
    """Return the load of every rack (VA, W): as measured, otherwise servers and switches at nameplate.

    A switch without feeds of its own draws from the racks it serves. A measured load has the power factor of
    the nameplates.
    """
    kinds = {kind.name: kind for kind in fleet.server_types}
    load = {rack.name: (0.0, 0.0) for rack in fleet.racks}
    for group in fleet.server_groups:
        kind, (va, watts) = kinds[group.type], load[group.rack]
        more = group.count * nameplate_w(kind)
        load[group.rack] = (va + more / kind.power_factor, watts + more)
    hosts: dict[str, list[str]] = {}
    for rack in fleet.racks:
        for name in rack.switches:
            hosts.setdefault(name, []).append(rack.name)
    for switch in fleet.switches:
        for rack_name in hosts.get(switch.name, ()) if not switch.fed_by else ():
            va, watts = load[rack_name]
            part = switch.power_w / len(hosts[switch.name])
            load[rack_name] = (va + part, watts + part)
    for rack_name, real_w in (measured_w or {}).items():
        va, watts = load[rack_name]
        load[rack_name] = (real_w * (va / watts if watts else 1.0), real_w)
    return load


def _by_feed(
    fleet: Fleet, site: Site, rack_load: Mapping[str, tuple[float, float]]
) -> dict[Feed, tuple[float, float]]:
    """Return the load (VA, W) of all racks of a site with the same feed."""
    load: dict[Feed, tuple[float, float]] = {}
    for rack in fleet.racks:
        if rack.site == site.name:
            before, more = load.get(rack_feed(rack), (0.0, 0.0)), rack_load[rack.name]
            load[rack_feed(rack)] = (before[0] + more[0], before[1] + more[1])
    return load


def _warmest_c(fleet: Fleet, site: Site) -> float:
    series = next((row for row in fleet.series if row.name == site.outdoor_series), None)
    return max(series.values) if series else site.outdoor_c


def _heat_w(plant: CoolingPlant, outdoor_c: float) -> float:
    """What a plant removes on the warmest day: carriers remove nothing, others less above where they derate."""
    if plant.kind != "chiller":
        return 0.0
    above_k = 0.0 if plant.derate_from_c is None else max(outdoor_c - plant.derate_from_c, 0.0)
    return plant.rated_heat_w * max(1.0 - plant.derate_per_k * above_k, 0.0)


def chiller_cop(plant: CoolingPlant, outdoor_c: float) -> float:
    """Return the heat that a plant removes per watt that it draws for it, at an outdoor temperature."""
    return max(plant.cop_ref * (1.0 - plant.cop_slope_per_k * (outdoor_c - plant.t_ref_c)), plant.cop_min)


def _gain(unit: PowerUnit) -> float:
    return 1.0 + unit.loss_linear + unit.loss_square


def _equal(units: tuple[str, ...]) -> tuple[float, ...]:
    return (1.0 / len(units),) * len(units) if units else ()
