"""The maintenance problem: what each job takes away, which jobs must not run together, and what a further loss would hit when.

Two jobs *conflict* when, together and with at most one further loss, they take something down (a rack, a plant), or load a unit
above its rating, that neither of them does alone with that loss: the spare that each leaves is the spare that the other needs.
The *risk* of a job in a slot is Σ over further losses of their probability x the requests that would be hit more than without
the job.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import combinations

import numpy as np

from solvers.maintenance_loads import Overloads, hourly_rack_w
from solvers.placement_flows import flows, point_of
from solvers.placement_problem import placement_problem
from twin.graph.levels import Bools, Floats, Ints
from twin.graph.sweep import Sweep, sweep_of
from twin.model.errors import UsageError, did_you_mean
from twin.model.fleet import Fleet

KINDS = ("power_units", "cooling_plants", "switches")
MOST_JOBS = 40
DRAINING_S = 900.0  # assumed by rack.drain and rack.undrain, all racks of a job at once


@dataclass(frozen=True)
class Job:
    """Something to maintain, and for how long it is out of service [s]."""

    unit: str
    lasts_s: float


@dataclass(frozen=True)
class MaintenanceProblem:
    """Jobs [J] over slots [T] of `slot_s`: `length` [J] in slots, draining included, at the site `at` [J].

    `risk` [requests, (J, T)] is that of each slot in which a job runs; it is `unsafe` where a further loss would then load a unit
    above its rating that is not so without the job. `conflicts` are sets of jobs that must not all run at
    once, with what would happen. `lost` [RRU, (N, J)] is what a job takes of a pool in a case of a further loss (`certain` [N]:
    of none), `room` [RRU, (N, T)] what the pool can spare in each slot. `drained` are the racks that go down with a job.
    """

    start: datetime
    slot_s: float
    jobs: tuple[Job, ...]
    length: Ints
    at: tuple[str, ...]
    risk: Floats
    unsafe: Bools
    conflicts: tuple[tuple[tuple[int, ...], str], ...]
    pools: tuple[str, ...]
    lost: Floats
    room: Floats
    certain: Bools
    drained: tuple[tuple[str, ...], ...]

    @property
    def slots(self) -> int:
        """Return how many slots the window has."""
        return self.risk.shape[1]


def maintenance_problem(
    fleet: Fleet,
    jobs: Sequence[Job],
    *,
    start: datetime,
    window_s: float,
    slot_s: float = 1800.0,
    rack_w: Mapping[str, float] | None = None,
) -> MaintenanceProblem:
    """Read the problem off a fleet; racks draw `rack_w`, else what users make them draw by the hour.

    Raises UsageError with all problems.
    Cost: a sweep for each job, pair of jobs and further loss; roll-ups of the site for each pair, and for each job and hour.
    """
    _check(fleet, jobs, window_s, slot_s)
    slots = int(window_s // slot_s)
    at = tuple(str(fleet.site_of(job.unit)) for job in jobs)
    losses = [row for kind in KINDS for row in fleet.rows(kind) if row.site in at]
    names = [row.name for row in losses]
    down = _Down(fleet)
    pools, of_rack = _pools(fleet)
    load, needed = _demand(fleet, start, slots, slot_s, pools)
    alone = down.racks(())
    base = np.stack([down.racks((name,)) for name in names])  # [L, racks]
    lost_with = [np.stack([down.racks((job.unit, name)) for name in names]) for job in jobs]
    chance = np.array([0.0 if row.mtbf_s is None else min(1.0, slot_s / row.mtbf_s) for row in losses])
    weight = _share_of_pool(of_rack)
    risk = np.zeros((len(jobs), slots))
    rows: dict[tuple[float, ...], tuple[str, Floats, Floats]] = {}
    for j, job in enumerate(jobs):
        more = (
            lost_with[j] & ~base & ~down.racks((job.unit,))
        )  # what goes down with the job is drained before
        hit = more.astype(float) @ weight  # [L, pools]
        others = np.array(names) != job.unit
        risk[j] = ((chance * others)[:, None] * hit).sum(axis=0) @ load * slot_s
    taken = np.stack([(lost_with[j] & ~base).astype(float) @ of_rack for j in range(len(jobs))], axis=-1)
    for case, name in [(-1, ""), *enumerate(names)]:
        loses = (
            np.stack([(down.racks((job.unit,)) & ~alone).astype(float) @ of_rack for job in jobs], axis=-1)
            if case < 0
            else taken[case]
        )
        there = of_rack.sum(axis=0) - (alone if case < 0 else base[case]).astype(float) @ of_rack
        for p in np.flatnonzero(loses.any(axis=1)):
            room = np.maximum(there[p] - needed[p], 0.0)
            key = (float(p), float(case < 0), *np.round(loses[p], 9).tolist())
            if key not in rows or (room < rows[key][2]).any():
                old = rows[key][2] if key in rows else room
                rows[key] = (
                    f"{pools[p]}{' without ' + name if name else ''}",
                    loses[p],
                    np.minimum(room, old),
                )
    hours = math.ceil(slots * slot_s / 3600.0)
    overloads = Overloads(fleet, [rack_w] if rack_w else hourly_rack_w(fleet, start, hours))
    hour_of: Ints = ((np.arange(slots) + 0.5) * slot_s // 3600.0).astype(np.int64)
    drained = tuple(
        tuple(
            rack.name
            for rack, gone in zip(fleet.racks, down.racks((job.unit,)) & ~alone, strict=True)
            if gone
        )
        for job in jobs
    )
    return MaintenanceProblem(
        start=start,
        slot_s=slot_s,
        jobs=tuple(jobs),
        length=np.array(
            [
                max(1, math.ceil((job.lasts_s + DRAINING_S * bool(racks)) / slot_s - 1e-9))
                for job, racks in zip(jobs, drained, strict=True)
            ],
            dtype=np.int64,
        ),
        at=at,
        risk=risk,
        unsafe=_unsafe(jobs, at, overloads, hour_of),
        conflicts=tuple(_conflicts(fleet, jobs, at, names, (down, overloads))),
        pools=tuple(name for name, *_ in rows.values()),
        lost=np.array([row for _, row, _ in rows.values()]).reshape(len(rows), len(jobs)),
        room=np.array([room for *_, room in rows.values()]).reshape(len(rows), slots),
        certain=np.array([bool(key[1]) for key in rows], dtype=bool),
        drained=drained,
    )


def _check(fleet: Fleet, jobs: Sequence[Job], window_s: float, slot_s: float) -> None:
    known = [row.name for kind in KINDS for row in fleet.rows(kind)]
    wrong = []
    if not jobs:
        wrong.append("nothing to maintain")
    if len(jobs) > MOST_JOBS:
        wrong.append(f"{len(jobs)} jobs (at most {MOST_JOBS}: plan site by site)")
    if window_s < slot_s:
        wrong.append(f"a window of {window_s:g} s is shorter than a slot of {slot_s:g} s")
    seen: set[str] = set()
    for job in jobs:
        if job.unit not in known:
            hint = did_you_mean(job.unit, known) or "name a power unit, cooling plant or switch"
            wrong.append(f"nothing called '{job.unit}' ({hint})")
        if job.unit in seen:
            wrong.append(f"'{job.unit}' twice")
        if not 0 < job.lasts_s < math.inf:
            wrong.append(f"'{job.unit}' lasts {job.lasts_s:g} s")
        seen.add(job.unit)
    if wrong:
        raise UsageError("no maintenance to plan: " + "; ".join(wrong))


class _Down:
    """Which racks are down without some things `[racks]`, remembered."""

    def __init__(self, fleet: Fleet) -> None:
        self._sweep: Sweep = sweep_of(fleet)
        self._node = np.array([self._sweep.index[rack.name] for rack in fleet.racks], dtype=np.int64)
        self._plant = np.array(
            [self._sweep.index[plant.name] for plant in fleet.cooling_plants], dtype=np.int64
        )
        self._known: dict[frozenset[str], Bools] = {}

    def things(self, lost: Sequence[str]) -> Bools:
        """Return which racks, then which plants, are down."""
        key = frozenset(lost)
        if key not in self._known:
            alive = self._sweep.without(tuple(sorted(key)))
            self._known[key] = ~alive[np.concatenate([self._node, self._plant])]
        return self._known[key]

    def racks(self, lost: Sequence[str]) -> Bools:
        """Return which racks are down."""
        return self.things(lost)[: len(self._node)]


def _pools(fleet: Fleet) -> tuple[tuple[str, ...], Floats]:
    """Return the pools (reservation at a site), and what each rack has of each `[RRU, (racks, pools)]`."""
    kinds = {kind.name: kind for kind in fleet.server_types}
    owners = {owner.name: owner for owner in fleet.reservations}
    site = {rack.name: rack.site for rack in fleet.racks}
    number = {rack.name: i for i, rack in enumerate(fleet.racks)}
    keys = sorted({(group.owner, site[group.rack]) for group in fleet.server_groups})
    found = np.zeros((len(fleet.racks), len(keys)))
    for group in fleet.server_groups:
        worth = owners[group.owner].worth(kinds[group.type])
        found[number[group.rack], keys.index((group.owner, site[group.rack]))] += group.count * worth
    return tuple(f"{owner} at {place}" for owner, place in keys), found


def _share_of_pool(of_rack: Floats) -> Floats:
    whole = of_rack.sum(axis=0)
    return np.divide(of_rack, whole, out=np.zeros_like(of_rack), where=whole > 0)


def _demand(
    fleet: Fleet, start: datetime, slots: int, slot_s: float, pools: Sequence[str]
) -> tuple[Floats, Floats]:
    """Return the requests that each pool serves `[1/s, (pools, T)]` and what they keep busy at most `[RRU, (pools, T)]`.

    A fleet in which nobody asks for anything has one request for each pool, and needs nothing.
    """
    load, needed = np.ones((len(pools), slots)), np.zeros((len(pools), slots))
    if not fleet.demand or len(fleet.sites) < 2:
        return load, needed
    hours = min(24 * 14, math.ceil(slots * slot_s / 3600.0))
    problem = placement_problem(fleet, start=start, hours=hours)
    arrivals = flows(problem, point_of(problem), problem.states[0]).arrivals
    hour = np.minimum((np.arange(slots) + 0.5) * slot_s // 3600.0, hours - 1).astype(np.int64)
    owner = {service.name: service.reservation for service in fleet.services}
    load[:] = 0.0
    for k, service in enumerate(problem.services):
        for s, site in enumerate(problem.sites):
            name = f"{owner[service]} at {site}"
            if name in pools:
                load[pools.index(name)] += arrivals[hour, k, s]
                needed[pools.index(name)] += arrivals[hour, k, s] * problem.busy_rru[k] / 0.9
    return load, needed


def _unsafe(jobs: Sequence[Job], at: Sequence[str], overloads: Overloads, hour_of: Ints) -> Bools:
    """Return in which slots a job alone leaves a unit above its rating, now or after a further loss `[J, T]`."""
    hours = np.unique(hour_of)
    found = np.zeros((len(jobs), len(hour_of)), dtype=bool)
    for j, (job, site) in enumerate(zip(jobs, at, strict=True)):
        for hour in hours.tolist():
            found[j, hour_of == hour] = bool(
                overloads.of(site, (job.unit,), hour) - overloads.of(site, (), hour)
            )
    return found


def _conflicts(
    fleet: Fleet,
    jobs: Sequence[Job],
    at: Sequence[str],
    names: Sequence[str],
    looks: tuple[_Down, Overloads],
) -> list[tuple[tuple[int, ...], str]]:
    """Return the pairs that conflict, then the triples without such a pair that do."""
    found: list[tuple[tuple[int, ...], str]] = []
    for size in (2, 3):
        for group in combinations(range(len(jobs)), size):
            if len({at[j] for j in group}) > 1 or any(set(known) <= set(group) for known, _ in found):
                continue
            why = _together(fleet, [jobs[j].unit for j in group], at[group[0]], names, looks)
            if why:
                found.append((group, why))
    return found


def _together(
    fleet: Fleet, units: Sequence[str], site: str, names: Sequence[str], looks: tuple[_Down, Overloads]
) -> str:
    """Return what some units out of service at once break that fewer of them do not, in words; empty for nothing."""
    down, overloads = looks
    fewer = [tuple(unit for unit in units if unit != left) for left in units]
    labels = [*(rack.name for rack in fleet.racks), *(plant.name for plant in fleet.cooling_plants)]
    for further in ("", *names):
        if further in units:
            continue
        more = (further,) if further else ()
        gone = down.things((*units, *more))
        for some in fewer:
            gone = gone & ~down.things((*some, *more))
        if gone.any():
            first = labels[int(np.flatnonzero(gone)[0])]
            count = f" and {int(gone.sum()) - 1} more" if gone.sum() > 1 else ""
            return f"{first}{count} down" + (f" with the loss of {further}" if further else "")
    for hour in overloads.typical:
        over = overloads.of(site, units, hour)
        for some in fewer:
            over = over - overloads.of(site, some, hour)
        if over:
            unit, further = min(over)
            return f"{unit} above its rating" + (f" with the loss of {further}" if further else "")
    return ""


def with_demand(problem: MaintenanceProblem, factor: float) -> MaintenanceProblem:
    """Return the same problem with the requests at risk multiplied (the room of pools stays)."""
    return replace(problem, risk=problem.risk * factor)
