"""The difference to today: servers of each reservation at each site, and what each reservation has after its worst loss."""

from __future__ import annotations

from collections.abc import Iterator

from reports.capacity.bars_svg import Bar, Part, draw_change, draw_parts
from reports.capacity.blocks import MOST, Block, Column, Grid, Picture
from reports.capacity.made import by_report, by_solver, number
from twin.records.capacity_report import CapacityReport, is_drawn
from twin.records.solution import Table

MOST_BARS = 24
_CHANGES = (
    Column("reservation", "reservation"),
    Column("site", "site"),
    Column("type", "type"),
    Column("now", "now", "number"),
    Column("planned", "planned", "number"),
    Column("difference", "difference", "number"),
)
_RESERVATIONS = (
    Column("reservation", "reservation"),
    Column("demand_rru", "demand [RRU]", "number"),
    Column("capacity_rru", "capacity [RRU]", "number"),
    Column("after_worst_loss_rru", "after its worst loss [RRU]", "number"),
    Column("worst_loss", "worst loss"),
    Column("short_rru", "short [RRU]", "number"),
)


def blocks(report: CapacityReport) -> Iterator[Block]:
    """Show the tables of a solution without months as pictures and rows, and every table that no section draws from."""
    yield from _reservations(report)
    yield from _changes(report)
    for table in report.solution.tables:
        if not is_drawn(table):
            yield _as_it_is(report, table)


def _reservations(report: CapacityReport) -> Iterator[Block]:
    rows = sorted(report.rows("reservations"), key=lambda row: -number(row, "short_rru"))
    if not rows:
        return
    bars = [
        Bar(
            str(row["reservation"]),
            (
                Part("left after the worst loss", "part-used", number(row, "after_worst_loss_rru")),
                Part("gone with the worst loss", "part-lost",
                     max(0.0, number(row, "capacity_rru") - number(row, "after_worst_loss_rru"))),
            ),
            f"worst loss {row['worst_loss']}" if row["worst_loss"] else "",
            number(row, "demand_rru"),
        )
        for row in rows[:MOST_BARS]
    ]  # fmt: skip
    yield Picture(
        "Capacity of each reservation, and its demand [RRU]",
        (draw_parts("Capacity of each reservation", "RRU", bars, shared=True),),
        by_report(report),
        key=(
            ("part-used", "left after its worst loss"),
            ("part-lost", "gone with that loss"),
            ("mark", "demand"),
        ),
    )
    table = [tuple(row.get(column.key) for column in _RESERVATIONS) for row in rows]
    yield Grid("reservations", "Reservations", _RESERVATIONS, table, by_solver(report))


def _changes(report: CapacityReport) -> Iterator[Block]:
    rows = report.rows("changes")
    if not rows:
        return
    deltas: dict[str, float] = {}
    for row in rows:
        key = f"{row['reservation']} at {row['site']}"
        deltas[key] = deltas.get(key, 0.0) + number(row, "planned") - number(row, "now")
    moved = sorted(((name, d) for name, d in deltas.items() if d), key=lambda pair: -abs(pair[1]))
    left = len(moved) - MOST_BARS
    if moved:
        yield Picture(
            "Servers more and fewer than today, by reservation and site",
            (draw_change("Servers more and fewer than today", "servers", moved[:MOST_BARS]),),
            by_report(report),
            note=f"{left:,} smaller ones are in the table." if left > 0 else "",
            key=(("part-more", "more than today"), ("part-less", "fewer than today")),
        )
    table: list[tuple[str | float | None, ...]] = [
        (*(row[column.key] for column in _CHANGES[:-1]), number(row, "planned") - number(row, "now"))
        for row in rows
    ]
    table.sort(key=lambda row: -abs(float(row[-1] or 0.0)))
    changed = sum(1 for row in table if row[-1])
    note = "" if changed else "No row differs from today; a few are shown."
    yield Grid(
        "changes", "What changes", _CHANGES, table, by_solver(report), note=note, most=min(MOST, changed or 3)
    )


def _as_it_is(report: CapacityReport, table: Table) -> Grid:
    """Return a table of a solution under its own columns."""
    numeric = [
        bool(table.rows) and all(isinstance(row[index], (int, float)) for row in table.rows)
        for index in range(len(table.columns))
    ]
    columns = tuple(
        Column(name, name.replace("_", " "), "number" if right else "text")
        for name, right in zip(table.columns, numeric, strict=True)
    )
    return Grid(f"solution_{table.name}", table.title or table.name, columns, table.rows, by_solver(report))
