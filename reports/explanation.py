"""One gate explained in the terminal: what it demanded, what was seen where, when things happened and why."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from reports import causes
from reports.svg import offset
from reports.terminal import STYLES, why
from twin.records import text
from twin.records.metrics import BY_NAME
from twin.records.verdict import ORDER, CounterExample, GateResult

_ROWS, _CELLS = 12, 64


def explain_gate(gate: GateResult) -> RenderableType:
    """Return the explanation of a gate, whatever its result."""
    parts: list[RenderableType] = [why(gate)]
    if gate.counter_example is not None and gate.counter_example.chain:
        parts += [Text(), Padding(_timeline(gate.counter_example), (0, 0, 0, 2), expand=False)]
    parts += [Text(), Padding(_facts(gate), (0, 0, 0, 2), expand=False)]
    if gate.rows:
        parts += [Text(), Padding(_rows(gate), (0, 0, 0, 2), expand=False)]
    return Group(*parts)


def _facts(gate: GateResult) -> Table:
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for label, words in _told(gate):
        table.add_row(label, Text(words))
    return table


def _told(gate: GateResult) -> Iterator[tuple[str, str]]:
    yield "demands", f"{text.rule(gate)} ({'blocks' if gate.level == 'block' else 'advises'})"
    if gate.metric in BY_NAME:
        yield "measures", BY_NAME[gate.metric].text
    yield "saw", text.evidence(gate)
    if gate.waiver:
        yield "waived", gate.waiver
    if (worst := gate.worst) is not None:
        if worst.method:
            yield "by", f"{gate.estimator}: {worst.method}, {text.count(worst.n, 'world')}"
        if worst.smallest_effect is not None:
            yield "could see", f"effects from {text.bound(worst.smallest_effect, gate, worst)} on"
        if worst.violations:
            yield "violations", ", ".join(worst.violations[:20])
        if worst.transients:
            yield "transients", f"{', '.join(worst.transients[:20])} (too short to count)"


def _timeline(example: CounterExample) -> Table:
    """Return one line per lane, with the number of each happening where it happened."""
    chain = example.chain
    first, last = min(step.at_s for step in chain), max(step.at_s for step in chain)
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column(style="dim", no_wrap=True)
    table.add_column(no_wrap=True)
    ends = f"{offset(first)}{offset(last):>{max(1, _CELLS - len(offset(first)))}}"
    table.add_row("timeline", Text(ends, style="dim"))
    for name, words in causes.ROLES.items():
        marks = [index for index in range(len(chain)) if causes.role(chain, index) == name]
        if marks:
            table.add_row(
                words,
                Text(_line(example, marks, (first, last)), style="bold red" if name == "violation" else ""),
            )
    return table


def _line(example: CounterExample, marks: list[int], span: tuple[float, float]) -> str:
    first, last = span
    words = [str(index + 1) for index in marks]
    shares = [
        (example.chain[index].at_s - first) / (last - first) if last > first else 0.0 for index in marks
    ]
    places = [round(share * (_CELLS - 1)) for share in shares]
    # Marks of one instant stand side by side: pushed to the right, and back in where they leave the line.
    for number in range(1, len(places)):
        places[number] = max(places[number], places[number - 1] + len(words[number - 1]) + 1)
    end = _CELLS
    for number in reversed(range(len(places))):
        places[number] = min(places[number], end - len(words[number]))
        end = places[number] - 1
    line = ["·"] * _CELLS
    for word, place in zip(words, places, strict=True):
        line[max(0, place) : max(0, place) + len(word)] = word
    return "".join(line)[:_CELLS]


def _rows(gate: GateResult) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    for title in ("result", "scenario and plan", "worlds", "plan vs reference", "change or interval"):
        table.add_column(title, overflow="fold")
    rows = sorted(gate.rows, key=lambda row: ORDER.index(row.result))
    for row in rows[:_ROWS]:
        seen = (
            Text(words)
            for words in (text.where(row), f"{row.n:,}", text.against(gate, row), text.judgement(gate, row))
        )
        table.add_row(Text(row.result, style=STYLES[row.result]), *seen)
    if len(rows) > _ROWS:
        table.add_row("", Text(f"and {len(rows) - _ROWS:,} more, none worse", style="dim"))
    return table
