"""What would be evicted when something is lost: replicas that no longer fit, and where they could go."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from twin.graph.dependency import what_is_lost
from twin.graph.levels import Bools
from twin.graph.sweep import Sweep, sweep_of
from twin.model.fleet import Fleet
from twin.model.services import Service

Place = tuple[str, str]  # service, site
Pool = tuple[str, str]  # reservation, site


@dataclass(frozen=True)
class Eviction:
    """Replicas of a service that lose their place at a site; `moves` are the sites that can take them.

    `homeless` replicas fit nowhere.
    """

    service: str
    tier: int
    site: str
    replicas: int
    evicted: int
    moves: tuple[tuple[str, int], ...]

    @property
    def homeless(self) -> int:
        """Return how many of the evicted replicas find no other place."""
        return self.evicted - sum(count for _, count in self.moves)


def what_would_be_evicted(fleet: Fleet, *names: str, sweep: Sweep | None = None) -> tuple[Eviction, ...]:
    """Return the replicas that no longer fit when `names` are lost, most important tier first.

    The services of a reservation share its servers at a site; where they no longer all fit, the lowest tier
    (the highest number) goes first, in one tier the last in the fleet. Evicted replicas go to sites where
    their reservation has room, first in the same region, then by most room; a service bound to its region
    stays in it. Replicas that do not fit even without the loss are not counted.
    Cost: two sweeps, one pass over the fleet.
    """
    sweep = sweep or sweep_of(fleet)
    lost = [name for name in what_is_lost(fleet, names) if name in sweep.index]
    wanted = {(d.service, d.site): d.replicas for d in fleet.deployments}
    before = _placed(fleet, wanted, _capacity(fleet, sweep, sweep.without(())))
    left = _capacity(fleet, sweep, sweep.without(lost))
    after = _placed(fleet, wanted, left)
    services = {service.name: service for service in fleet.services}
    for (name, site), count in after.items():
        left[services[name].reservation, site] -= count * services[name].replica_rru
    evictions = []
    for name, site in _by_importance(fleet, wanted):
        evicted = before[name, site] - after[name, site]
        if evicted > 0:
            service, moves = services[name], _homes(fleet, services[name], site, evicted, left)
            evictions.append(Eviction(name, service.tier, site, wanted[name, site], evicted, moves))
    return tuple(evictions)


def _capacity(fleet: Fleet, sweep: Sweep, alive: Bools) -> defaultdict[Pool, float]:
    """Return the living capacity of each reservation at each site, in RRU."""
    kinds = {kind.name: kind for kind in fleet.server_types}
    owners = {row.name: row for row in fleet.reservations}
    site_of = {rack.name: rack.site for rack in fleet.racks}
    capacity: defaultdict[Pool, float] = defaultdict(float)
    for group in fleet.server_groups:
        if alive[sweep.index[group.name]]:
            capacity[group.owner, site_of[group.rack]] += group.count * owners[group.owner].worth(
                kinds[group.type]
            )
    return capacity


def _placed(fleet: Fleet, wanted: dict[Place, int], capacity: dict[Pool, float]) -> dict[Place, int]:
    """Return how many replicas fit at each place when the most important tier chooses first."""
    services = {service.name: service for service in fleet.services}
    left = defaultdict(float, capacity)
    placed = {}
    for name, site in _by_importance(fleet, wanted):
        pool, size = (services[name].reservation, site), services[name].replica_rru
        placed[name, site] = min(wanted[name, site], _count(left[pool], size))
        left[pool] -= placed[name, site] * size
    return placed


def _homes(
    fleet: Fleet, service: Service, site: str, evicted: int, left: dict[Pool, float]
) -> tuple[tuple[str, int], ...]:
    """Return where evicted replicas go, and take that room from `left`."""
    region = {row.name: row.region for row in fleet.sites}
    others = [
        row.name
        for row in fleet.sites
        if row.name != site and (service.locality == "any" or row.region == region[site])
    ]
    others.sort(
        key=lambda other: (region[other] != region[site], -left.get((service.reservation, other), 0.0))
    )
    moves = []
    for other in others:
        pool = service.reservation, other
        count = min(evicted, _count(left.get(pool, 0.0), service.replica_rru))
        if count:
            moves.append((other, count))
            left[pool] -= count * service.replica_rru
            evicted -= count
    return tuple(moves)


def _by_importance(fleet: Fleet, places: dict[Place, int]) -> list[Place]:
    rank = {service.name: (service.tier, i) for i, service in enumerate(fleet.services)}
    return sorted(places, key=lambda place: rank[place[0]])


def _count(rru: float, size: float) -> int:
    """Return how many replicas fit; rounding must not cost one."""
    return max(0, int(rru / size + 1e-9))
