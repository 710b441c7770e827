"""Two phases: laid out on racks nothing is lost, and what the first phase cannot see the second mends."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from scenarios.fleets.example import example_fleet
from solvers.capacity_fleet import Wishes, capacity_problem
from solvers.capacity_phases import laid_out, part_of, solve_in_phases, worst_off
from solvers.capacity_solve import Effort, solve_capacity
from solvers.capacity_value import broken, value_of
from tests.solvers.score import score
from twin.model.demand import with_demand

EFFORT = Effort(time_limit_s=20.0)


def test_two_phases_break_nothing_and_come_near_one() -> None:
    fleet = with_demand(example_fleet(), 1.2)
    wishes = Wishes(survive=("rack",))
    one = solve_in_phases(fleet, wishes, EFFORT)
    two = solve_in_phases(fleet, wishes, EFFORT, most_pairs=0)
    assert not one.note
    assert two.note.startswith("two phases")
    judged = score(replace(two.given.problem, backbone=None), two.solved.counts)
    assert not judged.violations
    assert judged.short <= 1e-6
    assert value_of(two.given.problem, two.solved.counts).objective < 1.2 * one.solved.value.objective


def test_the_second_phase_mends_what_the_first_does_not_see() -> None:
    fleet = with_demand(example_fleet(), 1.2)
    given = capacity_problem(fleet, Wishes(survive=("rack",)))
    counts = given.problem.now.copy()
    worst = worst_off(given.problem, value_of(given.problem, counts))
    assert worst.any()
    again = solve_capacity(part_of(given.problem, counts, worst), EFFORT)
    better = counts.copy()
    better[worst[given.problem.pair_reservation]] = again.counts
    held = ~worst[given.problem.pair_reservation]
    assert (better[held] == counts[held]).all()
    assert value_of(given.problem, better).short.sum() <= value_of(given.problem, counts).short.sum()


def test_counts_of_blocks_are_those_of_their_racks() -> None:
    fleet = with_demand(example_fleet(), 1.2)
    bare = fleet.model_copy(
        update={"reservations": tuple(row.model_copy(update={"survives": ()}) for row in fleet.reservations)}
    )
    coarse, fine = capacity_problem(bare), capacity_problem(bare, Wishes(survive=("rack",)))
    counts = solve_capacity(coarse.problem, EFFORT).counts
    laid = laid_out(coarse, counts, fine)
    assert not broken(fine.problem, laid)
    for r in range(coarse.problem.reservations):
        mine, same = coarse.problem.pair_reservation == r, fine.problem.pair_reservation == r
        assert counts[mine].sum() == laid[same].sum()
    for kind in range(len(coarse.problem.type_names)):
        there = coarse.problem.cell_type[coarse.problem.pair_cell] == kind
        here = fine.problem.cell_type[fine.problem.pair_cell] == kind
        assert counts[there].sum() == laid[here].sum()
    assert (laid >= 0).all()
    assert np.abs(laid - fine.problem.now).sum() <= np.abs(counts - coarse.problem.now).sum() + 1e-9
