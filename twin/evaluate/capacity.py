"""The capacity report, gathered: the solution of a plan, and what the twin finds in the fleet before and after it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version

from twin.actions.fold import apply
from twin.actions.schedule import resolve
from twin.evaluate.assumed import assumed_behind
from twin.evaluate.capacity_months import check_tables, leads_of, orders_of, risks_of
from twin.evaluate.capacity_state import Progress, Study, single_losses, study
from twin.files.digest import digest
from twin.graph.analysis_stranded import ASSUMED as STRANDED_ASSUMED
from twin.model.errors import DocumentError
from twin.model.fleet import Fleet
from twin.model.plan import Plan
from twin.records import text
from twin.records.capacity_report import CapacityReport, Judgement, State
from twin.records.metrics import BY_NAME
from twin.records.solution import Solution
from twin.records.verdict import Verdict

TODAY, PLANNED, OTHER = "today", "the plan", "the other plan"
MOST_LOSSES = 3000
_METRICS = ("headroom_min_pct", "slo_violation", "energy_kwh", "carbon_kg", "embodied_kg", "energy_cost_usd")
_EPOCH = datetime(2026, 1, 5, tzinfo=UTC)


@dataclass(frozen=True)
class Proposal:
    """Another plan, with the solution beside it if it has one."""

    plan: Plan
    solution: Solution | None = None


def gather(  # noqa: PLR0913 - what a report is made of
    plan: Plan | None,
    solution: Solution,
    fleet: Fleet,
    *,
    against: Proposal | None = None,
    verdict: tuple[str, Verdict] | None = None,
    as_of: datetime,
    at: datetime | None = None,
    most_losses: int = MOST_LOSSES,
    inputs: Mapping[str, str] | None = None,
    commands: Mapping[str, str] | None = None,
    progress: Progress = lambda done, of, what: None,
) -> CapacityReport:
    """Study the fleet as it is, after the plan (if the solver left one) and after the other plan, and return the report.

    `as_of` is the clock of the report (what is too late to order), `at` the instant at which loads are settled (default: the
    fleet's snapshot). Raises UsageError when the tables of the solution cannot be used. Cost: per state one settle per single
    loss, linear programs per power domain, and one day played.
    """
    check_tables(solution, "the solution")
    how = Study(at or fleet.as_of or _EPOCH, most_losses, progress)
    plan_digest = digest(plan) if plan else solution.plan_digest
    states = [study(fleet, TODAY, how)]
    if plan is not None:
        states.append(_after(plan, fleet, PLANNED, how))
    if against is not None:
        states.append(_after(against.plan, fleet, OTHER, how))
    orders = orders_of(solution, as_of.date())
    report = CapacityReport(
        as_of=as_of,
        at=how.at,
        engine=f"fleetwin {version('fleetwin')}",
        plan=plan.name if plan else solution.plan,
        plan_digest=plan_digest,
        description=plan.description if plan else "",
        fleet=fleet.name,
        fleet_digest=digest(fleet),
        solution=solution,
        other_solution=against.solution if against else None,
        has_plan=plan is not None,
        states=tuple(states),
        orders=orders,
        risks=risks_of(solution),
        verdict=_judgement(*verdict, plan_digest) if verdict and plan else None,
        losses_left_out=single_losses(fleet, most_losses)[1],
        assumed=_assumed(fleet),
        warnings=tuple(_warnings(plan, fleet, solution)),
        inputs=dict(inputs or {}),
        commands=dict(commands or {}),
    )
    return report.model_copy(update={"leads": leads_of(orders, report.months, as_of.date())})


def after(plan: Plan, fleet: Fleet) -> Fleet:
    """Return the fleet as a plan leaves it: what its steps change in the tables (caps and drained racks are none of them)."""
    schedule = resolve(plan, fleet)
    return apply(schedule.fleet, (timed.change for timed in schedule.timeline().changes))


def _after(plan: Plan, fleet: Fleet, name: str, how: Study) -> State:
    """Study the fleet after a plan; a plan that cannot be played is a state with a problem, not the end of the report."""
    identity = {"plan": plan.name, "plan_digest": digest(plan)}
    try:
        planned = after(plan, fleet)
    except DocumentError as error:
        return State(name=name, problem=f"the plan cannot be played on this fleet: {error}", **identity)
    return study(planned, name, how).model_copy(update=identity)


def _judgement(file: str, verdict: Verdict, plan_digest: str) -> Judgement:
    return Judgement(
        file=file,
        result=verdict.result,
        headline=text.headline(verdict),
        about_this_plan=verdict.plan_digest == plan_digest,
        gates=tuple(
            (gate.result, gate.id, text.rule(gate), text.evidence(gate))
            for gate in text.by_severity(verdict.gate_results)
        ),
    )


def _assumed(fleet: Fleet) -> tuple[str, ...]:
    found = assumed_behind(fleet, [BY_NAME[name] for name in _METRICS])
    return (STRANDED_ASSUMED, *(f"{row.what} (for {', '.join(row.metrics)})" for row in found))


def _warnings(plan: Plan | None, fleet: Fleet, solution: Solution) -> list[str]:
    """Say where solution, plan and fleet do not belong together."""
    said = []
    if plan and plan.fleet is not None and plan.fleet != digest(fleet):
        said.append("the plan was written for another snapshot of the fleet")
    if plan and solution.plan_digest != digest(plan):
        said.append("the solution was written for another version of this plan: solve again before signing")
    if solution.fleet_digest != digest(fleet):
        said.append("the solution was computed on another snapshot of the fleet: solve again before signing")
    return said
