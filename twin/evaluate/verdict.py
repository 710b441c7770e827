"""Put the judgements together: the worst scenario counts for a gate, the worst blocking gate for the verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from importlib.metadata import version
from typing import Any

from twin.evaluate.assumed import assumed_inputs
from twin.evaluate.bench import Bench
from twin.evaluate.footprint import footprint
from twin.evaluate.looks import Evidence
from twin.files.digest import digest
from twin.gates.rules import Rule
from twin.model.demand import growth_in
from twin.model.fleet import Fleet
from twin.model.gateset import Gate, GateSet
from twin.model.plan import Plan
from twin.model.scenario import Suite
from twin.records.modelled import not_modelled
from twin.records.verdict import (
    ORDER,
    CounterExample,
    GateResult,
    Result,
    ScenarioResult,
    StaticFinding,
    Stretch,
    Verdict,
)


def verdict_of(  # noqa: PLR0913
    plan: Plan,
    fleet: Fleet,
    gates: GateSet,
    bench: Bench,
    evidence: Evidence,
    shown: Mapping[int, CounterExample],
    *,
    as_of: datetime,
    purpose: str,
    inputs: dict[str, str],
) -> Verdict:
    """Return the verdict of a finished evaluation."""
    assumed = assumed_inputs(fleet, bench.rules)
    age = (as_of - fleet.as_of).total_seconds() if fleet.as_of else None
    doubts = _doubts(gates, bool(assumed), age)
    results = tuple(_gate_result(gate, bench, evidence, shown, gates, as_of, doubts) for gate in gates.rules)
    result = _overall(results)
    rows = [
        row
        for gate in results
        if gate.level == "block"
        for row in gate.rows
        if row.result == "inconclusive" and row.more_runs
    ]
    return Verdict(
        result=result,
        **_identity(plan, fleet, gates, bench.suite, as_of),
        purpose=purpose,
        seed=bench.seed,
        inputs=inputs,
        replications=dict(evidence.replications),
        runs=evidence.runs,
        settles=evidence.settles,
        variants=bench.variants,
        scenarios=tuple(trial.name for trial in bench.trials),
        stretches=_played(bench),
        demand_at_end=growth_in(bench.fleet, bench.window_s),
        gate_results=results,
        footprint=footprint(bench.related, evidence.faults),
        not_modelled=not_modelled(fleet, bench.without),
        assumed=assumed,
        snapshot_age_s=age,
        missing=tuple(
            sorted(
                {
                    f"{gate.id}: {row.scenario}"
                    for gate in results
                    for row in gate.rows
                    if row.result == "error"
                }
            )
        ),
        more_runs=max((row.more_runs or 0 for row in rows), default=None)
        if result == "inconclusive"
        else None,
    )


def rejected(  # noqa: PLR0913
    plan: Plan,
    fleet: Fleet,
    gates: GateSet,
    suite: Suite,
    findings: Sequence[StaticFinding],
    *,
    as_of: datetime,
    inputs: dict[str, str],
) -> Verdict:
    """Return the verdict of a plan that the static checks refuse: nothing was simulated."""
    return Verdict(
        result="fail",
        **_identity(plan, fleet, gates, suite, as_of),
        seed=0,
        inputs=inputs,
        findings=tuple(findings),
        scenarios=tuple(scenario.name for scenario in suite.scenarios),
    )


def _identity(plan: Plan, fleet: Fleet, gates: GateSet, suite: Suite, as_of: datetime) -> dict[str, Any]:
    return {
        "plan": plan.name,
        "plan_digest": digest(plan),
        "fleet": fleet.name,
        "fleet_digest": digest(fleet),
        "gates": gates.name,
        "gates_digest": digest(gates),
        "suite": suite.name,
        "suite_digest": digest(suite),
        "as_of": as_of,
        "window": (plan.window.not_before, plan.window.not_after),
        "engine": version("fleetwin"),
    }


def _played(bench: Bench) -> tuple[Stretch, ...]:
    """Return the stretches of a plan whose window was not played as a whole."""

    def at(offset_s: float) -> datetime:
        return bench.start + timedelta(seconds=offset_s)

    return tuple(
        Stretch(label=one.label, first=at(one.from_s), last=at(one.until_s), steps=len(one.steps))
        for one in bench.stretches
        if one.label
    )


def _doubts(gates: GateSet, assumed: bool, age_s: float | None) -> str:
    """Why a pass would not be worth believing ('' when it would)."""
    if gates.assumed_inputs == "inconclusive" and assumed:
        return "the gated metrics rest on assumed inputs, and this gate set does not accept that"
    if gates.max_snapshot_age_s is not None and (age_s is None or age_s > gates.max_snapshot_age_s):
        told = "has no as_of" if age_s is None else f"is {age_s / 3600:.1f} h old"
        return (
            f"the snapshot {told}, and this gate set accepts at most {gates.max_snapshot_age_s / 3600:.1f} h"
        )
    return ""


def _gate_result(  # noqa: PLR0913
    gate: Gate,
    bench: Bench,
    evidence: Evidence,
    shown: Mapping[int, CounterExample],
    gates: GateSet,
    as_of: datetime,
    doubts: str,
) -> GateResult:
    indices = [i for i, rule in enumerate(bench.rules) if rule.gate is gate]
    rows = [
        (i, (judged[i].row or judged[i].undecided))
        for judged in evidence.judged.values()
        for i in indices
        if i in judged
    ]
    first: Rule | None = bench.rules[indices[0]] if indices else None
    common = {
        "id": gate.id,
        "metric": gate.metric,
        "where": gate.where,
        "estimator": gate.estimator,
        "pass_limit": gate.pass_,
        "fail_limit": gate.fail or "",
        "level": gate.level,
        "unit": first.metric.unit if first else "",
    }
    unasked = [bench.rules[i].text for i in indices if i not in {index for index, _ in rows}]
    if not indices:
        return GateResult(**common, result="pass", reason=f"the plan states no {gate.metric}")
    if not rows:
        return GateResult(**common, result="inconclusive", reason=_unasked(unasked))
    index, worst = min(rows, key=lambda item: _rank(bench.rules[item[0]], item[1]))
    result, reason, waived = worst.result, _reason(bench.rules[index], worst), ""
    if result in ("pass", "warn") and (unasked or doubts):
        result, reason = "inconclusive", _unasked(unasked) if unasked else doubts
    for waiver in gates.waivers:
        if waiver.gate == gate.id and result not in ("pass", "warn") and as_of.date() <= waiver.until:
            result, waived = "waived", f"waived until {waiver.until} by {waiver.by}: {waiver.reason}"
    example = next((shown[i] for i in (index, *indices) if i in shown), None)
    return GateResult(
        **common,
        result=result,
        reason=reason,
        worst=worst,
        rows=tuple(row for _, row in rows),
        counter_example=example,
        waiver=waived,
    )


def _rank(rule: Rule, row: ScenarioResult) -> tuple[int, float, bool]:
    """The worst row first; among equals (to nine digits) the whole plan before its partial forms."""
    return ORDER.index(row.result), -float(f"{_severity(rule, row):.9g}"), row.variant != "whole"


def _severity(rule: Rule, row: ScenarioResult) -> float:
    """Rank rows of equal result: more violations, then the larger excess over the reference."""
    if row.plan is None or row.reference is None:
        return 0.0
    sign = -1.0 if rule.pass_limit.op in (">", ">=") else 1.0
    return sign * (row.plan - (row.reference if rule.pass_limit.basis else 0.0)) + len(row.violations)


def _reason(rule: Rule, row: ScenarioResult) -> str:
    place = f"{row.scenario}, {row.variant}"
    if row.violations:
        names = ", ".join(row.violations[:6]) + (
            f" and {len(row.violations) - 6} more" if len(row.violations) > 6 else ""
        )
        return f"{rule.metric.text}: {names} ({place})"
    more = f"; about {row.more_runs} more replications would decide" if row.more_runs else ""
    return f"{rule.text} in {place}{more}"


def _unasked(texts: Sequence[str]) -> str:
    return (
        f"no scenario of the suite plays the whole plan over its whole window (each enumerates losses, or plays stretches of "
        f"it), which alone can tell: {'; '.join(texts)}"
    )


def _overall(results: Sequence[GateResult]) -> Result:
    """The worst blocking gate; a failed warning gate, or a waived one, warns."""

    def counts(gate: GateResult) -> Result:
        if gate.result == "waived" or (gate.level == "warn" and gate.result != "pass"):
            return "warn"
        return gate.result

    return min((counts(gate) for gate in results), key=ORDER.index)
