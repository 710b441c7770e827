"""A plan out of an allocation: waves of `capacity.move`, then `service.scale`, as a document that the twin can play.

A *wave* is what moves at once: at most so many servers, no rack twice. While servers move nobody has them, so those that nobody
needs go first, and a wave waits for the one before it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from solvers.capacity_fleet import FleetProblem
from solvers.problem import Floats, Ints
from twin.actions.capacity_move import STEP_S as MOVE_S
from twin.actions.service_scale import STEP_S as SCALE_S
from twin.model.fleet import Fleet
from twin.model.names import compress
from twin.model.plan import Author, Claim, Plan, Scope, Step, Window

MARGIN = timedelta(hours=1)


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


def plan_of(
    fleet: Fleet,
    given: FleetProblem,
    waves: Sequence[Sequence[Move]],
    counts: Ints,
    header: Mapping[str, Any],
) -> Plan:
    """Return the plan; `header` has `name`, `description`, `start` and the fleet's `digest`."""
    steps: list[Step] = []
    before: tuple[str, ...] = ()
    for w, wave in enumerate(waves, start=1):
        now = []
        for m, move in enumerate(wave, start=1):
            now.append(_move_step(f"wave-{w}-{m}", move, before))
        steps += now
        before = tuple(step.id for step in now)
    scales = [
        Step.model_validate({"id": f"scale-{i}", "do": "service.scale@1", "params": params, **_after(before)})
        for i, params in enumerate(replicas_of(fleet, given, counts), start=1)
    ]
    length = len(waves) * MOVE_S + (SCALE_S if scales else 0.0)
    start: datetime = header["start"]
    racks = list(dict.fromkeys(rack for wave in waves for move in wave for rack in move.racks))
    services = sorted({f"service:{step.params['service']}" for step in scales})
    touched = [*compress(racks), *services] or [f"site:{fleet.sites[0].name}"]
    return Plan(
        plan=header["name"],
        description=header["description"],
        author=Author(agent="capacity-milp", version="1.0.0"),
        fleet=header["digest"],
        window=Window(not_before=start, not_after=start + timedelta(seconds=length) + MARGIN),
        scope=Scope(touch=tuple(touched), max_racks=len(racks)),
        steps=(*steps, *_one_by_service(scales)),
        claims=(Claim(metric="error_rate", limit="<= +5 % of reference, floor 0.1 %"),),
    )


def replicas_of(fleet: Fleet, given: FleetProblem, counts: Ints) -> list[dict[str, Any]]:
    """Return the services that need more replicas, as parameters of `service.scale`: what they need, as far as servers go."""
    needs, problem = given.needs, given.problem
    has = np.zeros(needs.need.shape)
    rru = problem.value * given.unit_rru[problem.pair_reservation] * counts
    np.add.at(has, (problem.pair_reservation, given.site_of_cell[problem.pair_cell]), rru)
    wanted = np.zeros_like(has)
    owner = [needs.reservations.index(row.reservation) for row in fleet.services]
    np.add.at(wanted, owner, needs.of_service)
    fill: Floats = np.minimum(1.0, np.divide(has, wanted, out=np.ones_like(has), where=wanted > 0))
    site_number = {name: s for s, name in enumerate(needs.sites)}
    service_number = {name: k for k, name in enumerate(needs.services)}
    found = []
    for row in fleet.deployments:
        k, s = service_number[row.service], site_number[row.site]
        size = fleet.services[k].replica_rru
        target = int(np.floor(needs.of_service[k, s] * fill[owner[k], s] / size + 1e-6))
        if row.replicas and target > row.replicas:
            found.append({"service": row.service, "site": row.site, "replicas": target})
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


def _move_step(name: str, move: Move, before: tuple[str, ...]) -> Step:
    params = {
        "from": move.source,
        "to": move.target,
        "type": move.type,
        "count": move.count,
        "racks": list(compress(move.racks)),
    }
    return Step.model_validate({"id": name, "do": "capacity.move@1", "params": params, **_after(before)})


def _after(before: tuple[str, ...]) -> dict[str, Any]:
    return {"after": before} if before else {"at_s": 0.0}


def _one_by_service(scales: Sequence[Step]) -> list[Step]:
    """Return the steps so that those of one service follow each other: they lock it."""
    last: dict[str, str] = {}
    chained = []
    for step in scales:
        service = step.params["service"]
        if service in last:
            step = step.model_copy(update={"after": (last[service],), "at_s": None})
        last[service] = step.id
        chained.append(step)
    return chained
