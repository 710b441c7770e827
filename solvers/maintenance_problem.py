"""The maintenance problem: what each job takes away, which jobs must not run together, and what a further loss would hit when.

The *risk* of a job in a slot is Σ over further losses of their probability x the requests that would be hit more than without
the job.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np

from solvers.maintenance_conflicts import Down, conflicts_of, unsafe_slots
from solvers.maintenance_loads import Overloads, hourly_rack_w
from solvers.placement_flows import flows, point_of
from solvers.placement_problem import placement_problem
from twin.graph.levels import Bools, Floats, Ints
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
    slots, units = int(window_s // slot_s), [job.unit for job in jobs]
    at = tuple(str(fleet.site_of(unit)) for unit in units)
    down = Down(fleet)
    losses = _losses(fleet, units, at, slot_s=slot_s, down=down)
    pools, of_rack = _pools(fleet)
    load, needed = _demand(fleet, start, slots, slot_s, pools)
    hours = math.ceil(slots * slot_s / 3600.0)
    overloads = Overloads(fleet, [rack_w] if rack_w else hourly_rack_w(fleet, start, hours))
    hour_of: Ints = ((np.arange(slots) + 0.5) * slot_s // 3600.0).astype(np.int64)
    drained = tuple(
        tuple(rack.name for rack, gone in zip(fleet.racks, row, strict=True) if gone)
        for row in losses.of_job & ~losses.today
    )
    cases, lost, room, certain = _spare(losses, pools, of_rack, needed)
    return MaintenanceProblem(
        start=start,
        slot_s=slot_s,
        jobs=tuple(jobs),
        length=_lengths(jobs, drained, slot_s),
        at=at,
        risk=_risk(losses, units, _share_of_pool(of_rack), load) * slot_s,
        unsafe=unsafe_slots(units, at, overloads, hour_of),
        conflicts=tuple(conflicts_of(fleet, units, at, losses.names, (down, overloads))),
        pools=cases,
        lost=lost,
        room=room,
        certain=certain,
        drained=drained,
    )


def with_demand(problem: MaintenanceProblem, factor: float) -> MaintenanceProblem:
    """Return the same problem with the requests at risk multiplied (the room of pools stays)."""
    return replace(problem, risk=problem.risk * factor)


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


@dataclass(frozen=True)
class _Losses:
    """Further losses [L] at the sites of the jobs [J], the probability of each in a slot, and which racks [R] are down:
    `today`, with each loss `of_loss` [L, R], with each job `of_job` [J, R], with both `of_both` [J, L, R].
    """

    names: tuple[str, ...]
    chance: Floats
    today: Bools
    of_loss: Bools
    of_job: Bools
    of_both: Bools


def _losses(fleet: Fleet, units: Sequence[str], at: Sequence[str], *, slot_s: float, down: Down) -> _Losses:
    rows = [row for kind in KINDS for row in fleet.rows(kind) if row.site in at]
    names = tuple(row.name for row in rows)
    return _Losses(
        names,
        np.array([0.0 if row.mtbf_s is None else min(1.0, slot_s / row.mtbf_s) for row in rows]),
        down.racks(()),
        np.stack([down.racks((name,)) for name in names]),
        np.stack([down.racks((unit,)) for unit in units]),
        np.stack([[down.racks((unit, name)) for name in names] for unit in units]),
    )


def _risk(losses: _Losses, units: Sequence[str], weight: Floats, load: Floats) -> Floats:
    """Return the requests per second at risk while a job runs `[J, T]`; what goes down with it is drained before."""
    risk = np.zeros((len(units), load.shape[1]))
    for j, unit in enumerate(units):
        more = losses.of_both[j] & ~losses.of_loss & ~losses.of_job[j]
        others = np.array(losses.names) != unit
        hit = more.astype(float) @ weight  # [L, pools]
        risk[j] = ((losses.chance * others)[:, None] * hit).sum(axis=0) @ load
    return risk


def _spare(
    losses: _Losses, pools: Sequence[str], of_rack: Floats, needed: Floats
) -> tuple[tuple[str, ...], Floats, Floats, Bools]:
    """Return the cases [N] (a pool, with or without a loss), what each job takes of them, their room, and which are certain.

    Of cases in which the jobs take the same the least room is kept.
    """
    alone = np.stack([(row & ~losses.today).astype(float) @ of_rack for row in losses.of_job], axis=-1)
    taken = np.stack([(both & ~losses.of_loss).astype(float) @ of_rack for both in losses.of_both], axis=-1)
    rows: dict[tuple[float, ...], tuple[str, Floats, Floats]] = {}
    for case, name in [(-1, ""), *enumerate(losses.names)]:
        loses, gone = (alone, losses.today) if case < 0 else (taken[case], losses.of_loss[case])
        there = of_rack.sum(axis=0) - gone.astype(float) @ of_rack
        for p in np.flatnonzero(loses.any(axis=1)).tolist():
            room = np.maximum(there[p] - needed[p], 0.0)
            key = (float(p), float(case < 0), *np.round(loses[p], 9).tolist())
            if key not in rows or (room < rows[key][2]).any():
                old = rows[key][2] if key in rows else room
                words = f"{pools[p]} without {name}" if name else pools[p]
                rows[key] = (words, loses[p], np.minimum(room, old))
    return (
        tuple(name for name, *_ in rows.values()),
        np.array([row for _, row, _ in rows.values()]).reshape(len(rows), len(losses.of_job)),
        np.array([room for *_, room in rows.values()]).reshape(len(rows), needed.shape[1]),
        np.array([bool(key[1]) for key in rows], dtype=bool),
    )


def _lengths(jobs: Sequence[Job], drained: Sequence[Sequence[str]], slot_s: float) -> Ints:
    """Return how many slots each job takes, with draining before and undraining after it `[J]`."""
    lasts_s = [job.lasts_s + DRAINING_S * bool(racks) for job, racks in zip(jobs, drained, strict=True)]
    return np.array([max(1, math.ceil(s / slot_s - 1e-9)) for s in lasts_s], dtype=np.int64)


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
