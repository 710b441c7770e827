"""What to buy, move and retire, where and when, and the last day to order it."""

from __future__ import annotations

from collections.abc import Iterator

from reports.capacity.blocks import Block, Column, Grid, Words
from reports.capacity.made import by_solver, usd
from twin.records import text
from twin.records.capacity_report import BOUGHT, CapacityReport, Order

_COLUMNS = (
    Column("order_by", "order by"),
    Column("in_time", "", "tag"),
    Column("kind", "kind"),
    Column("count", "count", "number"),
    Column("type", "type"),
    Column("site", "site"),
    Column("arrive_month", "arrives"),
    Column("lead_months", "lead [months]", "number"),
    Column("cost_usd", "cost [USD]", "number"),
)


def blocks(report: CapacityReport) -> Iterator[Block]:
    """Show the orders, the most urgent first."""
    if not report.orders:
        yield Words("The solution orders nothing.")
        return
    bought = [order for order in report.orders if order.kind in BOUGHT]
    others = [order for order in report.orders if order.kind not in BOUGHT]
    total = usd(sum(order.cost_usd for order in report.orders))
    yield Words(
        f"{text.count(len(bought), 'order')} to place, {len(others):,} to move or retire, {total} in all, the most urgent first. "
        "The day to order by is the last day of the month in which the plan orders; a day later, what is ordered arrives a "
        "month later.",
        "soft",
    )
    command = by_solver(report)
    if bought:
        yield Grid(
            "orders",
            "What to buy, by the last day to order it",
            _COLUMNS,
            [*map(_row, bought)],
            command,
            most=60,
        )
    if others:
        yield Grid("moves", "What to move and to retire", _COLUMNS, [*map(_row, others)], command, most=10)


def _row(order: Order) -> tuple[str | float, ...]:
    return (
        str(order.order_by), "late" if order.late else "in time", order.kind, order.count, order.type, order.site,
        order.arrive_month, order.lead_months, order.cost_usd,
    )  # fmt: skip
