"""The plan of a placement: the shifts that lead from hour to hour, and its claims."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from solvers.placement import LEAST_SHARE, Objective, Solved, solve_placement, terms_for
from solvers.placement_flows import flows, point_of
from solvers.placement_problem import PlacementProblem, placement_problem, sojourn_p99_s
from solvers.placement_record import placement_solution
from solvers.proposal import Proposal, Step, plan_document
from twin.graph.levels import Floats
from twin.model.fleet import Fleet


def plan_placement(
    fleet: Fleet,
    *,
    start: datetime,
    hours: int = 24,
    objective: Objective = "cost",
    time_limit_s: float = 60.0,
    should_stop: Callable[[], bool] = lambda: False,
    **terms: Any,
) -> Proposal:
    """Return the shifts of traffic that pay, hour by hour, and back to today's weights at the end. Raises UsageError."""
    problem = placement_problem(fleet, start=start, hours=hours)
    solved = solve_placement(
        problem, terms_for(problem, objective, **terms), time_limit_s=time_limit_s, should_stop=should_stop
    )
    steps = list(shift_steps(problem, solved.share))
    document = None
    if steps:
        document = plan_document(
            fleet,
            "placement",
            description=_description(solved, objective),
            window=(start, start + timedelta(hours=hours, minutes=5 * len(steps) + 10)),
            steps=steps,
            claims=claims(solved),
        )
    return Proposal(document, placement_solution(fleet, solved, objective, should_stop))


def shift_steps(problem: PlacementProblem, share: Floats) -> Iterator[Step]:
    """Yield the steps that lead from today's weights through those of each hour and back; one after the other per service."""
    for k, service in enumerate(problem.services):
        now, number = problem.share[k].copy(), 0
        for hour, wanted in enumerate([*share[:, k], problem.share[k]]):
            before = ""
            for source, target, moved in _transfers(wanted - now):
                part = float(f"{min(1.0, moved / now[source]):.8g}")
                name = f"{service}-{number + 1}"
                when: Step = {"after": [before]} if before else {"at": f"{hour} h"}
                ends = {"from": problem.sites[source], "to": problem.sites[target]}
                yield {
                    "id": name,
                    "do": "traffic.shift@1",
                    **when,
                    "params": {"service": service, **ends, "share": f"{part * 100:.8g} %"},
                }
                now[target] += now[source] * part
                now[source] -= now[source] * part
                before, number = name, number + 1


def _transfers(change: Floats) -> Iterator[tuple[int, int, float]]:
    """Yield (from, to, share) that make a change of shares: the largest with the largest."""
    left = np.where(np.abs(change) < LEAST_SHARE, 0.0, change)
    while left.min() < -LEAST_SHARE and left.max() > LEAST_SHARE:
        source, target = int(left.argmin()), int(left.argmax())
        moved = min(-left[source], left[target])
        left[source] += moved
        left[target] -= moved
        if moved > LEAST_SHARE:
            yield source, target, float(moved)


def claims(solved: Solved) -> list[dict[str, Any]]:
    """Return what the author expects: energy cost and carbon in a band of half the saving, answers hardly later."""
    problem = solved.problem
    found: list[dict[str, Any]] = [{"metric": "slo_violations", "limit": "none new", "for": "2 min"}]
    for metric, unit, change in (
        ("energy_cost_usd", "USD", solved.worth.cost_usd - solved.nothing.cost_usd),
        ("carbon_kg", "kg", solved.worth.carbon_kg - solved.nothing.carbon_kg),
    ):
        width = max(0.5 * abs(change), 0.01)
        found.append({"metric": metric, "limit": f"{change:+.4g} {unit} ± {width:.4g} {unit} of reference"})
    then, now = (_answer_s(problem, share) for share in (point_of(problem), solved.share))
    for k, service in enumerate(problem.services):
        if np.abs(solved.share[:, k] - problem.share[k]).max() > LEAST_SHARE:
            longer_ms = 1e3 * max(0.0, float(now[k] - then[k]))
            found.append(
                {
                    "metric": "latency_p99_ms",
                    "where": {"service": service},
                    "limit": f"<= +{longer_ms + 0.05 * 1e3 * problem.slo_s[k]:.4g} ms of reference",
                }
            )
    return found


def _answer_s(problem: PlacementProblem, share: Floats) -> Floats:
    """Return the mean over the hours of each service's p99 at its worst site and for its farthest users `[s, (K,)]`."""
    there = flows(problem, share, problem.states[0])
    load = np.divide(there.arrivals, problem.rate, out=np.zeros_like(share), where=problem.rate > 0).max(
        axis=-1
    )
    own = [
        [
            sojourn_p99_s(int(problem.slots[k]), min(float(rho), 0.99), float(problem.service_time_s[k]))
            for rho in row
        ]
        for k, row in enumerate(load.T)
    ]
    return np.asarray(np.mean(own, axis=1) + there.rtt_s.max(axis=-1).mean(axis=0))


def _description(solved: Solved, objective: Objective) -> str:
    saved = solved.nothing.cost_usd - solved.worth.cost_usd, solved.nothing.carbon_kg - solved.worth.carbon_kg
    return (
        f"Load by the hour for least {objective}: {saved[0]:.4g} USD and {saved[1]:.4g} kg CO2 less than today's weights in"
        f" {solved.problem.hours} h; every single site or backbone link may be lost."
    )
