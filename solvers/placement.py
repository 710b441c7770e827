"""Plan the load: solve the linear program again and again about its own answer, and keep the best by the exact flows.

After a loss, shares are renormalised; the program holds the sum of what is left at a point. Each answer is put through the exact
flows of every state, priced as the program prices it, and becomes the next point. Doing nothing is the first candidate, so that
no plan is ever worse than that.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from solvers.formulations.placement import Point, Terms, Variables, placement_program, point_at
from solvers.highs import Answer, Highs
from solvers.linear import LinearProgram
from solvers.placement_flows import Flows, facility_w, flows, point_of
from solvers.placement_problem import PlacementProblem
from twin.graph.levels import Floats

Objective = Literal["cost", "carbon"]
ROUNDS = 6
SAME = 1e-5
LEAST_SHARE = 1e-3  # what moves less is not worth a step


@dataclass(frozen=True)
class Worth:
    """What shares are worth by the exact flows: energy [USD], carbon [kg], shares moved, and the price of limits passed."""

    cost_usd: float
    carbon_kg: float
    moved: float
    over: float
    objective: float


@dataclass(frozen=True)
class Solved:
    """The best shares found `[T, K, S]`, the last program and its answer, and how it ended."""

    problem: PlacementProblem
    terms: Terms
    share: Floats
    worth: Worth
    nothing: Worth
    program: LinearProgram
    variables: Variables
    answer: Answer
    status: Literal["optimal", "feasible", "interrupted"]
    rounds: int
    seconds: float


def terms_for(problem: PlacementProblem, objective: Objective, **others: Any) -> Terms:
    """Return the prices of an objective: USD, or kg of CO2."""
    return Terms(problem.price if objective == "cost" else problem.carbon, **others)


def solve_placement(
    problem: PlacementProblem,
    terms: Terms,
    *,
    start: Floats | None = None,
    time_limit_s: float = 60.0,
    should_stop: Callable[[], bool] = lambda: False,
) -> Solved:
    """Return the best shares found; *optimal* when the answer is its own point, so that the program is exact there."""
    clock = time.monotonic()
    today = point_of(problem)
    point = point_at(problem, today if start is None else start)
    nothing = worth(problem, terms, point, today)
    best, best_share, settled, rounds = nothing, today, False, 0
    while rounds < ROUNDS:
        rounds += 1
        program, v = placement_program(problem, terms, point)
        left_s = max(0.1, time_limit_s - (time.monotonic() - clock))
        answer = Highs(program).solve(time_limit_s=left_s, should_stop=should_stop)
        if answer.x is None:
            break
        share = _tidy(v.of(answer.x, today))
        settled = bool(np.abs(share - point.share).max(initial=0.0) < SAME)
        for part in (1.0, 0.9, 0.5, 0.2):  # on the way there, what is not linear may cost more than is gained
            there = best_share + part * (share - best_share)
            found = worth(problem, terms, point, there)
            if found.objective < best.objective - 1e-9 * abs(best.objective):
                best, best_share = found, there
                break
        point = replace(point_at(problem, share), today=point.today)
        if settled or should_stop() or time.monotonic() - clock > time_limit_s:
            break
    status = "optimal" if settled and answer.status == "optimal" else _stopped(should_stop)
    return Solved(
        problem,
        terms,
        best_share,
        best,
        nothing,
        program,
        v,
        answer,
        status,
        rounds,
        time.monotonic() - clock,
    )


def worth(problem: PlacementProblem, terms: Terms, point: Point, share: Floats) -> Worth:
    """Return what shares are worth, by the exact flows of every state."""
    found = [flows(problem, share, state) for state in problem.states]
    watts = facility_w(problem, found[0].arrivals)
    moved = float(np.maximum(np.diff(_with_ends(problem, share), axis=0), 0.0).sum())
    over = sum(
        _over(problem, terms, x, (there, then))
        for x, (there, then) in enumerate(zip(found, point.today, strict=True))
    )
    energy = float((watts * terms.unit_price).sum()) / 1e3
    return Worth(
        cost_usd=float((watts * problem.price).sum()) / 1e3,
        carbon_kg=float((watts * problem.carbon).sum()) / 1e3,
        moved=moved,
        over=over,
        objective=energy + terms.move * moved + over,
    )


def _over(problem: PlacementProblem, terms: Terms, x: int, there_then: tuple[Flows, Flows]) -> float:
    """Return the price of what is above its limit in a state, as the program has it."""
    there, then = there_then
    part = problem.target[:, None] * terms.stretch if x == 0 else terms.emergency
    links = np.tile(problem.capacity_gbps, 2) * (terms.link_share if x == 0 else 1.0)
    passed = _above(there.arrivals, problem.rate * part, then.arrivals)
    passed += _above(there.link_gbps, links, then.link_gbps)
    if x == 0:
        grown = np.minimum(then.rtt_s + terms.slower * problem.slo_s[:, None], problem.slack_s[:, None])
        late = np.maximum(there.rtt_s - np.maximum(then.rtt_s, grown), 0.0) * (problem.demand > 0)
        passed += float((late / problem.slo_s[:, None]).sum())
    return terms.over * passed


def _above(value: Floats, limit: Floats, today: Floats) -> float:
    most = np.maximum(limit, today)
    return float((np.maximum(value - most, 0.0) / np.maximum(most, 1e-9))[value - most > 1e-7 * most].sum())


def _with_ends(problem: PlacementProblem, share: Floats) -> Floats:
    return np.concatenate([problem.share[None], share, problem.share[None]])


def _tidy(share: Floats) -> Floats:
    """Return the shares without the dust of the simplex."""
    return np.where(np.abs(share) < 1e-9, 0.0, share)


def _stopped(should_stop: Callable[[], bool]) -> Literal["feasible", "interrupted"]:
    return "interrupted" if should_stop() else "feasible"
