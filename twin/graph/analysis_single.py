"""What one loss alone can do: single points of failure, and redundancy that meets upstream.

The *cuts* of a node are all single losses that take it down. A loss takes a node down when it hits the node
itself or when too few of its parents survive it; so the cuts of a node follow from those of its parents, and
one pass over the graph finds them for every node at once.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from twin.graph.analysis_blast import REDUNDANT
from twin.graph.dependency import shared_fates
from twin.graph.sweep import Sweep, sweep_of
from twin.model.errors import UsageError, did_you_mean
from twin.model.fleet import THINGS, Fleet

Cuts = Sequence[frozenset[str]]
_NONE: frozenset[str] = frozenset()


@dataclass(frozen=True)
class SinglePoints:
    """Everything whose loss alone takes a service down, by kind; `down` when it is down without any loss."""

    service: str
    tier: int
    down: bool
    points: dict[str, tuple[str, ...]]

    @property
    def count(self) -> int:
        """Return how many single points there are."""
        return sum(len(names) for names in self.points.values())


@dataclass(frozen=True)
class CommonCause:
    """Things of one kind whose redundant `requirement` fails with any one of `causes` (nearest first)."""

    kind: str
    requirement: str
    causes: tuple[str, ...]
    things: tuple[str, ...]


def single_cuts(fleet: Fleet, sweep: Sweep) -> Cuts:
    """Return for each node the single losses (things, sites, regions, srlg:X) that take it down.

    Nodes that are down without any loss have none. Cost: the sum of the sizes of the parents' cuts,
    once for all nodes with the same parents.
    """
    risks: defaultdict[str, list[str]] = defaultdict(list)
    for fate, members in shared_fates(fleet).items():
        for member in members:
            if member != fate:
                risks[member].append(fate)
    alive = sweep.without(()).tolist()
    parents: list[list[int]] = [[] for _ in sweep.names]
    for child, parent in zip(sweep.child.tolist(), sweep.parent.tolist(), strict=True):
        if alive[parent]:
            parents[child].append(parent)
    cuts: list[frozenset[str]] = []
    shared: dict[tuple[int, ...], frozenset[str]] = {}
    for node, (thing, needs) in enumerate(zip(sweep.things, sweep.needs.tolist(), strict=True)):
        if not alive[node]:
            cuts.append(_NONE)
            continue
        key = (needs, *parents[node])
        if key not in shared:
            shared[key] = _inherited([cuts[parent] for parent in parents[node]], needs)
        cuts.append(shared[key].union((thing,), risks.get(thing, ())))
    return cuts


def single_points_of_failure(fleet: Fleet, service: str, *, sweep: Sweep | None = None) -> SinglePoints:
    """Return every single loss that takes `service` down entirely; raises UsageError for an unknown service.

    Cost: that of the cuts of the whole graph; use :func:`all_single_points` for several services.
    """
    known = [row.name for row in fleet.services]
    name = service.removeprefix("service:")
    if name not in known:
        hint = did_you_mean(name, known) or f"one of: {', '.join(known[:10])}"
        raise UsageError(f"the fleet {fleet.name} has no service called '{name}' ({hint})")
    return next(row for row in all_single_points(fleet, sweep=sweep) if row.service == name)


def all_single_points(
    fleet: Fleet, *, sweep: Sweep | None = None, cuts: Cuts | None = None
) -> tuple[SinglePoints, ...]:
    """Return the single points of every service, in the order of the fleet."""
    sweep = sweep or sweep_of(fleet)
    cuts = single_cuts(fleet, sweep) if cuts is None else cuts
    alive = sweep.without(())
    kinds = {name: kind for name, (kind, _) in fleet.things.items()}
    rows = []
    for service in fleet.services:
        node = sweep.index[service.name]
        points: dict[str, list[str]] = defaultdict(list)
        for name in _nearest_first(sweep, cuts[node] - {service.name}):
            if name in kinds or name.startswith("srlg:"):
                points[kinds.get(name, "links")].append(name)
        by_kind = {kind: tuple(points[kind]) for kind in THINGS if kind in points}
        rows.append(SinglePoints(service.name, service.tier, not alive[node], by_kind))
    return tuple(rows)


def common_causes(
    fleet: Fleet, *, sweep: Sweep | None = None, cuts: Cuts | None = None
) -> tuple[CommonCause, ...]:
    """Return redundant feeds, uplinks, copies and backbone links that one loss upstream takes away together.

    Only what has more live parents than it needs counts as redundant. The site and region of a thing are no
    cause: they take the thing itself. Things with the same causes are one row. Cost: that of the cuts.
    """
    sweep = sweep or sweep_of(fleet)
    cuts = single_cuts(fleet, sweep) if cuts is None else cuts
    found: dict[tuple[str, str, frozenset[str]], list[str]] = defaultdict(list)
    for kind, requirement, thing, causes in [
        *_of_things(fleet, sweep, cuts),
        *_of_backbone(fleet, sweep, cuts),
    ]:
        found[kind, requirement, causes].append(thing)
    rows = [
        CommonCause(kind, requirement, _nearest_first(sweep, causes), tuple(things))
        for (kind, requirement, causes), things in found.items()
    ]
    return tuple(sorted(rows, key=lambda row: (THINGS.index(row.kind), row.requirement, -len(row.things))))


def _inherited(parents: Sequence[frozenset[str]], needs: int) -> frozenset[str]:
    """Return the losses that leave fewer than `needs` of the parents, given each parent's cuts."""
    spare = len(parents) - needs
    if needs < 1:
        return _NONE
    if spare == 0:
        return _NONE.union(*parents)
    if needs == 1:
        common = min(parents, key=len)
        for cut in parents:
            if not common:
                break
            common &= cut
        return common
    hits = Counter(loss for cut in parents for loss in cut)
    return frozenset(loss for loss, count in hits.items() if count > spare)


def _of_things(fleet: Fleet, sweep: Sweep, cuts: Cuts) -> Iterable[tuple[str, str, str, frozenset[str]]]:
    """Yield (kind, requirement, thing, causes) of each redundant requirement that one loss takes away."""
    alive = sweep.without(())
    fates = shared_fates(fleet)
    members: Mapping[str, frozenset[str]] = {name: frozenset(rows) for name, rows in fates.items()}
    degree: Counter[int] = Counter(sweep.child[alive[sweep.parent]].tolist())
    for node, thing in enumerate(sweep.things):
        kind = sweep.kinds[sweep.index[thing]]
        if kind not in REDUNDANT or not alive[node] or not 0 < sweep.needs[node] < degree[node]:
            continue
        own = {name for name in cuts[node] if name == thing or thing in members.get(name, _NONE)}
        causes = cuts[node] - own
        power = sweep.index.get(f"{thing}#power")
        if power is not None and power != node:
            causes -= cuts[power]
        if causes:
            yield kind, sweep.groups[node], thing, causes


def _of_backbone(fleet: Fleet, sweep: Sweep, cuts: Cuts) -> Iterable[tuple[str, str, str, frozenset[str]]]:
    """Yield the same for sites whose backbone links all go with one loss that leaves both ends up."""
    site_of = {switch.name: switch.site for switch in fleet.switches}
    links: defaultdict[str, list[frozenset[str]]] = defaultdict(list)
    for link in fleet.links:
        ends = site_of[link.a], site_of[link.b]
        if ends[0] != ends[1] and (cut := cuts[sweep.index[link.name]]):
            of_sites = cuts[sweep.index[ends[0]]] | cuts[sweep.index[ends[1]]]
            for site in ends:
                links[site].append(cut - of_sites)
    for site, live in links.items():
        causes = _inherited(live, 1)
        if len(live) > 1 and causes:
            yield "sites", "backbone", site, causes


def _nearest_first(sweep: Sweep, names: Iterable[str]) -> tuple[str, ...]:
    """Order by distance from the sources, farthest first; what is no node comes last."""
    return tuple(sorted(names, key=lambda name: (-sweep.index.get(name, -1), name)))
