"""Who is powered, who is reachable and what flows where, asked one thing at a time over the authored rows.

Slow and simple on purpose, derived from the documented rules: the oracle of the vectorised engine. Imports only
`twin.model` and the standard library.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from heapq import heappop, heappush
from types import MappingProxyType
from typing import Any, NamedTuple

from twin.model.change import Change
from twin.model.fleet import Fleet

TIERS = ("tor", "fabric", "border")


@dataclass
class Cells:
    """What changes touch, by name; what is missing is zero."""

    held: Counter[str] = field(default_factory=Counter)
    drained: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    added: Counter[str] = field(default_factory=Counter)
    cap_w: dict[str, float] = field(default_factory=dict)
    replicas: dict[tuple[str, str], float] = field(default_factory=dict)
    weight: dict[tuple[str, str], float] = field(default_factory=dict)
    sick: dict[str, float] = field(default_factory=dict)
    surge: dict[tuple[str, str], float] = field(default_factory=dict)
    warmer_c: dict[str, float] = field(default_factory=dict)
    bandwidth: dict[str, float] = field(default_factory=dict)
    control_lost: int = 0

    def apply(self, change: Change) -> None:
        """Every change but a cap adds to one cell."""
        kind, target, key, value = change.kind, change.target, change.key, change.value
        counters = {
            "state": (self.held, -1),
            "drain": (self.drained, -1),
            "failed": (self.failed, 1),
            "count": (self.added, 1),
        }
        tables: dict[str, tuple[dict[Any, float], Any]] = {
            "replicas": (self.replicas, (target, key)),
            "weight": (self.weight, (target, key)),
            "sick": (self.sick, target),
            "demand": (self.surge, (target, key or "*")),
            "outdoor": (self.warmer_c, target),
            "bandwidth": (self.bandwidth, target),
        }
        if kind in counters:
            counter, sign = counters[kind]
            counter[target] += sign * int(value)
        elif kind in tables:
            table, cell = tables[kind]
            table[cell] = table.get(cell, 0.0) + value
        elif kind == "control":
            self.control_lost -= int(value)
        else:
            self.cap_w[target] = value


class Load(NamedTuple):
    """What flows at a point: W, var, the excursion W that all servers make together, and that of each group alone W."""

    watts: float = 0.0
    var: float = 0.0
    linear: float = 0.0
    swings: Mapping[str, float] = MappingProxyType({})

    def times(self, share: float) -> Load:
        """The part of a load that one feed carries."""
        swings = {group: swing * share for group, swing in self.swings.items()}
        return Load(self.watts * share, self.var * share, self.linear * share, swings)

    def plus(self, other: Load) -> Load:
        """Both loads together; what a group does alone it does on all its ways at once."""
        swings = dict(self.swings)
        for group, swing in other.swings.items():
            swings[group] = swings.get(group, 0.0) + swing
        return Load(self.watts + other.watts, self.var + other.var, self.linear + other.linear, swings)

    @property
    def va(self) -> float:
        """Mean apparent power."""
        return math.sqrt(self.watts**2 + self.var**2)

    @property
    def peak_va(self) -> float:
        """Apparent power of the sub-interval peak, at the power factor of the mean."""
        if self.watts <= 0:
            return self.va
        return self.va * (self.watts + self.linear + math.hypot(*self.swings.values())) / self.watts


class PowerChain:
    """The power chain with some things held down."""

    def __init__(self, fleet: Fleet, held: Counter[str]) -> None:
        self.fleet, self.held = fleet, held
        self.units = {unit.name: unit for unit in fleet.power_units}
        self.drawers = [
            *fleet.racks,
            *fleet.cooling_plants,
            *(s for s in fleet.switches if s.fed_by),
            *fleet.power_units,
        ]
        self._alive: dict[str, bool] = {}

    def unit_alive(self, name: str) -> bool:
        """A unit is alive while nobody holds it down and at least `needs` of its feeders are alive."""
        if name not in self._alive:
            unit = self.units[name]
            fed = [self.unit_alive(feeder) for feeder in unit.fed_by]
            self._alive[name] = self.held[name] <= 0 and (not fed or sum(fed) >= unit.needs)
        return self._alive[name]

    def powered(self, row: Any) -> bool:
        """A rack, plant or switch is powered while any feeder is alive (a rack or plant: and nobody holds it down)."""
        return any(self.unit_alive(feeder) for feeder in row.fed_by)

    def rack_powered(self, rack: Any) -> bool:
        """Whether a rack is there and has power."""
        return self.held[rack.name] <= 0 and self.powered(rack)

    def parts(self, row: Any) -> dict[str, float]:
        """The share of a row's load on each feeder now: standby, the first that lives; else by shares of those that live.

        A feeder of share 0 carries the load when no other is left.
        """
        live = [feeder for feeder in row.fed_by if self.unit_alive(feeder)]
        if getattr(row, "feed_mode", "shared") == "standby":
            return dict.fromkeys(live[:1], 1.0)
        authored = dict(zip(row.fed_by, getattr(row, "shares", ()) or [1.0] * len(row.fed_by), strict=True))
        total = sum(authored[feeder] for feeder in live)
        return {feeder: authored[feeder] / total if total > 0 else 1.0 / len(live) for feeder in live}

    def loads(self, leaves: dict[str, Load]) -> dict[str, Load]:
        """The load of every unit, given what racks, plants and switches draw."""
        known: dict[str, Load] = {}
        return {name: self._load(name, leaves, known) for name in self.units}

    def _load(self, name: str, leaves: dict[str, Load], known: dict[str, Load]) -> Load:
        """The load of a unit: what everybody that it feeds draws through it, and its own losses."""
        if name not in known:
            known[name] = self._sum(name, leaves, known)
        return known[name]

    def _sum(self, name: str, leaves: dict[str, Load], known: dict[str, Load]) -> Load:
        unit, through = self.units[name], Load()
        if not self.unit_alive(name):
            return through
        for row in self.drawers:
            is_unit = row.name in self.units
            if name not in row.fed_by or (is_unit and not self.unit_alive(row.name)):
                continue
            share = self.parts(row).get(name, 0.0)
            below = self._load(row.name, leaves, known) if is_unit else leaves.get(row.name, Load())
            through = through.plus(below.times(share))
        x = through.watts / unit.rated_va
        loss_w = (unit.loss_fixed + unit.loss_linear * x + unit.loss_square * x**2) * unit.rated_va
        return through.plus(Load(loss_w))

    def facility_w(self, leaves: dict[str, Load]) -> dict[str, float]:
        """What each site draws from its utilities and generators."""
        drawn, loads = {site.name: 0.0 for site in self.fleet.sites}, self.loads(leaves)
        for unit in self.fleet.power_units:
            if unit.kind in ("utility", "generator"):
                drawn[unit.site] += loads[unit.name].watts
        return drawn


class Network:
    """The fabric of each site and the backbone between sites, with some things held down or without power."""

    def __init__(self, fleet: Fleet, chain: PowerChain) -> None:
        self.fleet, self.chain, self.held = fleet, chain, chain.held
        self.switches = {switch.name: switch for switch in fleet.switches}
        self.sites = [
            site.name for region in fleet.regions for site in fleet.sites if site.region == region.name
        ]

    def switch_alive(self, name: str) -> bool:
        """A switch runs on its own feeds; one that names none on any rack that it serves."""
        switch = self.switches[name]
        hosts = [rack for rack in self.fleet.racks if name in rack.switches]
        if switch.fed_by:
            powered = self.chain.powered(switch)
        else:
            powered = not hosts or any(self.chain.rack_powered(rack) for rack in hosts)
        return powered and self.held[name] <= 0

    def inside(self, link: Any) -> bool:
        """Whether a link joins two switches of one site."""
        return bool(self.switches[link.a].site == self.switches[link.b].site)

    def uplinks(self, name: str) -> list[tuple[Any, str]]:
        """The links of a switch that are up and lead to a live switch of a higher tier that reaches the border."""
        found = []
        for link in self.fleet.links:
            if name in (link.a, link.b) and self.inside(link) and self.held[link.name] <= 0:
                far = link.b if link.a == name else link.a
                if self._rank(far) > self._rank(name) and self.reaches(far):
                    found.append((link, far))
        return found

    def _rank(self, name: str) -> int:
        return TIERS.index(self.switches[name].tier)

    def reaches(self, name: str) -> bool:
        """Whether a switch has a path of live switches and links up to a border switch."""
        return self.switch_alive(name) and (self.switches[name].tier == "border" or bool(self.uplinks(name)))

    def rack_reaches(self, rack: Any) -> bool:
        """A rack that names no switches needs none."""
        return not rack.switches or any(self.reaches(name) for name in rack.switches)

    def site_ok(self, site: str) -> bool:
        """A site with border switches is connected while one of them is alive."""
        borders = [s.name for s in self.fleet.switches if s.site == site and s.tier == "border"]
        return not borders or any(map(self.switch_alive, borders))

    def backbone(self) -> list[Any]:
        """The links between sites that carry traffic now."""
        links = [link for link in self.fleet.links if not self.inside(link)]
        return [
            k for k in links if self.held[k.name] <= 0 and self.switch_alive(k.a) and self.switch_alive(k.b)
        ]

    def distances(self, start: str) -> dict[str, float]:
        """One-way latency [s] from a site to each site that it reaches (Dijkstra over sites and border switches)."""
        hops: dict[str, list[tuple[str, float]]] = {}
        for link in self.backbone():
            for a, b in ((link.a, link.b), (link.b, link.a)):
                hops.setdefault(a, []).append((b, link.latency_s))
        for switch in self.fleet.switches:
            if switch.tier == "border" and self.switch_alive(switch.name):
                hops.setdefault(switch.site, []).append((switch.name, 0.0))
                hops.setdefault(switch.name, []).append((switch.site, 0.0))
        best: dict[str, float] = {}
        queue = [(0.0, start)]
        while queue:
            so_far, here = heappop(queue)
            if here not in best:
                best[here] = so_far
                for there, latency in hops.get(here, []):
                    heappush(queue, (so_far + latency, there))
        return {site: best[site] for site in self.sites if site in best}

    def part_of(self, site: str) -> tuple[str, ...]:
        """The sites connected with a site, itself included; none when it is cut off from its border.

        A fleet without backbone links is taken as connected.
        """
        if not self.site_ok(site):
            return ()
        if all(self.inside(link) for link in self.fleet.links):
            return tuple(s for s in self.sites if self.site_ok(s))
        return tuple(s for s in self.distances(site) if self.site_ok(s))

    def region_part(self, region: str) -> tuple[str, ...]:
        """The sites that a region's users reach: those connected with its first live site, else the largest part."""
        own = [s.name for s in self.fleet.sites if s.region == region]
        for site in own:
            if self.site_ok(site):
                return self.part_of(site)
        return max((self.part_of(site) for site in self.sites), key=len, default=())

    def round_trip_s(self, region: str, site: str) -> float:
        """Mean round trip of a region's users to a site of another: they enter evenly at their live sites, else at all."""
        own = [s.name for s in self.fleet.sites if s.region == region]
        if site in own:
            return 0.0
        doors = [s for s in own if self.site_ok(s)] or [s for s in self.sites if self.site_ok(s)]
        return 2.0 * sum(self.distances(door).get(site, 0.0) for door in doors) / max(1, len(doors))
