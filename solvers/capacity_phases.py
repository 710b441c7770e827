"""Two phases, after RAS: all reservations on blocks of racks first, then the worst of them rack by rack.

With the family "rack" each rack is a block of its own, and a large fleet has too many cells to plan for everybody at once. Phase
one leaves the racks out; its counts are laid out over the racks of each block, evenly. Phase two takes the reservations that the
loss of one rack hurts most, holds all others where they are, and plans those few again on single racks.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from solvers.capacity_fleet import FleetProblem, Wishes, capacity_problem
from solvers.capacity_solve import LP_PAIRS, Effort, Solved, solve_capacity, value_with_flows
from solvers.capacity_value import Value, value_of
from solvers.owners import all_owned
from solvers.problem import Affinity, Bools, CapacityProblem, Ints
from twin.model.fleet import Fleet

RACK = "rack"
WORST = 10  # reservations that are planned again rack by rack
FIRST_PART = 0.6  # of the time, for phase one


@dataclass(frozen=True)
class Phased:
    """The problem on racks, the allocation on it, and words on what the phases did ("" where one was enough)."""

    given: FleetProblem
    solved: Solved
    note: str = ""


def solve_in_phases(fleet: Fleet, wishes: Wishes, effort: Effort, *, most_pairs: int = LP_PAIRS) -> Phased:
    """Return the allocation, in one phase where the problem on racks has at most so many pairs."""
    given = capacity_problem(fleet, wishes)
    if RACK not in {family.name for family in given.problem.families} or given.problem.pairs <= most_pairs:
        return Phased(given, solve_capacity(given.problem, effort))
    coarse = capacity_problem(_without_racks(fleet), _leave_out(wishes))
    first = solve_capacity(coarse.problem, replace(effort, time_limit_s=effort.time_limit_s * FIRST_PART))
    counts = laid_out(coarse, first.counts, given)
    worst = worst_off(given.problem, value_of(given.problem, counts))
    left = max(1.0, effort.time_limit_s - first.seconds)
    again = solve_capacity(part_of(given.problem, counts, worst), replace(effort, time_limit_s=left))
    better = counts.copy()
    better[worst[given.problem.pair_reservation]] = again.counts
    better = all_owned(given.problem, better)
    # Flows join reservations and phase two knows none of them: both are valued with theirs.
    values = [value_with_flows(given.problem, one) for one in (counts, better)]
    value, best = min(zip(values, (counts, better), strict=True), key=lambda one: one[0].objective)
    named = [given.problem.reservation_names[r] for r in np.flatnonzero(worst & (given.problem.demand > 0))]
    note = (
        f"two phases: all reservations on {coarse.problem.cells} blocks, then {', '.join(named) or 'none'} on racks; the"
        " bound is that of the first, which leaves the loss of racks out"
    )
    solved = replace(
        first,
        counts=best,
        value=value,
        posed=first.posed or coarse.problem,
        seconds=first.seconds + again.seconds,
        why=f"{first.why}; {given.problem.pairs} pairs on racks are planned in two phases",
    )
    return Phased(given, solved, note)


def laid_out(coarse: FleetProblem, counts: Ints, given: FleetProblem) -> Ints:
    """Return counts on racks `[P]` for counts on blocks: who keeps servers keeps them where they are, new ones come evenly."""
    fine = given.problem
    home = _block_cells(coarse, given)
    result = fine.now.copy()
    free = fine.servers - np.bincount(fine.pair_cell, fine.now, fine.cells).astype(np.int64)
    wanted = {
        (int(c), int(r)): int(n)
        for c, r, n in zip(
            coarse.problem.pair_cell,
            coarse.problem.pair_reservation,
            counts - coarse.problem.now,
            strict=True,
        )
    }
    block = home[fine.pair_cell]
    order = np.lexsort((fine.pair_cell, fine.pair_reservation, block))
    keys = list(zip(block[order].tolist(), fine.pair_reservation[order].tolist(), strict=True))
    starts = [i for i in range(len(keys)) if i == 0 or keys[i] != keys[i - 1]]
    runs = {keys[i]: order[i:j] for i, j in zip(starts, [*starts[1:], len(keys)], strict=True)}
    for key, pairs in runs.items():
        if wanted.get(key, 0) < 0:
            _change(result, free, fine, pairs, wanted[key])
    for key, pairs in runs.items():
        if wanted.get(key, 0) > 0:
            _change(result, free, fine, pairs, wanted[key])
    return result


def worst_off(problem: CapacityProblem, value: Value, most: int = WORST) -> Bools:
    """Return the reservations `[R]` that lack most after their worst loss, and the owners without demand, who can give."""
    order = np.argsort(-value.short, kind="stable")[:most]
    chosen: Bools = problem.demand <= 0
    chosen[order] |= value.short[order] > 1e-9
    return chosen


def part_of(problem: CapacityProblem, counts: Ints, chosen: Bools) -> CapacityProblem:
    """Return the problem of some reservations, with all others held at these counts."""
    mine = chosen[problem.pair_reservation]
    held = np.where(mine, 0, counts)
    others = np.bincount(problem.pair_cell, held, problem.cells).astype(np.int64)
    budgets = tuple(
        replace(
            budget,
            weight=budget.weight[mine],
            limit=problem.limits(budget) - problem.used(budget, held),
        )
        for budget in problem.budgets
    )
    affinity = problem.affinity
    if affinity is not None:
        affinity = Affinity(
            affinity.family,
            np.where(chosen[:, None], affinity.share, np.nan),
            affinity.within,
            affinity.above,
            affinity.price,
        )
    return replace(
        problem,
        servers=problem.servers - others,
        pair_cell=problem.pair_cell[mine],
        pair_reservation=problem.pair_reservation[mine],
        value=problem.value[mine],
        now=np.minimum(problem.now[mine], (problem.servers - others)[problem.pair_cell[mine]]),
        demand=np.where(chosen, problem.demand, 0.0),
        survives=problem.survives & chosen[:, None],
        budgets=budgets,
        affinity=affinity,
        backbone=None,
    )


def _change(result: Ints, free: Ints, fine: CapacityProblem, pairs: Ints, change: int) -> None:
    """Give or take servers of one reservation in one block, one rack after the other, evenly."""
    for part in _even(change, len(pairs)):
        for p in pairs:
            cell = fine.pair_cell[p]
            step = max(part, -int(result[p])) if change < 0 else min(part, int(free[cell]))
            step = max(step, change) if change < 0 else min(step, change)
            result[p] += step
            free[cell] -= step
            change -= step
            if not change:
                return


def _even(change: int, racks: int) -> list[int]:
    """Return how much each rack gives or gets in each turn: its even share, then all it has."""
    share = -(-abs(change) // max(racks, 1))
    return [share if change > 0 else -share, change]


def _block_cells(coarse: FleetProblem, given: FleetProblem) -> Ints:
    """Return the cell on blocks of each cell on racks `[C]`."""
    of_rack = {
        (rack, int(coarse.problem.cell_type[c])): c for c, racks in enumerate(coarse.racks) for rack in racks
    }
    kinds = given.problem.cell_type
    return np.array(
        [of_rack[given.racks[c][0], int(kinds[c])] for c in range(given.problem.cells)], dtype=np.int64
    )


def _without_racks(fleet: Fleet) -> Fleet:
    """Return the fleet whose reservations do not ask to survive racks."""
    rows = tuple(
        row.model_copy(update={"survives": tuple(name for name in row.survives if name != RACK)})
        for row in fleet.reservations
    )
    return fleet.model_copy(update={"reservations": rows})


def _leave_out(wishes: Wishes) -> Wishes:
    return replace(wishes, survive=tuple(name for name in wishes.survive if name != RACK))
