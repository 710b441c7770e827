"""Blast radius: what goes down, and what loses its redundancy, when something is lost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from twin.graph.dependency import what_is_lost
from twin.graph.levels import Bools, Ints
from twin.graph.sweep import Sweep, sweep_of, unpack
from twin.model.fleet import THINGS, Fleet

# A service or a pool has many servers to choose from; only pairs, triples and quorums are redundancy here.
REDUNDANT = ("power_units", "cooling_plants", "switches", "racks", "storage")


@dataclass(frozen=True)
class Weakened:
    """Things of one kind that stay up with fewer of what they need than before ("racks", "power")."""

    kind: str
    requirement: str
    things: tuple[str, ...]


@dataclass(frozen=True)
class SiteImpact:
    """The capacity that a service can draw from at one site, and how much of it is lost, in RRU."""

    site: str
    rru: float
    lost_rru: float


@dataclass(frozen=True)
class ServiceImpact:
    """A service that loses capacity; `down` when it cannot answer at all."""

    service: str
    tier: int
    down: bool
    sites: tuple[SiteImpact, ...]

    @property
    def share_lost(self) -> float:
        """Return the lost share of the capacity over all sites of the service."""
        total = sum(site.rru for site in self.sites)
        return sum(site.lost_rru for site in self.sites) / total if total else 0.0


@dataclass(frozen=True)
class BlastRadius:
    """What the loss of `lost` does: `down` maps a kind to the names that go down with it."""

    lost: tuple[str, ...]
    down: dict[str, tuple[str, ...]]
    weakened: tuple[Weakened, ...]
    services: tuple[ServiceImpact, ...]
    servers: int


@dataclass(frozen=True)
class Loss:
    """How much one loss takes down."""

    name: str
    racks: int
    servers: int
    services: tuple[str, ...]


def blast_radius(fleet: Fleet, *names: str, sweep: Sweep | None = None) -> BlastRadius:
    """Return what goes down or loses redundancy when `names` (things, sites, regions, srlg:X) are lost.

    Nothing is said about loads: what stays up may be overloaded. Cost: two sweeps, one pass over the fleet.
    """
    sweep = sweep or sweep_of(fleet)
    lost = tuple(name for name in what_is_lost(fleet, names) if name in sweep.index)
    before, after = sweep.without(()), sweep.without(lost)
    fallen = before & ~after
    down: dict[str, list[str]] = {kind: [] for kind in THINGS}
    for node in np.flatnonzero(fallen).tolist():
        if sweep.kinds[node] in down and sweep.names[node] not in lost:
            down[sweep.kinds[node]].append(sweep.names[node])
    return BlastRadius(
        lost=lost,
        down={kind: _in_fleet_order(fleet, kind, found) for kind, found in down.items() if found},
        weakened=_weakened(fleet, sweep, before, after),
        services=_services(fleet, sweep, fallen),
        servers=sum(g.count for g in fleet.server_groups if fallen[sweep.index[g.name]]),
    )


def worst_losses(
    fleet: Fleet, candidates: Sequence[str], *, most: int = 10, sweep: Sweep | None = None
) -> tuple[Loss, ...]:
    """Return the single losses among `candidates` that take most servers down, worst first.

    Cost: one packed sweep per 64 candidates.
    """
    sweep = sweep or sweep_of(fleet)
    servers = np.zeros(len(sweep.names), dtype=np.int64)
    for group in fleet.server_groups:
        servers[sweep.index[group.name]] = group.count
    counted = np.array([kind in ("racks", "services", "server_groups") for kind in sweep.kinds], dtype=bool)
    counted &= sweep.without(())
    found: list[Loss] = []
    for words in sweep.worlds([(name,) for name in candidates]):
        # Most losses touch little: only nodes that are down in any of the worlds are unpacked.
        nodes = np.flatnonzero(counted & (words != np.uint64(2**64 - 1)))
        for down in ~unpack(words[nodes])[: len(candidates) - len(found)]:
            found.append(_loss(candidates[len(found)], sweep, nodes[down], servers))
    found.sort(key=lambda loss: (-len(loss.services), -loss.servers, -loss.racks))
    return tuple(loss for loss in found[:most] if loss.racks or loss.services)


def _loss(name: str, sweep: Sweep, down: Ints, servers: Ints) -> Loss:
    kinds = [sweep.kinds[node] for node in down.tolist()]
    ended = tuple(
        sweep.names[node] for node, kind in zip(down.tolist(), kinds, strict=True) if kind == "services"
    )
    return Loss(name, kinds.count("racks"), int(servers[down].sum()), ended)


def live_parents(sweep: Sweep, alive: Bools) -> Ints:
    """Return how many parents of each node `[n]` are up."""
    return np.bincount(sweep.child, weights=alive[sweep.parent], minlength=len(alive)).astype(np.int64)


def _weakened(fleet: Fleet, sweep: Sweep, before: Bools, after: Bools) -> tuple[Weakened, ...]:
    had, has = live_parents(sweep, before), live_parents(sweep, after)
    found: dict[tuple[str, str], list[str]] = {}
    for node in np.flatnonzero(after & (has < had) & (had > sweep.needs)).tolist():
        thing = sweep.things[node]
        kind = sweep.kinds[sweep.index[thing]]
        if kind in REDUNDANT and after[sweep.index[thing]]:
            found.setdefault((kind, sweep.groups[node]), []).append(thing)
    return tuple(
        Weakened(kind, requirement, _in_fleet_order(fleet, kind, found[kind, requirement]))
        for kind, requirement in sorted(found, key=lambda key: (THINGS.index(key[0]), key[1]))
    )


def _services(fleet: Fleet, sweep: Sweep, fallen: Bools) -> tuple[ServiceImpact, ...]:
    kinds = {kind.name: kind for kind in fleet.server_types}
    owners = {row.name: row for row in fleet.reservations}
    site_of = {rack.name: rack.site for rack in fleet.racks}
    total: dict[tuple[str, str], float] = {}
    gone: dict[tuple[str, str], float] = {}
    for group in fleet.server_groups:
        key, size = (
            (group.owner, site_of[group.rack]),
            group.count * owners[group.owner].worth(kinds[group.type]),
        )
        total[key] = total.get(key, 0.0) + size
        if fallen[sweep.index[group.name]]:
            gone[key] = gone.get(key, 0.0) + size
    sites: dict[str, list[str]] = {}
    for d in fleet.deployments:
        if d.replicas:
            sites.setdefault(d.service, []).append(d.site)
    impacts = []
    for service in fleet.services:
        keys = [(service.reservation, site) for site in sites.get(service.name, ())]
        rows = tuple(SiteImpact(key[1], total.get(key, 0.0), gone.get(key, 0.0)) for key in keys)
        down = bool(fallen[sweep.index[service.name]])
        if down or any(row.lost_rru for row in rows):
            impacts.append(ServiceImpact(service.name, service.tier, down, rows))
    return tuple(sorted(impacts, key=lambda row: (not row.down, row.tier, -row.share_lost)))


def _in_fleet_order(fleet: Fleet, kind: str, names: Sequence[str]) -> tuple[str, ...]:
    wanted = set(names)
    return tuple(row.name for row in fleet.rows(kind) if row.name in wanted)
