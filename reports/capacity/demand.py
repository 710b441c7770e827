"""Demand against supply by month, with its uncertainty."""

from __future__ import annotations

from collections.abc import Iterator

from reports.capacity.blocks import Block, Column, Grid, Picture, Words
from reports.capacity.demand_svg import Supplied, draw_demand
from reports.capacity.made import by_report, by_solver, number
from twin.records import text
from twin.records.capacity_report import CapacityReport
from twin.records.solution import Cell

MOST_CHARTS = 12
_COLUMNS = (
    Column("month", "month"),
    Column("service", "service"),
    Column("demand_low_rru", "demand low [RRU]", "number"),
    Column("demand_rru", "demand [RRU]", "number"),
    Column("demand_high_rru", "demand high [RRU]", "number"),
    Column("supply_rru", "supply [RRU]", "number"),
    Column("short_rru", "short [RRU]", "number"),
)


def blocks(report: CapacityReport) -> Iterator[Block]:
    """Show a chart per service, those most at risk first, and the table."""
    rows = report.rows("demand_supply")
    if not rows:
        yield Words("This solution has no months: it is about what is there today. What changes is below.")
        return
    by_service: dict[str, list[Supplied]] = {}
    for row in sorted(rows, key=lambda row: str(row["month"])):
        values = (number(row, column.key) for column in _COLUMNS[2:])
        by_service.setdefault(str(row["service"]), []).append(Supplied(str(row["month"]), *values))
    risk = {
        service: max((r.chance for r in report.risks if r.service == service), default=0.0)
        for service in by_service
    }
    order = sorted(by_service, key=lambda service: (-risk[service], service))
    left = len(order) - MOST_CHARTS
    yield Picture(
        "Demand and supply by month, most at risk first",
        tuple(draw_demand(service, by_service[service]) for service in order[:MOST_CHARTS]),
        by_report(report),
        note=f"{text.count(left, 'more service')}: see the table." if left > 0 else "",
        key=(("band", "demand from low to high"), ("line-demand", "likely demand"),
             ("line-supply", "supply with the plan"), ("gap", "months that are short, and by how much")),
    )  # fmt: skip
    rows.sort(key=_tightness)
    table = [tuple(row[column.key] for column in _COLUMNS) for row in rows]
    title = "Demand and supply, tightest months first"
    yield Grid("demand_supply", title, _COLUMNS, table, by_solver(report), most=12)


def _tightness(row: dict[str, Cell]) -> tuple[float, float]:
    """Order months: most short first, then by how far the supply is from the high end of the demand."""
    return -number(row, "short_rru"), number(row, "supply_rru") / (number(row, "demand_high_rru") or 1.0)
