"""What to buy, move and retire, where and when, and the last day to order it."""

from __future__ import annotations

from collections.abc import Iterator

from reports.capacity.blocks import Block, Column, Grid, Words
from reports.capacity.made import by_solver, usd
from twin.records import text
from twin.records.capacity_report import CapacityReport

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
    rows = [
        (str(o.order_by), "late" if o.late else "in time", o.kind, o.count, o.type, o.site, o.arrive_month, o.lead_months,
         o.cost_usd)
        for o in report.orders
    ]  # fmt: skip
    total = usd(sum(order.cost_usd for order in report.orders))
    yield Words(
        f"{text.count(len(rows), 'order')}, {total} in all, the most urgent first. The day to order by is the last day of the "
        "month in which the plan orders; a day later, what is ordered arrives a month later.",
        "soft",
    )
    yield Grid("orders", "Orders by the last day to place them", _COLUMNS, rows, by_solver(report), most=40)
