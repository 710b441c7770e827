"""A verdict in plain words: numbers with their units, one line per gate, and what to do next.

Every report takes its wording from here, so that a person meets the same sentence in the terminal, in a
notebook, in a pull request and on paper.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

from twin.records.metrics import BY_NAME

if TYPE_CHECKING:
    from twin.records.verdict import CounterExample, GateResult, ScenarioResult, Verdict

FILE = "VERDICT.json"  # stands in commands for the file of the verdict, which a verdict does not know
_SEVERITY = ("fail", "error", "inconclusive", "waived", "warn", "pass")
_HEADLINES = {
    "pass": "PASS: the plan stays within every limit",
    "warn": "PASS with warnings: no blocking limit is broken",
    "waived": "PASS by waiver: a limit is broken and somebody answers for it",
    "fail": "FAIL: the plan breaks a blocking limit",
    "inconclusive": "WE CANNOT TELL: the evidence does not decide every gate",
    "error": "ERROR: the evaluation could not be completed",
    "rejected": "REJECTED: the static checks refuse the plan, nothing was simulated",
}
_COLOURS = {
    "pass": "#1a7f4b",
    "warn": "#9a6700",
    "waived": "#6e40aa",
    "fail": "#c62828",
    "inconclusive": "#1f6feb",
    "error": "#b3261e",
    "rejected": "#c62828",
}


def summary(verdict: Verdict) -> str:
    """Return the verdict as plain text: one line per gate, worst first, and the final line in words."""
    lines = [f"{verdict.plan} on {verdict.fleet}, {judged_by(verdict)}"]
    lines += [
        f"  {finding.rule}: {place(finding.where, finding.line)}: {finding.what}"
        for finding in verdict.findings
    ]
    for gate in by_severity(verdict.gate_results):
        lines.append(f"  {gate.result:<12}  {gate.id:<16}  {rule(gate)}  {evidence(gate)}".rstrip())
    return "\n".join([*lines, final_line(verdict)])


def html_summary(verdict: Verdict) -> str:
    """Return the verdict as a small HTML table for notebooks, safe for hostile names."""
    rows = "".join(
        f'<tr><td style="color:{_COLOURS[gate.result]};font-weight:600">{gate.result}</td>'
        f"<td>{escape(gate.id)}</td>"
        f"<td>{escape(rule(gate))}</td><td>{escape(evidence(gate))}</td></tr>"
        for gate in by_severity(verdict.gate_results)
    )
    found = "".join(
        f"<li><b>{escape(finding.rule)}</b> {escape(place(finding.where, finding.line))}: "
        f"{escape(finding.what)}</li>"
        for finding in verdict.findings
    )
    chains = "".join(
        f"<p><b>Why {escape(gate.id)} failed</b></p><pre>{escape(gate.because)}</pre>"
        for gate in verdict.gate_results
        if gate.because and gate.result == "fail"
    )
    return (
        f'<div><p style="color:{_COLOURS[outcome(verdict)]};font-weight:600">{escape(headline(verdict))}</p>'
        f"<p>{escape(verdict.plan)} on {escape(verdict.fleet)}, {escape(judged_by(verdict))}</p>"
        f"{f'<ul>{found}</ul>' if found else ''}"
        f"{f'<table>{_HEADER}{rows}</table>' if rows else ''}"
        f"{chains}</div>"
    )


_MORE = "more replication"
_VARIANTS = {"stop-after": "stopped after", "rollback-from": "rolled back from"}
_HEADER = "<tr><th>result</th><th>gate</th><th>limit</th><th>evidence</th></tr>"


def by_severity(gates: tuple[GateResult, ...]) -> list[GateResult]:
    """Return the gates worst first; blocking before warning ones, else in their order."""
    return sorted(gates, key=lambda gate: (_SEVERITY.index(gate.result), gate.level != "block"))


def outcome(verdict: Verdict) -> str:
    """Return the result of the verdict, or "rejected" when the static checks refused the plan."""
    return "rejected" if verdict.findings else verdict.result


def headline(verdict: Verdict) -> str:
    """Return the verdict in words, without the exit code."""
    return _HEADLINES[outcome(verdict)]


def judged_by(verdict: Verdict) -> str:
    """Return what it was judged by: "gates maintenance, suite n-1, demand +20%"."""
    said = [f"{key} {verdict.inputs[key]}" for key in ("demand", "growth") if verdict.inputs.get(key)]
    return ", ".join([f"gates {verdict.gates}", f"suite {verdict.suite}", *said])


def played(verdict: Verdict) -> tuple[str, ...]:
    """Return what was played of a long plan, what was not, and how demand grows in it; nothing of a short plan."""
    if not verdict.stretches:
        return ()
    day_s = 86400.0
    seen = sum((one.last - one.first).total_seconds() for one in verdict.stretches) / day_s
    whole = (verdict.window[1] - verdict.window[0]).total_seconds() / day_s
    waves = sum(one.steps > 0 for one in verdict.stretches)
    quiet = len(verdict.stretches) - waves
    parts = [
        f"{seen:,.0f} of {whole:,.0f} days: {count(waves, 'stretch', 'stretches')} with all steps, a day before and a day "
        f"after; {count(quiet, 'day')} without any (the last, and one a month at least)",
        f"not played: the other {whole - seen:,.0f} days; --whole-window plays them as well",
        "each stretch starts with all earlier steps done; a plan that stops is watched until its end, one that is rolled back "
        "takes back the steps of the stretch, one after the other, as far as it gets by then",
    ]
    if verdict.demand_at_end is not None:
        parts.append(f"demand at the end is {verdict.demand_at_end:.3g} times that at the start")
    else:
        parts.append("demand does not grow: the fleet declares no growth")
    return tuple(parts)


def again(example: CounterExample) -> str:
    """Return how to play a counter-example again: a command, and before it how to store a verdict that was not."""
    if FILE not in example.command:
        return example.command
    return f"check with --out json=verdict.json, then {example.command.replace(FILE, 'verdict.json')}"


def final_line(verdict: Verdict) -> str:
    """Return the verdict in words, with what would decide it and the exit code."""
    more = f"; about {count(verdict.more_runs, 'more replication')} would decide" if verdict.more_runs else ""
    return f"{headline(verdict)}{more} (exit code {verdict.exit_code})"


def rule(gate: GateResult) -> str:
    """Return what a gate demands: "slo_violation tier=0 <= 2 %, fails > 5 %"."""
    filters = "".join(f" {key}={wanted}" for key, wanted in gate.where.items())
    return f"{gate.metric}{filters} {limits(gate)}"


def more_runs(gate: GateResult) -> str:
    """Return how many more replications would decide, unless the gate's reason says so already."""
    worst = gate.worst
    if gate.result != "inconclusive" or worst is None or not worst.more_runs or _MORE in gate.reason:
        return ""
    return f"about {count(worst.more_runs, _MORE)} of {worst.scenario} would decide"


def limits(gate: GateResult) -> str:
    """Return the limits of a gate: "<= 2 %, fails > 5 %"."""
    return f"{gate.pass_limit}, fails {gate.fail_limit}" if gate.fail_limit else gate.pass_limit


def evidence(gate: GateResult) -> str:
    """Return what was seen in the worst scenario: the values, the interval, and where."""
    if gate.worst is None:
        return gate.reason
    around = interval(gate, gate.worst)
    about = f"interval {around}, " if around else ""
    if is_difference(gate.worst):
        about = f"change {change(gate, gate.worst)}, "
    if gate.worst.violations:
        about = f"{names(gate.worst.violations)}, "
    return f"{against(gate, gate.worst)}, {about}in {where(gate.worst)}"


def against(gate: GateResult, row: ScenarioResult) -> str:
    """Return the plan's value beside the reference's: "12.1 ms (reference 11 ms)"."""
    if row.plan is None:
        return "not measured"
    beside = f" (reference {without_plan(gate, row)})" if row.reference is not None else ""
    return f"{with_plan(gate, row)}{beside}"


def with_plan(gate: GateResult, row: ScenarioResult) -> str:
    """Return what was seen with the plan: a value, or for an invariant how many things broke it."""
    if not _counts(gate, row) or row.plan is None:
        return value(row.plan, gate)
    return count(len(row.violations), "violation") if row.violations else "none"


def without_plan(gate: GateResult, row: ScenarioResult) -> str:
    """Return what was seen without it; of an invariant only what the reference has of its own, per world."""
    if not _counts(gate, row) or row.reference is None:
        return value(row.reference, gate)
    return f"{figure(row.reference)} per world" if row.reference else "none"


def _counts(gate: GateResult, row: ScenarioResult) -> bool:
    """Tell whether violations were counted; a gate on claims does that where the claim is about violations."""
    return gate.estimator == "invariant" or bool(row.violations)


def interval(gate: GateResult, row: ScenarioResult) -> str:
    """Return the interval of what is judged, with signs for a difference; "" for an exact observation."""
    if row.low is None or row.high is None or gate.estimator == "invariant":
        return ""
    return f"{bound(row.low, gate, row)} … {bound(row.high, gate, row)}"


def judgement(gate: GateResult, row: ScenarioResult) -> str:
    """Return what the limit is held against: a change with its limit, else the interval of the value, else "exact"."""
    return change(gate, row) if is_difference(row) else interval(gate, row) or "exact"


def change(gate: GateResult, row: ScenarioResult) -> str:
    """Return the change against the reference, its interval and its limit: "+0.4 % (+0.3 % … +0.5 %), limit +2 %"."""
    return ", ".join(filter(None, (estimate(gate, row), limit(gate, row))))


def limit(gate: GateResult, row: ScenarioResult) -> str:
    """Return the limit of a change, on the scale on which it is shown: "limit +2 %", "" where it is not known."""
    if row.pass_bound is None:
        return ""
    sign = "±" if "±" in gate.pass_limit else ""
    return f"limit {sign}{bound(row.pass_bound, gate, row).removeprefix('+' if sign else '')}"


def estimate(gate: GateResult, row: ScenarioResult) -> str:
    """Return an estimate with its interval; an interval that no digit shows is left out."""
    around = interval(gate, row)
    if row.estimate is None:
        return around
    middle, *ends = (bound(number, gate, row) for number in (row.estimate, row.low, row.high))
    if not around:
        return f"{middle} (exact)"
    return middle if ends == [middle, middle] else f"{middle} ({around})"


def is_difference(row: ScenarioResult) -> bool:
    """Tell whether the interval is about plan against reference, not about the plan's own value."""
    return row.judged not in ("", "plan")


def where(row: ScenarioResult) -> str:
    """Return the scenario and the variant of the plan: "n-1, stopped after drain"."""
    return row.scenario if row.variant in ("", "whole") else f"{row.scenario}, {variant(row.variant)}"


def variant(name: str) -> str:
    """Return a variant of the plan in words: "stop-after:drain" is "stopped after drain"."""
    kind, _, step = name.partition(":")
    return f"{_VARIANTS[kind]} {step}" if kind in _VARIANTS and step else name or "whole"


def value(number: float | None, gate: GateResult) -> str:
    """Return a value of the gate's metric with its unit."""
    return quantity(number, gate.unit, metric=gate.metric)


def bound(number: float | None, gate: GateResult, row: ScenarioResult) -> str:
    """Return an end of the interval, or a limit, in the unit of what is judged; differences carry a sign.

    The change of a share is in percentage points unless it is a share of the reference, as in limits.
    """
    own = not row.judged_unit
    words = quantity(number, gate.unit if own else row.judged_unit, metric=gate.metric if own else "")
    if not is_difference(row) or number is None:
        return words
    signed = f"+{words}" if number > 0 and words.split()[0] != "0" else words
    return f"{signed[:-1]}pp" if own and signed.endswith(" %") else signed


def quantity(number: float | None, unit: str, *, metric: str = "") -> str:
    """Return a number with its unit; shares (unit "1") as percent, but not a ratio such as PUE."""
    if number is None or math.isnan(number):
        return "?"
    if math.isinf(number):
        return "∞" if number > 0 else "-∞"
    if unit == "1" and _is_share(metric):
        return f"{percent(number)} %"
    return figure(number) if unit in ("", "1") else f"{figure(number)} {unit}"


def figure(number: float) -> str:
    """Return a number to four digits, with thousands separated and no trailing zeros."""
    if abs(number) < 1e-9:  # dust of the arithmetic
        return "0"
    if abs(number) >= 1000:
        return f"{number:,.0f}" if abs(number) < 1e15 else f"{number:.3g}"
    if abs(number) < 1e-4:
        return f"{number:.2g}"
    text = f"{number:.{max(0, 3 - math.floor(math.log10(abs(number))))}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def percent(share: float) -> str:
    """Return a share in percent; near 100 % with as many digits as its distance from 100 % needs."""
    if 0.99 <= share < 1.0:
        digits = min(8, max(1, 1 - math.floor(math.log10(1.0 - share)) - 2))
        text = f"{100 * share:.{digits}f}"
        return text if not text.startswith("100") else f"{100 * share:.10f}".rstrip("0")
    return figure(100.0 * share)


def span(seconds: float) -> str:
    """Return a length of time in its two largest units: "4 h 30 min"."""
    if seconds < 1:
        return f"{figure(seconds)} s"
    parts, left = [], round(seconds)
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min"), (1, "s")):
        whole, left = divmod(left, size)
        if whole:
            parts.append(f"{whole:,} {unit}")
    return " ".join(parts[:2])


def names(things: Sequence[str], shown: int = 6) -> str:
    """Return the first names of a list, and how many more there are."""
    more = f" and {len(things) - shown:,} more" if len(things) > shown else ""
    return ", ".join(things[:shown]) + more


def count(number: int, noun: str, plural: str = "") -> str:
    """Return "1 gate", "3 gates", "640 more replications"."""
    return f"{number:,} {noun if number == 1 else plural or f'{noun}s'}"


def place(file: str, line: int) -> str:
    """Return file:line, or the file alone; a place that names its line already stays as it is."""
    return f"{file}:{line}" if line and f":{line}" not in file else file


def _is_share(metric: str) -> bool:
    return metric != "pue" and (metric not in BY_NAME or BY_NAME[metric].unit == "1")
