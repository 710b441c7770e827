"""The plan for stranded power: cords that move, caps, its claims, and what the analysis says of the fleet with the plan done."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from solvers.formulations.power import Terms, power_program
from solvers.highs import Highs
from solvers.power_changes import Change, changes_of, servers_w, steps_of
from solvers.power_classes import ServerW
from solvers.power_problem import power_problem
from solvers.power_record import Solved, power_solution
from solvers.proposal import Proposal, plan_document
from twin.actions.fold import apply
from twin.actions.schedule import resolve
from twin.graph.analysis_chain import rack_loads
from twin.graph.analysis_stranded import Domain, stranded_power
from twin.model.fleet import Fleet
from twin.model.plan import Plan

HOUR = timedelta(hours=1)
# A plan that swaps stays open for a day after its steps: who draws much at its hour may draw little at another.
WATCH = 24 * HOUR
WORDS = {
    "refeed": "{} racks on other feeds",
    "cap": "{} racks capped",
    "swap": "{} racks with servers of other owners",
}
CLAIMS = (
    {"metric": "overloads", "limit": "none new", "for": "1 min"},
    {"metric": "breaker_trips", "limit": "none new"},
    {"metric": "slo_violations", "limit": "none new", "for": "2 min"},
)


def plan_power(
    fleet: Fleet,
    *,
    start: datetime,
    terms: Terms,
    level: str = "utility",
    sites: Sequence[str] = (),
    rack_w: Mapping[str, float] | None = None,
    swing_va: Mapping[str, float] | None = None,
    server_w: ServerW | None = None,
    time_limit_s: float = 60.0,
    should_stop: Callable[[], bool] = lambda: False,
) -> Proposal:
    """Return the changes that make the most power usable, seen again by the analysis of stranded power. Raises UsageError.

    Caps count where servers count at nameplate; what racks draw (`rack_w`) they do not lower. Swaps count where it is known what
    servers draw (`server_w`, by site, owner and type): at nameplate all owners are alike.
    """
    problem = power_problem(
        fleet, level=level, sites=sites, rack_w=rack_w, swing_va=swing_va, server_w=server_w
    )
    terms = terms if rack_w is None else dataclasses.replace(terms, caps=False)
    clock = time.monotonic()
    program, v = power_program(problem, terms)
    answer = Highs(program).solve(time_limit_s=time_limit_s, should_stop=should_stop)
    seconds = time.monotonic() - clock
    made = changes_of(fleet, problem, terms, answer, v)
    document, steps = None, list(steps_of(made))
    if steps:
        document = plan_document(
            fleet,
            "power",
            description=_description(made, level),
            window=(start, start + _open(made)),
            steps=steps,
            claims=CLAIMS,
        )
    after = _folded(fleet, document)
    now_w = _drawn_after(fleet, after, made, rack_w, server_w)
    seen = _seen(fleet, after, sites, (rack_w, now_w), swing_va)
    gain_va = sum(now.usable_va - then.usable_va for then, now in seen if then.kind == level)
    if document is not None and gain_va <= 0:
        document = None
    solved = Solved(problem, terms, program, v, answer, seconds, should_stop())
    return Proposal(document, power_solution(fleet, solved, made, seen, level))


def _open(made: Sequence[Change]) -> timedelta:
    """Return how long the window is: two hours for each rack, one more, and a day to watch what swaps do."""
    work = (1 + 2 * sum(len(change.touched) for change in made)) * HOUR
    return work + WATCH * any(change.others for change in made)


def _folded(fleet: Fleet, document: dict[str, Any] | None) -> Fleet:
    if document is None:
        return fleet
    schedule = resolve(Plan.model_validate(document, context={"document": True}), fleet)
    return apply(schedule.fleet, [change.change for change in schedule.timeline().changes])


def _drawn_after(
    fleet: Fleet,
    after: Fleet,
    made: Sequence[Change],
    rack_w: Mapping[str, float] | None,
    server_w: ServerW | None,
) -> dict[str, float] | None:
    """Return what racks draw with the plan done: capped ones their cap, others what servers of their owners then draw."""
    now_w, full = dict(rack_w or {}), rack_loads(fleet)
    for change in made:
        for rack in change.racks if change.limit_w else ():
            now_w[rack] = full[rack][1] - servers_w(fleet, rack) + change.limit_w / len(change.racks)
    for group in after.server_groups:
        was = fleet.things.get(group.name, ("", None))[1]
        more = group.count - (was.count if was is not None else 0)
        if more and server_w is not None:
            key = after.things[group.rack][1].site, group.owner, group.type
            now_w[group.rack] = now_w.get(group.rack, full[group.rack][1]) + more * server_w[key]
    return now_w or None


def _seen(
    fleet: Fleet,
    after: Fleet,
    sites: Sequence[str],
    drawn: tuple[Mapping[str, float] | None, Mapping[str, float] | None],
    swing_va: Mapping[str, float] | None,
) -> list[tuple[Domain, Domain]]:
    """Return each domain before and after, by the analysis of stranded power, in whole servers."""
    pairs = []
    for site in sites or [site.name for site in fleet.sites]:
        then, now = (
            stranded_power(one, site=site, rack_w=rack_w, swing_va=swing_va).domains
            for one, rack_w in zip((fleet, after), drawn, strict=True)
        )
        named = {domain.name: domain for domain in now}
        pairs += [(domain, named[domain.name]) for domain in then if domain.name in named]
    return pairs


def _description(made: Sequence[Change], level: str) -> str:
    racks = {what: sum(len(change.touched) for change in made if change.what == what) for what in WORDS}
    parts = [WORDS[what].format(number) for what, number in racks.items() if number]
    return f"{' and '.join(parts)}, so that more power below the {level} can be used."
