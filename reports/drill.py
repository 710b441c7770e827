"""Drills for people: expected against happened in the terminal, in one HTML file, and all of them in one table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from markupsafe import Markup
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from reports.causes_svg import draw_tree
from reports.page import ENVIRONMENT
from reports.timeline_svg import draw_timeline
from twin.records.drill import Drilled, Finding

_CONFIDENCE = {
    "full": "the publisher's own account, read (nearly) whole",
    "summary": "press or another retelling",
    "rule": "a rule, no incident",
}


def show_drill(drilled: Drilled) -> RenderableType:
    """Return what was expected and what happened, then the variants and the sweep."""
    drill = drilled.drill
    head = Text.assemble(
        _mark(drilled.passed), " ", (drill.name, "bold"), f": {drill.title}", (f"\n{drill.source}", "dim")
    )
    table = Table(
        "", "what", "account", "expected", "in the twin", box=None, header_style="dim", pad_edge=False
    )
    for row in drilled.findings:
        says = f"{row.says} [calibrated]" if row.role == "calibrated" else row.says
        table.add_row(_mark(row.ok), Text(says), Text(row.account), Text(row.wanted), Text(row.happened))
    parts: list[RenderableType] = [head, table]
    for name, rows in drilled.variants:
        wrong = [row for row in rows if not row.ok]
        what = f"  with {name}: " + ("no cascade" if not wrong else "; ".join(_wrong(row) for row in wrong))
        parts.append(Text.assemble(_mark(not wrong), what))
    if drill.sweep is not None:
        parts.append(
            Text.assemble(_mark(drilled.table == drilled.wanted_table), f"  sweep: {drill.sweep.says}")
        )
        parts += [Text(f"    {line}", style="dim") for line in _sweep(drilled)]
    return Group(*parts, Text())


def drill_page(drilled: Drilled) -> str:
    """Return one self-contained HTML page: the tables, the timeline and the tree of causes."""
    shown = bool(drilled.example.chain)
    return ENVIRONMENT.get_template("drill.html.j2").render(
        drilled=drilled,
        drill=drilled.drill,
        confidence=_CONFIDENCE[drilled.drill.confidence],
        style=Markup(ENVIRONMENT.get_template("verdict.css").render()),
        timeline=draw_timeline(drilled.example) if shown else "",
        tree=draw_tree(drilled.example) if shown else "",
        sweep=list(_sweep(drilled)),
    )


def drill_table(all_drilled: Sequence[Drilled]) -> str:
    """Return the table of all drills in Markdown: what was predicted, in the account and in the twin."""
    lines = [
        f"{sum(one.passed for one in all_drilled)} of {len(all_drilled)} drills come out as the accounts say.",
        "",
        "| drill | of | event | in the account | window | in the twin |",
        "|---|---|---|---|---|---|",
    ]
    for one in all_drilled:
        lines += _lines(one)
    lines += [
        "",
        "## The same drills with one thing changed",
        "",
        "| drill | with | must | and |",
        "|---|---|---|---|",
    ]
    for one in all_drilled:
        for name, rows in one.variants:
            lines.append(f"| {one.drill.name} | {name} | {_must(rows)} | {_outcome(rows)} |")
    return "\n".join(lines) + "\n"


def _lines(one: Drilled) -> Iterator[str]:
    case, differs = f" ({one.drill.case})" if one.drill.case else "", "" if one.passed else " **differs**"
    head = f"**{one.drill.name}**{case}{differs}<br>{one.drill.title}"
    for row in one.findings:
        role = {"calibrated": "calibrated", "extra": "**too much**"}.get(row.role, "predicted")
        seen = row.happened if row.ok else f"**{row.happened}**"
        yield f"| {head} | {role} | {row.says} | {row.account or '-'} | {row.wanted} | {_seen(row, seen)} |"
        head = ""
    if one.drill.sweep is not None:
        seen = "as the rule says" if one.table == one.wanted_table else f"**{' '.join(one.table)}**"
        cells = sum(len(line) for line in one.wanted_table)
        yield f"|  | predicted | {one.drill.sweep.says} | rule | {cells} cases | {seen} |"


def _seen(row: Finding, words: str) -> str:
    return "never" if row.ok and row.wanted.startswith("never") else words


def _must(rows: Sequence[Finding]) -> str:
    absent = [row.says for row in rows if row.role == "absent"]
    wanted = [row.says for row in rows if row.role == "variant"]
    return "; ".join([*(f"not: {says}" for says in absent), *wanted])


def _outcome(rows: Sequence[Finding]) -> str:
    wrong = [row for row in rows if not row.ok]
    return "so it is" if not wrong else "**" + "; ".join(_wrong(row) for row in wrong) + "**"


def _wrong(row: Finding) -> str:
    return f"{row.says}: {row.happened}"


def _sweep(drilled: Drilled) -> Iterator[str]:
    """One line per row of the sweep; what differs from the rule stands behind it."""
    sweep = drilled.drill.sweep
    if sweep is None:
        return
    yield "across: " + ", ".join(str(value) for value in sweep.across.values)
    labels = [str(value) for value in sweep.down.values] if sweep.down else [""]
    for label, seen, wanted in zip(labels, drilled.table, sweep.table, strict=True):
        yield f"{label:>10} {seen}" + ("" if seen == wanted else f"   expected {wanted}")


def _mark(ok: bool) -> Text:
    return Text("✓", style="green") if ok else Text("✗", style="bold red")
