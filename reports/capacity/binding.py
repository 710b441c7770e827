"""What binds: limits without slack and what one more unit is worth, wishes that are not met, wishes that conflict."""

from __future__ import annotations

from collections.abc import Iterator

from reports.capacity.blocks import Block, Column, Grid, Words
from reports.capacity.made import by_solver
from twin.records import text
from twin.records.capacity_report import CapacityReport

_BINDING = (
    Column("text", "what binds"),
    Column("kind", "kind"),
    Column("thing", "thing"),
    Column("state", "when"),
    Column("limit", "limit", "number"),
    Column("unit", "unit"),
    Column("price", "one more is worth", "number"),
)
_SHORT = (
    Column("who", "who"),
    Column("amount", "not met", "number"),
    Column("unit", "unit"),
    Column("where", "where"),
    Column("month", "month"),
    Column("cost", "cost", "number"),
    Column("because", "because"),
    Column("text", "in words"),
)


def blocks(report: CapacityReport) -> Iterator[Block]:
    """Show prices, shortfalls and conflicts."""
    solution, command = report.solution, by_solver(report)
    bindings = sorted(solution.binding, key=lambda row: -row.price)
    if bindings:
        first = bindings[0]
        yield Words(f"What would help most: {_in_words(first.text, first.thing)}")
        yield Words(
            f"Prices are in {solution.currency} per unit, near the plan: what one more unit of the limit saves.",
            "soft",
        )
        rows = [(b.text, b.kind, b.thing, b.state, b.limit, b.unit, b.price) for b in bindings]
        yield Grid("binding", "Limits without slack, dearest first", _BINDING, rows, command)
    elif solution.shortfalls or solution.conflicts:
        yield Words("No limit has a price; what stands in the way of each wish is told with it.")
    else:
        yield Words("No limit binds, and every wish is met.")
    if solution.shortfalls:
        wishes = [
            (s.who, s.amount, s.unit, s.where, s.month, s.cost, s.because, s.text)
            for s in solution.shortfalls
        ]
        wishes.sort(key=lambda row: -float(row[5]))
        yield Grid("shortfalls", "Wishes that are not met", _SHORT, wishes, command)
    for conflict in solution.conflicts:
        proof = "the smallest such set" if conflict.proven_smallest else "perhaps not the smallest such set"
        yield Words(f"Cannot all hold ({proof}): {'; '.join(conflict.wishes)}.", "fail")


def _in_words(words: str, thing: str) -> str:
    return text.names((words.rstrip("."),)) + "." if words else f"more of {thing}."
