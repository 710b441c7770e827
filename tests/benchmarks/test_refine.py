"""Refining against one margin on everything, over generated fleets: servers held, servers moved, rounds, processor time.

Run with `pytest -m solvers tests/benchmarks/test_refine.py`; both solve the same fleets for the same worlds. The margin is the
smallest of 0, 2, 4, ... 40 % whose plan passes, found by bisection, which is more than its user would know beforehand. Fleets
where refining holds more, or finds nothing, stand in the table like all others.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from statistics import median

import pytest

from agents.refine import Judge, refine
from solvers.capacity import Form, Planned, plan_capacity
from solvers.capacity_solve import Effort
from tests.benchmarks.refine_fleets import CASES, GATES, WATCH_H, Case, suite
from tests.benchmarks.yardsticks import row
from twin.model.demand import read_demand, with_demand
from twin.model.fleet import Fleet

pytestmark = pytest.mark.solvers

STEP, MOST = 0.02, 20  # margins are multiples of a step
ROUNDS = 10
FORM = Form(wave=10_000, watch=timedelta(hours=WATCH_H))
EFFORT = Effort(time_limit_s=20.0)


@dataclass(frozen=True)
class Way:
    """What a way of planning came to; None where it found no plan that passes."""

    above: float | None
    moved: int
    checks: int
    seconds: float
    note: str


def test_refining_against_the_smallest_margin() -> None:
    pairs = []
    for case in CASES:
        fleet = case.fleet()
        refined, first = _refined(case, fleet)
        margin = _margin(case, fleet)
        pairs.append((refined, margin, first))
        row(
            case.name,
            f"above demand {_shown(refined.above)} against {_shown(margin.above)} servers, moved {refined.moved} against "
            f"{margin.moved}, {refined.checks} against {margin.checks} checks, {refined.seconds:.0f} against "
            f"{margin.seconds:.0f} s",
            note=f"{refined.note}; {margin.note}; without looking for less {_shown(first)}",
        )
    both = [(r, m, f) for r, m, f in pairs if r.above is not None and m.above is not None]
    wins = sum(r.above < m.above for r, m, _ in both)
    ties = sum(r.above == m.above for r, m, _ in both)
    row(
        f"{len(pairs)} fleets",
        f"refining passes on {sum(r.above is not None for r, _, _ in pairs)}, a margin on "
        f"{sum(m.above is not None for _, m, _ in pairs)}; refining holds less on {wins}, as much on {ties} of {len(both)}",
        note=f"medians: above demand {median(r.above for r, _, _ in both):.0f} (without looking for less "
        f"{median(f for *_, f in both):.0f}) against {median(m.above for _, m, _ in both):.0f}, moved "
        f"{median(r.moved for r, _, _ in both):.0f} against {median(m.moved for _, m, _ in both):.0f}, checks "
        f"{median(r.checks for r, _, _ in both):.0f} against {median(m.checks for _, m, _ in both):.0f}, "
        f"{median(r.seconds for r, _, _ in both):.1f} against {median(m.seconds for _, m, _ in both):.1f} s of processor",
    )
    assert sum(r.above is not None for r, _, _ in pairs) >= sum(m.above is not None for _, m, _ in pairs)
    assert median(r.above - m.above for r, m, _ in both) <= 0.0


def _refined(case: Case, fleet: Fleet) -> tuple[Way, float | None]:
    """Return what refining came to, and what it would have held without looking for less."""
    begun = time.process_time()
    judge = Judge(GATES, suite(fleet), case.demand)
    found = refine(fleet, judge, demand=case.demand, effort=EFFORT, form=FORM, rounds=ROUNDS)
    seconds = time.process_time() - begun
    best, demand = found.best, _demand(fleet, case.demand)
    first = next((_above(one.planned, demand) for one in found.rounds if one.passed), None)
    above = _above(best.planned, demand) if found.converged else None
    note = f"round {best.number} of {len(found.rounds)}" if found.converged else found.ended
    return Way(above, best.moved, len(found.rounds), seconds, note), first


def _margin(case: Case, fleet: Fleet) -> Way:
    """Return what the smallest margin that passes came to."""
    begun, judge = time.process_time(), Judge(GATES, suite(fleet), case.demand)
    plans: dict[int, Planned] = {}

    def passes(steps: int) -> bool:
        asked = with_demand(fleet, read_demand(case.demand) * (1.0 + STEP * steps))
        plans[steps] = plan_capacity(asked, None, EFFORT, FORM)
        plan = plans[steps].proposal.plan
        return plan is not None and judge(plan, fleet).result in ("pass", "warn")

    steps = smallest(passes, MOST)
    seconds = time.process_time() - begun
    if steps is None:
        return Way(None, 0, len(plans), seconds, f"no margin up to {STEP * MOST:.0%} passes")
    moved = sum(move.count for wave in plans[steps].waves for move in wave)
    above = _above(plans[steps], _demand(fleet, case.demand))
    return Way(above, moved, len(plans), seconds, f"margin {STEP * steps:.0%}")


def smallest(passes: Callable[[int], bool], most: int) -> int | None:
    """Return the smallest number up to `most` that passes, by bisection: what passes is taken to go on passing."""
    if passes(0):
        return 0
    if not passes(most):
        return None
    low, high = 0, most
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if passes(middle) else (middle, high)
    return high


def _demand(fleet: Fleet, demand: str) -> float:
    """Return what is asked in all [server equivalents]: what a plan without any margin must hold."""
    planned = plan_capacity(with_demand(fleet, read_demand(demand)), None, EFFORT, FORM)
    return float(planned.given.problem.demand.sum())


def _above(planned: Planned, demand: float) -> float:
    """Return what owners with a demand hold above it [server equivalents]."""
    asked = planned.given.problem.demand > 0
    return round(float(planned.solved.value.has[asked].sum()) - demand, 1)


def _shown(above: float | None) -> str:
    return "-" if above is None else f"{above:.1f}"
