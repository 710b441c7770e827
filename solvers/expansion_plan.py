"""The plan of an expansion: what happens in named racks, month by month, as steps of existing actions.

Servers go first (`capacity.retire`), then change hands (`capacity.move`), then arrive (`capacity.add`) where racks have
height and power whatever single unit is lost. What finds no rack of today waits for the modules of
the plan: it is counted (`unplaced`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from solvers.expansion_fleet import MONTH_S, FleetExpansion
from solvers.expansion_problem import Floats, Ints
from solvers.expansion_solve import Solved
from solvers.proposal import Step
from twin.model.fleet import Fleet

Key = tuple[str, int, str]  # rack, type, owner
DAY_H = 24.0
WHEN = {"capacity.retire@1": 0, "capacity.move@1": 1, "capacity.add@1": 2}  # day of the month


@dataclass(frozen=True)
class Orders:
    """What the plan decides in whole numbers, by month of arrival.

    Servers bought, retired, gone to another site, come from one, and there `[T, C]`; modules built `[T, S]`.
    """

    bought: Ints
    built: Ints
    retired: Ints
    gone: Ints
    come: Ints
    servers: Ints

    @classmethod
    def of(cls, solved: Solved) -> Orders:
        """Read a solution."""
        p, x = solved.problem, solved.columns

        def of(numbers: Ints) -> Ints:
            return np.round(np.where(numbers >= 0, solved.x[numbers], 0.0)).astype(np.int64)

        def steps(numbers: Ints) -> Ints:
            return np.diff(of(numbers), axis=0, prepend=0)

        return cls(
            bought=of(x.buy) * p.batch[p.cell_type],
            built=steps(x.modules),
            retired=steps(x.retired),
            gone=of(x.leave),
            come=of(x.enter),
            servers=of(x.servers),
        )


@dataclass
class Steps:
    """The steps of a plan, and the servers `[T, C]` that no rack of today can take."""

    steps: list[Step] = field(default_factory=list)
    unplaced: Ints = field(default_factory=lambda: np.zeros((0, 0), dtype=np.int64))
    moved: int = 0


def steps_of(fleet: Fleet, given: FleetExpansion, solved: Solved, orders: Orders) -> Steps:
    """Return the steps of a plan in the order of months. Cost: months x cells x racks of a site."""
    made = Steps(unplaced=np.zeros_like(orders.bought))
    estate = _Estate(fleet, given)
    wanted = _wanted(given, solved)
    for month in range(given.problem.months):
        for cell in range(given.problem.cells):
            _of_cell(estate, made, (month, cell), orders, wanted[month, cell])
    made.steps[:] = one_at_a_time(made.steps)
    return made


def one_at_a_time(steps: list[Step]) -> list[Step]:
    """Return the steps so that those of the same hour that touch the same rack follow each other: they lock it."""
    last: dict[tuple[str, str], str] = {}
    chained = []
    for step in steps:
        keys = [(step["at"], rack) for rack in step["params"]["racks"]]
        before = list(dict.fromkeys(last[key] for key in keys if key in last))
        last.update(dict.fromkeys(keys, step["id"]))
        if before:
            step = {key: value for key, value in step.items() if key != "at"} | {"after": before}
        chained.append(step)
    return chained


def _of_cell(
    estate: _Estate, made: Steps, at: tuple[int, int], orders: Orders, wanted: Mapping[str, float]
) -> None:
    """Write the steps of one cell in one month."""
    month, cell = at
    leaving = int(orders.retired[at] + orders.gone[at])
    arriving = int(orders.bought[at] + orders.come[at])
    here = estate.owners(cell)
    for owner, count in _shared(leaving, {o: here[o] - wanted.get(o, 0.0) for o in here}, here).items():
        _write(made, at, "capacity.retire@1", estate.take(cell, owner, count), {"owner": owner}, estate)
    here = estate.owners(cell)
    lacking = {o: rru - here.get(o, 0) for o, rru in wanted.items()}
    if arriving and lacking:
        for owner, count in _shared(arriving, lacking, dict.fromkeys(lacking, arriving)).items():
            found = estate.put(cell, owner, count)
            made.unplaced[at] += count - sum(found.values())
            _write(made, at, "capacity.add@1", found, {"owner": owner}, estate)
    elif arriving:
        made.unplaced[at] += arriving
    for giver, taker, count in _swaps(estate.owners(cell), wanted):
        found = estate.hand(cell, (giver, taker), count)
        made.moved += sum(found.values())
        _write(made, at, "capacity.move@1", found, {"from": giver, "to": taker}, estate)


def _shared(total: int, urgency: Mapping[str, float], most: Mapping[str, int]) -> dict[str, int]:
    """Share a number among owners, the most urgent first, each at most what it may."""
    shares: dict[str, int] = {}
    left = total
    for owner in sorted(urgency, key=lambda o: (-urgency[o], o)):
        count = min(left, most[owner], max(0, int(np.ceil(urgency[owner]))))
        if count:
            shares[owner], left = count, left - count
    for owner in sorted(urgency, key=lambda o: (-urgency[o], o)):
        more = min(left, most[owner] - shares.get(owner, 0))
        if more > 0:
            shares[owner], left = shares.get(owner, 0) + more, left - more
    return shares


def _swaps(here: Mapping[str, int], wanted: Mapping[str, float]) -> Iterator[tuple[str, str, int]]:
    """Yield who gives how many whole servers to whom, so that nobody is short by one or more while another has one too many."""
    spare = {o: int(np.floor(n - wanted.get(o, 0.0) + 1e-6)) for o, n in here.items()}
    lacking = {o: int(np.floor(n - here.get(o, 0) + 1e-6)) for o, n in wanted.items()}
    for taker in sorted(lacking, key=lambda o: (-lacking[o], o)):
        for giver in sorted(spare, key=lambda o: (-spare[o], o)):
            count = min(lacking[taker], spare[giver])
            if count > 0:
                spare[giver] -= count
                lacking[taker] -= count
                yield giver, taker, count


def _wanted(given: FleetExpansion, solved: Solved) -> dict[tuple[int, int], dict[str, float]]:
    """Return how many servers of each cell work for each reservation in each month, in the scenario that wants most."""
    p = given.problem
    work: Floats = solved.x[solved.columns.work].max(axis=0)
    found: dict[tuple[int, int], dict[str, float]] = {
        (t, c): {} for t in range(p.months) for c in range(p.cells)
    }
    for pair, (cell, service) in enumerate(zip(p.pair_cell.tolist(), p.pair_service.tolist(), strict=True)):
        owner = given.owner[service]
        for month in range(p.months):
            row = found[month, cell]
            row[owner] = row.get(owner, 0.0) + float(work[month, pair])
    return found


def _write(
    made: Steps, at: tuple[int, int], do: str, racks: Mapping[str, int], who: dict[str, str], estate: _Estate
) -> None:
    """Write steps that put exactly these numbers into these racks: racks with one number each share a step."""
    month, cell = at
    groups: dict[int, list[str]] = {}
    for rack, count in racks.items():
        if count:
            groups.setdefault(count, []).append(rack)
    verb = do.partition(".")[2].partition("@")[0]
    for count, names in groups.items():
        # A move or a retirement takes from racks in proportion to what they have: each rack has its own step there.
        parts = [names] if do == "capacity.add@1" else [[name] for name in names]
        for part in parts:
            params = {"racks": part, "type": estate.type_name(cell), **who, "count": count * len(part)}
            hours = month * MONTH_S / 3600.0 + WHEN[do] * DAY_H
            made.steps.append(
                {
                    "id": f"m{month + 1:02d}-{verb}-{len(made.steps) + 1}",
                    "do": do,
                    "params": params,
                    "at": f"{hours:g} h",
                }
            )


class _Estate:
    """Who has how many servers in which rack, and what room the racks and the limits of their site have left."""

    def __init__(self, fleet: Fleet, given: FleetExpansion) -> None:
        self.given = given
        p = given.problem
        self._type = {name: k for k, name in enumerate(p.type_names)}
        self.racks: list[list[str]] = [[] for _ in p.site_names]
        site_of = {name: s for s, name in enumerate(p.site_names)}
        for rack in fleet.racks:
            self.racks[site_of[rack.site]].append(rack.name)
        self.count: dict[Key, int] = {}
        for group in fleet.server_groups:
            key = (group.rack, self._type[group.type], group.owner)
            self.count[key] = self.count.get(key, 0) + group.count
        self.free_u = {rack: free for room in given.rooms for rack, free in room.free_u.items()}
        self.free_w = {rack: left for room in given.rooms for rack, left in room.budget_w.items()}
        self.spare = [room.room.limits.spare.copy() for room in given.rooms]

    def type_name(self, cell: int) -> str:
        """Return the name of the type of a cell."""
        return self.given.problem.type_names[int(self.given.problem.cell_type[cell])]

    def owners(self, cell: int) -> dict[str, int]:
        """Return who has how many servers of a cell."""
        site, kind = self._at(cell)
        found: dict[str, int] = {}
        here = set(self.racks[site])
        for (rack, k, owner), count in self.count.items():
            if k == kind and count and rack in here:
                found[owner] = found.get(owner, 0) + count
        return found

    def take(self, cell: int, owner: str, count: int) -> dict[str, int]:
        """Take servers of an owner out of their racks."""
        return self._collect(cell, owner, count, free=True)

    def hand(self, cell: int, who: tuple[str, str], count: int) -> dict[str, int]:
        """Give servers to another owner, where they stand."""
        _, kind = self._at(cell)
        found = self._collect(cell, who[0], count, free=False)
        for rack, number in found.items():
            self.count[rack, kind, who[1]] = self.count.get((rack, kind, who[1]), 0) + number
        return found

    def put(self, cell: int, owner: str, count: int) -> dict[str, int]:
        """Put servers into racks that have room, as many as fit."""
        site, kind = self._at(cell)
        found: dict[str, int] = {}
        left = count
        for rack in self.racks[site]:
            if left == 0:
                break
            number = min(left, self._fits(site, rack, kind))
            if number > 0:
                self._use(site, rack, kind, number)
                self.count[rack, kind, owner] = self.count.get((rack, kind, owner), 0) + number
                found[rack], left = number, left - number
        return found

    def _collect(self, cell: int, owner: str, count: int, *, free: bool) -> dict[str, int]:
        site, kind = self._at(cell)
        found: dict[str, int] = {}
        left = count
        for rack in self.racks[site]:
            number = min(left, self.count.get((rack, kind, owner), 0))
            if number > 0:
                self.count[rack, kind, owner] -= number
                found[rack], left = number, left - number
                if free:
                    self._use(site, rack, kind, -number)
        return found

    def _fits(self, site: int, rack: str, kind: int) -> int:
        room, p = self.given.rooms[site], self.given.problem
        if rack not in room.feed:
            return 0
        more = room.more(rack, kind)
        loads = more > 0
        by_limits = (np.maximum(self.spare[site][loads], 0.0) / more[loads]).min(initial=1e9)
        by_rack = min(self.free_u[rack] // p.height_u[kind], self.free_w[rack] / p.watts[kind])
        return int(min(by_limits, by_rack) + 1e-9)

    def _use(self, site: int, rack: str, kind: int, number: int) -> None:
        room, p = self.given.rooms[site], self.given.problem
        if rack in room.feed:
            self.free_u[rack] -= int(number * p.height_u[kind])
            self.free_w[rack] -= number * float(p.watts[kind])
            self.spare[site] = self.spare[site] - number * room.more(rack, kind)

    def _at(self, cell: int) -> tuple[int, int]:
        p = self.given.problem
        return int(p.cell_site[cell]), int(p.cell_type[cell])
