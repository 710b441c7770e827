"""A verdict in the terminal: one line per gate, why it failed, what was not looked at, and the final line."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from reports import causes
from twin.records import text
from twin.records.verdict import CounterExample, GateResult, Verdict, clock

STYLES = {
    "pass": "green",
    "warn": "yellow",
    "waived": "magenta",
    "fail": "bold red",
    "inconclusive": "blue",
    "error": "bold red",
    "rejected": "bold red",
}
WIDE = 110  # columns from which a gate has one line
_ROLE_STYLES = {"plan": "cyan", "world": "yellow", "effect": "", "violation": "bold red"}


def print_verdict(verdict: Verdict, console: Console) -> None:
    """Print the whole verdict; wide enough consoles get one line per gate."""
    console.print(_head(verdict))
    console.print()
    if verdict.findings:
        console.print(_findings(verdict))
    if verdict.gate_results:
        console.print(_gates(verdict) if console.width >= WIDE else _narrow_gates(verdict))
    for gate in text.by_severity(verdict.gate_results):
        if gate.result in ("fail", "error", "inconclusive"):
            console.print(why(gate))
    console.print(_small_print(verdict))
    console.print(Text(text.final_line(verdict), style=STYLES[text.outcome(verdict)]), soft_wrap=True)


def why(gate: GateResult) -> RenderableType:
    """Return why a gate failed or could not decide: its counter-example, or what is missing."""
    parts: list[RenderableType] = [
        Text(),
        Text.assemble(("Why ", "bold"), (gate.id, "bold"), (_DID[gate.result], "bold")),
    ]
    if gate.reason:
        parts.append(_indent(Text(gate.reason)))
    example = gate.counter_example
    if example is not None:
        parts += [_indent(Text(place_of(example), style="dim")), _indent(tree(example))]
    if more := text.more_runs(gate):
        parts.append(_indent(Text(more)))
    if example is not None and example.command:
        parts.append(_indent(Text.assemble("again: ", (text.again(example), "bold"))))
    return Group(*parts)


_DID = {
    "fail": " failed",
    "error": " could not be judged",
    "inconclusive": " did not decide",
    "pass": " passed",
    "warn": " warns",
    "waived": " was waived",
}


def place_of(example: CounterExample) -> str:
    """Return where the counter-example lies: scenario, which member, variant, replication, time."""
    member = f" ({example.member})" if example.member else ""
    variant = f", plan {text.variant(example.variant)}"
    when = f"replication {example.replication}, at {clock(example.at_s)}"
    return f"scenario {example.scenario}{member}{variant}, {when}"


def tree(example: CounterExample) -> RenderableType:
    """Return the causes as a numbered tree: each first cause, and below it what it led to."""
    below = causes.children(example.chain)
    top = Tree(Text(example.violation, style="bold red"), guide_style="dim")
    for root in causes.roots(example.chain):
        _grow(top, example, below, root)
    return top


def _grow(branch: Tree, example: CounterExample, below: list[list[int]], index: int) -> None:
    # What follows one from the other stands in one column: only a first cause and a fork indent.
    node = branch.add(_happening(example, index))
    led_to = below[index]
    while len(led_to) == 1:
        node.add(_happening(example, led_to[0]))
        led_to = below[led_to[0]]
    for child in led_to:
        _grow(node, example, below, child)


def _happening(example: CounterExample, index: int) -> Text:
    step = example.chain[index]
    others = ", ".join(str(other + 1) for other in causes.also(example.chain, index))
    return Text.assemble(
        (f"{index + 1:>2}  {clock(step.at_s)}  ", "dim"),
        (step.text, _ROLE_STYLES[causes.role(example.chain, index)]),
        (f"  (and because of {others})" if others else "", "dim"),
    )


def _head(verdict: Verdict) -> Text:
    window = f"{verdict.window[0]:%Y-%m-%d %H:%M} to {verdict.window[1]:%Y-%m-%d %H:%M} UTC"
    return Text.assemble(
        (verdict.plan, "bold"),
        f" on {verdict.fleet}, {window}\n",
        (
            f"{text.judged_by(verdict)}, {verdict.purpose} as of {verdict.as_of:%Y-%m-%d %H:%M}",
            "dim",
        ),
    )


def _findings(verdict: Verdict) -> Table:
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    for finding in verdict.findings:
        mend = f"\n{finding.mend}" if finding.mend else ""
        table.add_row(
            Text(finding.rule, style="bold red"),
            Text(text.place(finding.where, finding.line), style="dim"),
            Text.assemble(finding.what, (mend, "italic")),
        )
    return table


def _gates(verdict: Verdict) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", pad_edge=False)
    for column in (
        "result",
        "gate",
        "metric and limit",
        "plan vs reference",
        "change or interval",
        "worst in",
    ):
        table.add_column(column, overflow="fold", no_wrap=column in ("result", "gate"))
    for gate in text.by_severity(verdict.gate_results):
        table.add_row(
            _result(gate),
            Text(gate.id),
            Text(text.rule(gate)),
            *_seen(gate),
        )
    return table


def _narrow_gates(verdict: Verdict) -> Table:
    """Return the same without columns: what a gate demands, and below it what was seen."""
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for gate in text.by_severity(verdict.gate_results):
        demand = Text.assemble((gate.id, "bold"), "  ", text.rule(gate))
        table.add_row(_result(gate), Group(demand, Text(text.evidence(gate))))
    return table


def _result(gate: GateResult) -> Text:
    word = gate.result.upper() if gate.result in ("fail", "error", "inconclusive") else gate.result
    return Text(word if gate.level == "block" else f"{word} (advice)", style=STYLES[gate.result])


def _seen(gate: GateResult) -> tuple[Text, Text, Text]:
    row = gate.worst
    if row is None:
        return Text("not measured"), Text(), Text(gate.reason)
    beside = f" vs {text.without_plan(gate, row)}" if row.reference is not None else ""
    return (
        Text(text.with_plan(gate, row) + beside),
        Text(text.judgement(gate, row)),
        Text(text.where(row)),
    )


def _small_print(verdict: Verdict) -> Table:
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    last = ""
    for label, words in _notes(verdict):
        table.add_row(Text(label if label != last else ""), Text(words))
        last = label
    return table


def _notes(verdict: Verdict) -> Iterator[tuple[str, str]]:
    """Yield what the reader must know besides the gates, as (label, words)."""
    yield "", ""
    if (seen := verdict.footprint) is not None:
        touched = f"{text.count(seen.faults, 'fault')} hit what the plan touches ({text.names(seen.touched)})"
        yield "footprint", touched if seen.faults else f"UNTESTED: {touched}"
        if seen.untested:
            yield "untested", f"no fault touched {text.names(seen.untested)}: that is not a sign of safety"
    yield from (("played", words) for words in text.played(verdict))
    for missing in verdict.missing:
        yield "missing", missing
    if effects := smallest_effects(verdict):
        yield "smallest effect", f"that could have been seen: {'; '.join(effects)}"
    yield from (("assumed", words) for words in assumed(verdict))
    for words in verdict.not_modelled:
        yield "not modelled", words
    if verdict.runs:
        looks = ", ".join(f"{scenario} {number:,}" for scenario, number in verdict.replications.items())
        yield (
            "replications",
            f"{looks} ({text.count(verdict.runs, 'run')} in all)"
            if looks
            else text.count(verdict.runs, "run"),
        )
    if verdict.snapshot_age_s is not None:
        yield "snapshot", f"{text.span(verdict.snapshot_age_s)} old"
    yield "fidelity", verdict.fidelity
    yield "", ""


def smallest_effects(verdict: Verdict) -> list[str]:
    """Return, per gate, the smallest effect that this evaluation could have seen."""
    return [
        f"{gate.id} {text.bound(gate.worst.smallest_effect, gate, gate.worst)}"
        for gate in verdict.gate_results
        if gate.worst is not None and gate.worst.smallest_effect is not None
    ]


def assumed(verdict: Verdict) -> list[str]:
    """Return the assumed inputs that gated metrics rest on, in words."""
    return [
        f"{row.what} ({text.count(row.count, 'value')}): matters to {', '.join(row.metrics)}"
        for row in verdict.assumed
    ]


def _indent(part: RenderableType) -> Padding:
    return Padding(part, (0, 0, 0, 2), expand=False)
