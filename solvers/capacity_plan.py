"""A plan out of an allocation: waves of `capacity.move`, then `service.scale`, as a document that the twin can play.

A *wave* is what moves at once: at most so many servers, no rack twice. While servers move nobody has them, so those that nobody
needs go first, and a wave waits for the one before it.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import numpy as np

from solvers.capacity_fleet import FleetProblem
from solvers.problem import CapacityProblem, Floats, Ints
from solvers.proposal import Step
from twin.actions.capacity_move import STEP_S as MOVE_S
from twin.actions.service_scale import STEP_S as SCALE_S
from twin.model.fleet import Fleet
from twin.model.names import compress

LEAST = 0.005  # of its replicas: a service that needs less more than that is left alone


@dataclass(frozen=True)
class Transfer:
    """Servers of one cell that go from one pair to another."""

    cell: int
    source: int
    target: int
    count: int


@dataclass(frozen=True)
class Move:
    """Servers of one type that change their owner in some racks: a whole number, shared by what each rack has."""

    racks: tuple[str, ...]
    type: str
    source: str
    target: str
    count: int


def transfers_of(problem: CapacityProblem, counts: Ints) -> list[Transfer]:
    """Return the transfers that make an allocation out of today's: in each cell the owners without demand give first."""
    change = counts - problem.now
    found = []
    for c in np.unique(problem.pair_cell[change != 0]):
        pairs = np.flatnonzero(problem.pair_cell == c)
        wanted = problem.demand[problem.pair_reservation[pairs]]
        givers = sorted(np.flatnonzero(change[pairs] < 0), key=lambda i: (wanted[i] > 0, change[pairs[i]]))
        left = {int(pairs[i]): int(-change[pairs[i]]) for i in givers}
        for target in pairs[change[pairs] > 0]:
            missing = int(change[target])
            for source in left:
                count = min(missing, left[source])
                if count:
                    found.append(Transfer(int(c), source, int(target), count))
                    left[source] -= count
                    missing -= count
    return found


def waves_of(given: FleetProblem, transfers: Sequence[Transfer], most: int) -> list[list[Move]]:
    """Return the moves in waves of at most `most` servers without a rack twice.

    While servers move nobody has them. A wave takes from an owner only what leaves it its demand, without a loss and after the
    worst of each family (or what it keeps today, where that is less); what must wait for others to arrive goes in a later wave.
    Where nothing could go any more, one transfer goes all the same: the twin says whether that is safe.
    """
    problem = given.problem
    counts = problem.now.copy()
    floor = {
        r: np.minimum(problem.demand[r], _kept(problem, counts, r)) - 1e-9
        for r in range(problem.reservations)
    }
    short = problem.demand[problem.pair_reservation] > 0
    todo = sorted(transfers, key=lambda one: (bool(short[one.source]), -one.count))
    waves = []
    while todo:
        wave = _next_wave(given, todo, counts, floor, most) or [
            Transfer(todo[0].cell, todo[0].source, todo[0].target, min(most, todo[0].count))
        ]
        waves.append(_joined(given, wave, counts))
        for one in wave:
            counts[one.source] -= one.count
            counts[one.target] += one.count
        todo = _without(todo, wave)
    return waves


def steps_of(
    fleet: Fleet, given: FleetProblem, waves: Sequence[Sequence[Move]], counts: Ints
) -> tuple[list[Step], timedelta]:
    """Return the steps of the plan, and how long they take one after the other."""
    steps: list[Step] = []
    before: list[str] = []
    for w, wave in enumerate(waves, start=1):
        now = [_move_step(f"wave-{w}-{m}", move, before) for m, move in enumerate(wave, start=1)]
        steps += now
        before = [step["id"] for step in now]
    scales = _scale_steps(replicas_of(fleet, given, counts), before)
    deep = max(Counter(step["params"]["service"] for step in scales).values(), default=0)
    return [*steps, *scales], timedelta(seconds=len(waves) * MOVE_S + deep * SCALE_S)


def replicas_of(fleet: Fleet, given: FleetProblem, counts: Ints) -> list[dict[str, Any]]:
    """Return the services that need more replicas, as parameters of `service.scale`: so many percent more, everywhere alike.

    Traffic keeps its weights, so all sites of a service need more by the same part; the site that needs most says how much. What
    a site needs on its own (by a requirement) comes after that.
    """
    number = {name: s for s, name in enumerate(given.needs.sites)}
    local = given.needs.local if given.needs.local is not None else np.ones_like(given.needs.of_service)
    common = given.needs.of_service / local
    found: list[dict[str, Any]] = []
    for k, service in enumerate(fleet.services):
        rows = [row for row in fleet.deployments if row.service == service.name and row.replicas]
        more = max(
            (common[k, number[row.site]] / service.replica_rru / row.replicas - 1.0 for row in rows),
            default=0.0,
        )
        if more > LEAST:
            found.append({"service": service.name, "replicas": _percent(more)})
        for row in rows:
            own = float(local[k, number[row.site]] - 1.0)
            if own > LEAST:
                found.append({"service": service.name, "site": row.site, "replicas": _percent(own)})
    return found


def _scale_steps(params: Sequence[dict[str, Any]], before: Sequence[str]) -> list[Step]:
    """Return the steps: all services at once, those of the same service one after the other."""
    steps: list[Step] = []
    last: dict[str, str] = {}
    for i, one in enumerate(params, start=1):
        after = [last[one["service"]]] if one["service"] in last else before
        steps.append({"id": f"scale-{i}", "do": "service.scale@1", "params": one, **_after(after)})
        last[one["service"]] = f"scale-{i}"
    return steps


def _percent(more: float) -> str:
    return f"+{math.ceil(more * 1000 - 1e-6) / 10:g} %"


def _next_wave(
    given: FleetProblem, todo: Sequence[Transfer], counts: Ints, floor: Mapping[int, Floats], most: int
) -> list[Transfer]:
    """Return what can go at once from these counts."""
    problem = given.problem
    between, room, touched = counts.copy(), most, set[str]()
    wave = []
    for one in todo:
        if room < 1:
            break
        if not touched.isdisjoint(given.racks[one.cell]):
            continue
        owner = int(problem.pair_reservation[one.source])
        count = min(one.count, room)
        before = between[one.source]
        while count:
            between[one.source] = before - count
            if (_kept(problem, between, owner) >= floor[owner]).all():
                break
            count //= 2
        between[one.source] = before - count
        if count:
            room -= count
            touched.update(given.racks[one.cell])
            wave.append(Transfer(one.cell, one.source, one.target, count))
    return wave


def _kept(problem: CapacityProblem, counts: Ints, owner: int) -> Floats:
    """Return what an owner has, and what it keeps after the worst loss of each family that it survives `[1 + f]`."""
    pairs = np.flatnonzero(problem.pair_reservation == owner)
    load = problem.value[pairs] * counts[pairs]
    worst = [0.0]
    for f in np.flatnonzero(problem.survives[owner]):
        domain = problem.families[f].of_cell[problem.pair_cell[pairs]]
        inside = domain >= 0
        worst.append(float(np.bincount(domain[inside], load[inside], 1).max(initial=0.0)))
    return load.sum() - np.array(worst)


def _without(todo: Sequence[Transfer], done: Sequence[Transfer]) -> list[Transfer]:
    gone = {(one.cell, one.source, one.target): one.count for one in done}
    left = [replace(one, count=one.count - gone.get((one.cell, one.source, one.target), 0)) for one in todo]
    return [one for one in left if one.count]


def _joined(given: FleetProblem, wave: Sequence[Transfer], counts: Ints) -> list[Move]:
    """Return the moves of a wave; cells from which an owner gives all it has are one move per type, giver and receiver."""
    problem = given.problem
    names, owner = problem.reservation_names, problem.pair_reservation
    found: dict[tuple[str, str, str, int], list[Transfer]] = {}
    for one in wave:
        kind = problem.type_names[int(problem.cell_type[one.cell])]
        alone = -1 if one.count == counts[one.source] else one.cell
        key = (kind, names[owner[one.source]], names[owner[one.target]], alone)
        found.setdefault(key, []).append(one)
    return [
        Move(
            tuple(rack for one in parts for rack in given.racks[one.cell]),
            kind,
            source,
            target,
            sum(one.count for one in parts),
        )
        for (kind, source, target, _), parts in found.items()
    ]


def _move_step(name: str, move: Move, before: Sequence[str]) -> Step:
    params = {
        "from": move.source,
        "to": move.target,
        "type": move.type,
        "count": move.count,
        "racks": list(compress(move.racks)),
    }
    return {"id": name, "do": "capacity.move@1", "params": params, **_after(before)}


def _after(before: Sequence[str]) -> dict[str, Any]:
    return {"after": list(before)} if before else {"at": "0 min"}
