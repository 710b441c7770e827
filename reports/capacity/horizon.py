"""What can still be decided: what arrives too late to matter, and the months of which the plan says nothing."""

from __future__ import annotations

from collections.abc import Iterator

from reports.capacity.blocks import Block, Column, Grid, Words
from reports.capacity.made import by_report
from twin.records import text
from twin.records.capacity_report import CapacityReport

_COLUMNS = (
    Column("kind", "kind"),
    Column("type", "type"),
    Column("lead_months", "lead time [months]", "number"),
    Column("first_arrival", "ordered today, there in"),
    Column("last_order", "last order that counts"),
)


def blocks(report: CapacityReport) -> Iterator[Block]:
    """Say where the plan's reach begins and ends."""
    today = f"{report.as_of:%Y-%m}"
    if not report.months:
        yield Words("This solution is about today: it has no months, and says nothing about what to order.")
        return
    last = report.months[-1]
    if report.leads:
        soonest = min(report.leads, key=lambda lead: lead.first_arrival)
        first = min(report.leads, key=lambda lead: lead.last_order)
        yield Words(
            f"Until {soonest.first_arrival} nothing that is ordered now arrives ({soonest.kind} {soonest.type}, "
            f"{text.count(soonest.months, 'month')}): before it only moves and retirements change the fleet."
        )
        yield Words(
            f"The plan ends with {last}. A {first.kind} of type {first.type} ordered after {first.last_order} arrives beyond it: "
            f"from then on the plan orders none, which is no sign that none will be needed. Beyond {last} it says nothing."
        )
        rows = [
            (lead.kind, lead.type, lead.months, lead.first_arrival, lead.last_order) for lead in report.leads
        ]
        note = "The longest lead time that the plan uses; what it does not order shows none."
        yield Grid("leads", f"Lead times as of {today}", _COLUMNS, rows, by_report(report), note=note)
    else:
        yield Words(
            f"The plan orders nothing, so no lead time is known here. It ends with {last}; beyond it, it says nothing."
        )
