"""The decision to sign, first: what to do, what happens without it, what remains, and who answers for it."""

from __future__ import annotations

from collections.abc import Iterator

from reports.capacity.blocks import Block, Facts, Heading, Signature, Words
from reports.capacity.made import number, planned, unsurvived, usd
from twin.records import text
from twin.records.capacity_report import BOUGHT, CapacityReport
from twin.records.solution import Alternative

RISKY = 0.05  # a chance of shortfall from which on the page warns


def blocks(report: CapacityReport) -> Iterator[Block]:
    """Say what to decide."""
    doubts = _doubts(report)
    refused = _refused(report)
    tone = "fail" if refused and report.has_plan else "warn" if doubts else "pass"
    yield Heading(refused or _headline(report), tone)
    if refused and report.has_plan and report.solution.status != "nothing":
        yield Words(f"What it would do: {_headline(report)}.")
    if report.description:
        yield Words(f"{report.description.rstrip('.')}.")
    for sentence in (*_without(report), *_with(report)):
        yield Words(sentence)
    for sentence in doubts:
        yield Words(sentence, "warn")
    yield Facts(tuple(_facts(report)))
    yield Signature(("capacity planning", "finance", "operations"))


def _headline(report: CapacityReport) -> str:
    bought = [order for order in report.orders if order.kind in BOUGHT]
    if bought:
        cost = usd(sum(order.cost_usd for order in report.orders))
        first = f"overdue since {bought[0].order_by}" if bought[0].late else f"by {bought[0].order_by}"
        return f"Sign {text.count(len(bought), 'order')} for {cost}, the first {first}"
    deltas = [number(row, "planned") - number(row, "now") for row in report.rows("changes")]
    if deltas:
        gained, lost = sum(d for d in deltas if d > 0), -sum(d for d in deltas if d < 0)
        touched = {row["reservation"] for row, d in zip(report.rows("changes"), deltas, strict=True) if d}
        servers = text.count(round(max(gained, lost)), "server")
        if touched:
            return f"Reassign {servers} among {text.count(len(touched), 'reservation')}"
        return "No server changes its reservation"
    return (
        "Nothing has to be ordered" if report.months else f"A plan of {report.solution.formulation} to adopt"
    )


def _refused(report: CapacityReport) -> str:
    """Return why there is nothing to sign, or nothing."""
    if report.solution.status == "nothing":
        return "There is no plan to sign: the solver found none"
    if not report.has_plan:
        return "There is nothing to sign: the solver changes nothing"
    verdict = report.verdict
    if verdict and verdict.about_this_plan and verdict.result in ("fail", "error"):
        return f"Do not sign: the twin says {verdict.headline}"
    return ""


def _without(report: CapacityReport) -> Iterator[str]:
    nothing = next((row for row in report.solution.alternatives if "nothing" in row.name.lower()), None)
    if nothing is not None:
        yield f"Without it: {_said(nothing)}."


def _said(row: Alternative) -> str:
    if row.text:
        return row.text.rstrip(".")
    parts = [f"{text.figure(round(row.shortage, 1))} RRU short"] if row.shortage is not None else []
    parts += [usd(row.cost_usd)] if row.cost_usd is not None else []
    return ", ".join(parts) or row.name


def _with(report: CapacityReport) -> Iterator[str]:
    if report.risks:
        worst = max(report.risks, key=lambda risk: risk.chance)
        yield (
            f"With it: the highest risk of shortfall that remains is {text.percent(round(worst.chance, 3))} % "
            f"({worst.service}, {worst.month})."
            if worst.chance > 0.0005
            else "With it: no service is short in any month, up to the high end of its demand."
        )
    state, today = planned(report), report.states[0]
    if state is not None and state.losses:
        yield (
            f"Of {len(state.losses):,} single losses, {unsurvived(state):,} leave a service short or a device above its "
            f"limit after the plan ({unsurvived(today):,} of {len(today.losses):,} today)."
        )


def _doubts(report: CapacityReport) -> list[str]:
    """Return what somebody who signs must have read."""
    solution, verdict = report.solution, report.verdict
    said = [f"{one[0].upper()}{one[1:]}." for one in report.warnings]
    late = [order for order in report.orders if order.late]
    if late:
        said.append(
            f"{text.count(len(late), 'order')} should have left already (the last day was {late[0].order_by}): "
            "what it brings will be late."
        )
    if solution.shortfalls:
        said.append(
            f"{text.count(len(solution.shortfalls), 'wish').replace('wishs', 'wishes')} not met: see what binds."
        )
    state = planned(report)
    if state is not None and unsurvived(state) > unsurvived(report.states[0]):
        said.append(
            "The plan leaves more single losses that are not survived than there are today: see what is survived."
        )
    if solution.status == "interrupted":
        said.append("The solver was interrupted: a better plan may exist.")
    risky = list(dict.fromkeys(risk.service for risk in report.risks if risk.chance >= RISKY))
    if risky:
        said.append(
            f"In some month the risk of shortfall is {100 * RISKY:.0f} % or more: {text.names(risky)}."
        )
    if verdict is None and report.has_plan:
        said.append(
            "The twin has not judged this plan: check it before signing (the last section has the command)."
        )
    elif verdict and not verdict.about_this_plan:
        said.append(f"The verdict in {verdict.file} is about another plan and counts for nothing here.")
    elif verdict and verdict.result not in ("pass", "fail", "error"):
        said.append(f"The twin says {verdict.headline}.")
    said += [f"{state.name}: {state.problem}" for state in report.states if state.problem]
    return said


def _facts(report: CapacityReport) -> Iterator[tuple[str, str]]:
    solution, verdict = report.solution, report.verdict
    yield "plan", report.plan
    yield "fleet", report.fleet
    yield "as of", f"{report.as_of:%Y-%m-%d}"
    if report.months:
        yield "months", f"{report.months[0]} to {report.months[-1]}"
    yield "solved", f"{solution.status}, gap {text.percent(solution.gap)} %"
    yield "verdict", verdict.result if verdict and verdict.about_this_plan else "none"
    costs = report.rows("cost")
    if costs:
        yield "cost", usd(sum(number(row, "total_usd") for row in costs))
    carbon = report.rows("carbon")
    if carbon:
        tonnes = sum(number(row, "embodied_t") + number(row, "operational_t") for row in carbon)
        yield "carbon", f"{text.figure(round(tonnes))} t CO2e"
