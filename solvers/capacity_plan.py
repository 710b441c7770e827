"""A plan out of an allocation: waves of `capacity.move`, then `service.scale`, as a document that the twin can play.

A *wave* is what moves at once: at most so many servers, no rack twice. While servers move nobody has them, so those that nobody
needs go first, and a wave waits for the one before it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np

from solvers.capacity_fleet import FleetProblem
from solvers.problem import Ints
from solvers.proposal import Step
from twin.actions.capacity_move import STEP_S as MOVE_S
from twin.actions.service_scale import STEP_S as SCALE_S
from twin.model.fleet import Fleet
from twin.model.names import compress

LEAST = 0.005  # of its replicas: a service that needs less more than that is left alone


@dataclass(frozen=True)
class Move:
    """Servers of one type that change their owner in some racks: a whole number, shared by what each rack has."""

    racks: tuple[str, ...]
    type: str
    source: str
    target: str
    count: int


def moves_of(given: FleetProblem, counts: Ints) -> list[Move]:
    """Return the moves that make an allocation out of today's: in each cell the free owners give first.

    Cells from which an owner gives all it has are joined to one move per type, giver and receiver.
    """
    problem = given.problem
    whole: dict[tuple[str, str, str], list[int]] = {}
    single: list[Move] = []
    change = counts - problem.now
    for c in np.unique(problem.pair_cell[change != 0]):
        pairs = np.flatnonzero(problem.pair_cell == c)
        kind = problem.type_names[int(problem.cell_type[c])]
        for source, target, count in _matched(given, pairs, change[pairs]):
            names = problem.reservation_names
            giver = int(problem.pair_reservation[source])
            receiver = int(problem.pair_reservation[target])
            if count == problem.now[source]:
                whole.setdefault((kind, names[giver], names[receiver]), []).append(int(c))
            else:
                single.append(Move(given.racks[c], kind, names[giver], names[receiver], count))
    joined = [
        Move(
            tuple(rack for c in cells for rack in given.racks[c]),
            kind,
            source,
            target,
            sum(int(problem.now[_pair(given, c, source)]) for c in cells),
        )
        for (kind, source, target), cells in whole.items()
    ]
    return [*joined, *single]


def waves_of(moves: Sequence[Move], free: frozenset[str], most: int) -> list[list[Move]]:
    """Return the moves in waves of at most `most` servers without a rack twice; those from free owners come first."""
    waves: list[list[Move]] = []
    room: list[int] = []
    taken: list[set[str]] = []
    for move in sorted(moves, key=lambda move: (move.source not in free, -move.count)):
        for part in _parts(move, most):
            wave = next(
                (w for w in range(len(waves)) if room[w] >= part.count and taken[w].isdisjoint(part.racks)),
                len(waves),
            )
            if wave == len(waves):
                waves.append([])
                room.append(most)
                taken.append(set())
            waves[wave].append(part)
            room[wave] -= part.count
            taken[wave].update(part.racks)
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
    scales = [
        {"id": f"scale-{i}", "do": "service.scale@1", "params": params, **_after(before)}
        for i, params in enumerate(replicas_of(fleet, given, counts), start=1)
    ]
    return [*steps, *scales], timedelta(seconds=len(waves) * MOVE_S + (SCALE_S if scales else 0.0))


def replicas_of(fleet: Fleet, given: FleetProblem, counts: Ints) -> list[dict[str, Any]]:
    """Return the services that need more replicas, as parameters of `service.scale`: so many percent more, everywhere alike.

    Traffic keeps its weights, so all sites of a service need more by the same part; the site that needs most says how much.
    """
    number = {name: s for s, name in enumerate(given.needs.sites)}
    found = []
    for k, service in enumerate(fleet.services):
        rows = [row for row in fleet.deployments if row.service == service.name and row.replicas]
        more = max(
            (
                given.needs.of_service[k, number[row.site]] / service.replica_rru / row.replicas - 1.0
                for row in rows
            ),
            default=0.0,
        )
        if more > LEAST:
            found.append({"service": service.name, "replicas": f"+{math.ceil(more * 1000 - 1e-6) / 10:g} %"})
    return found


def _matched(given: FleetProblem, pairs: Ints, change: Ints) -> list[tuple[int, int, int]]:
    """Return (pair that gives, pair that gets, count) of one cell; who has no demand gives first."""
    demand = given.problem.demand[given.problem.pair_reservation[pairs]]
    gives = sorted(np.flatnonzero(change < 0), key=lambda i: (demand[i] > 0, change[i]))
    left = {int(i): int(-change[i]) for i in gives}
    found = []
    for i in np.flatnonzero(change > 0):
        wanted = int(change[i])
        for j in left:
            count = min(wanted, left[j])
            if count:
                found.append((int(pairs[j]), int(pairs[i]), count))
                left[j] -= count
                wanted -= count
    return found


def _pair(given: FleetProblem, cell: int, reservation: str) -> int:
    problem = given.problem
    r = problem.reservation_names.index(reservation)
    return int(np.flatnonzero((problem.pair_cell == cell) & (problem.pair_reservation == r))[0])


def _parts(move: Move, most: int) -> list[Move]:
    """Return a move as parts of at most `most` servers."""
    sizes = [min(most, move.count - first) for first in range(0, move.count, most)]
    return [Move(move.racks, move.type, move.source, move.target, size) for size in sizes]


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
