"""The capacity report as Markdown: the same sections; pictures are named, their numbers stand in the tables."""

from __future__ import annotations

from collections.abc import Iterator

from reports.capacity import filled
from reports.capacity.blocks import Block, Commands, Facts, Grid, Heading, Picture, Words, shown
from reports.markdown import escape
from twin.records import text
from twin.records.capacity_report import CapacityReport

_SIGNS = {"pass": "✅ ", "warn": "⚠️ ", "fail": "❌ "}
MOST = 12
PARAGRAPH = 2000  # characters


def render_markdown(report: CapacityReport) -> str:
    """Return the report as Markdown; tables show their first rows and say how many more there are."""
    lines: list[str] = []
    for section, blocks in filled(report):
        lines += [f"## {section.title}", ""] if section.title else []
        for block in blocks:
            lines += _lines(block)
    lines.append(f"_{escape(report.engine)}, as of {report.as_of.isoformat()}_")
    return "\n".join(lines) + "\n"


def _lines(block: Block) -> Iterator[str]:
    match block:
        case Heading():
            yield from (f"# {_SIGNS.get(block.tone, '')}{escape(block.text)}", "")
        case Words():
            yield from (f"{_SIGNS.get(block.tone, '')}{escape(block.text, PARAGRAPH)}", "")
        case Facts():
            yield from (f"- {escape(name)}: **{escape(value)}**" for name, value in block.rows)
            yield ""
        case Grid():
            yield from _grid(block)
        case Commands():
            yield from (
                "```sh",
                *(line.replace("```", "` ` `").replace("\n", " ") for line in block.lines),
                "```",
                "",
            )
        case Picture():
            yield from (f"_Picture in the HTML report: {escape(block.title)}._", "")


def _grid(grid: Grid) -> Iterator[str]:
    yield f"### {escape(grid.title)}"
    yield ""
    yield "| " + " | ".join(escape(column.head) or " " for column in grid.columns) + " |"
    yield "|" + "|".join("--:" if column.right else "---" for column in grid.columns) + "|"
    for row in grid.shown[:MOST]:
        cells = (escape(shown(value, column)) for value, column in zip(row, grid.columns, strict=True))
        yield "| " + " | ".join(cells) + " |"
    yield ""
    left = len(grid.rows) - min(MOST, len(grid.shown))
    more = f" {text.count(left, 'more row')}: see the CSV tables." if left else ""
    note = f"{escape(grid.note)} " if grid.note else ""
    yield f"{note}Made by: {_code(grid.command)}.{more}"
    yield ""


def _code(command: str) -> str:
    """Return a command as a code span that its own backticks cannot end."""
    words = " ".join(command.split())
    fence = "`" * (max((len(run) for run in _runs(words)), default=0) + 1)
    inner = f" {words} " if "`" in words else words
    return f"{fence}{inner}{fence}"


def _runs(words: str) -> list[str]:
    return [run for run in "".join(c if c == "`" else " " for c in words).split() if run]
