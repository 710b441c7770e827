"""A verdict as Markdown for pull requests and step summaries: failures first, the rest counted."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from twin.records import text
from twin.records.verdict import GateResult, ScenarioResult, Verdict, clock

LIMIT = 60 * 1024  # bytes; comments and summaries cut or refuse longer ones
_SIGNS = {
    "pass": "✅",
    "warn": "⚠️",
    "waived": "🟣",
    "fail": "❌",
    "inconclusive": "❓",
    "error": "💥",
    "rejected": "⛔",
}
# What means something inside a line; an underscore within a word does not.
_SPECIAL = re.compile(r"([\\`*{}\[\]|~]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])|^[-+#>])")
_NOTE = "_… {left} more lines left out to stay within {limit} KiB; the JSON and HTML reports have them all._"
_NOTE_BYTES = 200
_FOLD = "<details><summary>Every gate in every scenario</summary>"
_CELL = 300  # characters of one name or reason before it is cut


def render_markdown(verdict: Verdict, *, limit: int = LIMIT) -> str:
    """Return the verdict as Markdown of at most *limit* bytes."""
    lines = [line for section in _SECTIONS for line in section(verdict)]
    room = limit - _NOTE_BYTES
    kept: list[str] = []
    for line in lines:
        room -= len(line.encode()) + 1
        if room < 0:
            break
        kept.append(line)
    left = len(lines) - len(kept)
    note = [*_unclosed(kept), "", _NOTE.format(left=left, limit=limit // 1024)] if left else []
    return "\n".join([*kept, *note]).rstrip() + "\n"


def _unclosed(lines: list[str]) -> list[str]:
    """Return what closes the code block and the fold that a cut left open."""
    fence = ["```"] if sum(line.startswith("```") for line in lines) % 2 else []
    fold = ["", "</details>"] if _FOLD in lines and "</details>" not in lines else []
    return fence + fold


def _head(verdict: Verdict) -> Iterator[str]:
    yield f"## {_SIGNS[text.outcome(verdict)]} {escape(text.headline(verdict))}"
    yield ""
    window = f"{verdict.window[0]:%Y-%m-%d %H:%M} to {verdict.window[1]:%Y-%m-%d %H:%M} UTC"
    yield f"**{escape(verdict.plan)}** on {escape(verdict.fleet)}, {window}"
    yield f"{escape(text.judged_by(verdict))}, exit code {verdict.exit_code}"
    if verdict.more_runs:
        yield f"about **{text.count(verdict.more_runs, 'more replication')}** would decide"
    yield ""


def _findings(verdict: Verdict) -> Iterator[str]:
    if verdict.findings:
        yield "| check | place | what is wrong | how to mend it |"
        yield "|---|---|---|---|"
        for row in verdict.findings:
            place = text.place(row.where, row.line)
            yield f"| {escape(row.rule)} | {escape(place)} | {escape(row.what)} | {escape(row.mend)} |"
        yield ""


def _gates(verdict: Verdict) -> Iterator[str]:
    if verdict.gate_results:
        yield "| result | gate | metric and limit | plan | reference | change or interval | worst in |"
        yield "|---|---|---|--:|--:|---|---|"
        for gate in text.by_severity(verdict.gate_results):
            name = escape(gate.id) + ("" if gate.level == "block" else " (advice)")
            rule = escape(text.rule(gate))
            yield f"| {_SIGNS[gate.result]} {gate.result} | {name} | {rule} | {_seen(gate)} |"
        yield ""


def _seen(gate: GateResult) -> str:
    row = gate.worst
    if row is None:
        return f"not measured | | | {escape(gate.reason)}"
    cells = (
        text.with_plan(gate, row),
        text.without_plan(gate, row) if row.reference is not None else "",
        text.judgement(gate, row),
        text.where(row),
    )
    return " | ".join(escape(cell) for cell in cells)


def _why(verdict: Verdict) -> Iterator[str]:
    for gate in text.by_severity(verdict.gate_results):
        if gate.result in ("fail", "error", "inconclusive"):
            yield f"### Why {escape(gate.id)} {_DID[gate.result]}"
            yield ""
            if gate.reason:
                yield escape(gate.reason)
                yield ""
            yield from _counter_example(gate)
            yield ""


_DID = {"fail": "failed", "error": "could not be judged", "inconclusive": "did not decide"}


def _counter_example(gate: GateResult) -> Iterator[str]:
    example = gate.counter_example
    if example is None:
        return
    member = f" ({escape(example.member)})" if example.member else ""
    yield (
        f"Scenario **{escape(example.scenario)}**{member}, plan {escape(text.variant(example.variant))}, "
        f"replication {example.replication}: **{escape(example.violation)}** at {clock(example.at_s)}."
    )
    yield ""
    for number, step in enumerate(example.chain, start=1):
        yield f"{number}. `{clock(step.at_s)}` {escape(step.text)}"
    yield ""
    if text.FILE in example.command:
        yield "Play it again, once the verdict is stored (`--out json=verdict.json`):"
        yield ""
    yield "```sh"
    yield _in_fence(example.command.replace(text.FILE, "verdict.json"))
    yield "```"


def _notes(verdict: Verdict) -> Iterator[str]:
    yield "### What to know"
    yield ""
    if (seen := verdict.footprint) is not None:
        word = text.count(seen.faults, "fault") if seen.faults else "**Untested**: 0 faults"
        yield f"- {word} hit what the plan touches."
        if seen.untested:
            yield f"- Untested (no fault touched them): {_names(seen.untested)}"
    for words in text.played(verdict):
        yield f"- Played: {escape(words)}"
    for missing in verdict.missing:
        yield f"- Missing: {escape(missing)}"
    for row in verdict.assumed:
        values = text.count(row.count, "value")
        yield f"- Assumed: {escape(row.what)} ({values}), matters to {_names(row.metrics)}"
    if verdict.snapshot_age_s is not None:
        yield f"- The snapshot is {text.span(verdict.snapshot_age_s)} old."
    yield f"- Fidelity: {escape(verdict.fidelity)}"
    for words in verdict.not_modelled:
        yield f"- Not modelled: {escape(words)}"
    yield ""


def _rows(verdict: Verdict) -> Iterator[str]:
    rows = [(gate, row) for gate in text.by_severity(verdict.gate_results) for row in gate.rows]
    if not rows:
        return
    yield _FOLD
    yield ""
    yield "| result | gate | scenario | plan variant | n | plan | reference | change or interval | violations |"
    yield "|---|---|---|---|--:|--:|--:|---|---|"
    for gate, row in sorted(rows, key=lambda pair: _RANK.index(pair[1].result)):
        yield _row(gate, row)
    yield ""
    yield "</details>"
    yield ""


_RANK = ("fail", "error", "inconclusive", "waived", "warn", "pass")


def _row(gate: GateResult, row: ScenarioResult) -> str:
    cells = (
        row.result,
        gate.id,
        row.scenario,
        text.variant(row.variant),
        f"{row.n:,}",
        text.with_plan(gate, row),
        text.without_plan(gate, row),
        text.judgement(gate, row),
    )
    return f"| {' | '.join(escape(cell) for cell in cells)} | {_names(row.violations)} |"


def _digests(verdict: Verdict) -> Iterator[str]:
    yield (
        f"<sub>plan `{_short(verdict.plan_digest)}` · fleet `{_short(verdict.fleet_digest)}` · gates "
        f"`{_short(verdict.gates_digest)}` · suite `{_short(verdict.suite_digest)}` · seed {verdict.seed} · "
        f"as of {verdict.as_of.isoformat()}</sub>"
    )


_SECTIONS: tuple[Callable[[Verdict], Iterator[str]], ...] = (
    _head,
    _findings,
    _gates,
    _why,
    _notes,
    _digests,
    _rows,
)


def escape(words: str, most: int = _CELL) -> str:
    """Return words as Markdown text: no markup, no HTML, no mention, one line of at most so many characters."""
    flat = " ".join(words.split())
    flat = flat if len(flat) <= most else f"{flat[:most]}…"
    flat = flat.replace("&", "&amp;").replace("<", "&lt;")
    # A name with an @ must not call somebody to the pull request.
    return _SPECIAL.sub(r"\\\1", flat).replace("@", "@&#8203;")


def _names(things: tuple[str, ...], shown: int = 6) -> str:
    more = f" and {len(things) - shown:,} more" if len(things) > shown else ""
    return ", ".join(escape(thing) for thing in things[:shown]) + more


def _in_fence(words: str) -> str:
    return " ".join(words.replace("```", "'''").split())


def _short(digest: str) -> str:
    return re.sub(r"[^0-9A-Za-z:]", "", digest)[:19]
