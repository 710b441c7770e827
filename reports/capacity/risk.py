"""The risk of shortfall of every service in every month."""

from __future__ import annotations

from collections.abc import Iterator

from reports.capacity.blocks import Block, Column, Grid, Picture, Words
from reports.capacity.heat_svg import STEPS, draw_risk
from reports.capacity.made import by_report
from twin.records import text
from twin.records.capacity_report import CapacityReport, Risk

MOST_STRIPS = 24
_COLUMNS = (
    Column("month", "month"),
    Column("service", "service"),
    Column("chance", "P(demand > supply)", "share"),
    Column("short_rru", "short on average [RRU]", "number"),
)


def blocks(report: CapacityReport) -> Iterator[Block]:
    """Show a strip per service and the highest risks."""
    if not report.risks:
        yield Words("This solution has no months and no range of demand: no risk by month follows from it.")
        return
    yield Words(
        "The demand of a month is taken as triangular: low and high are its ends, the likely demand is its mode. The risk is "
        "P(demand > supply), the average shortfall E[max(0, demand − supply)]. Where low and high are percentiles of something "
        "wider, the risks are too small. Months hang together: the risks of a service must not be added up.",
        "soft",
    )
    by_service: dict[str, list[Risk]] = {}
    for risk in report.risks:
        by_service.setdefault(risk.service, []).append(risk)
    worst = {name: max(rows, key=lambda row: row.chance) for name, rows in by_service.items()}
    order = sorted(by_service, key=lambda name: (-worst[name].chance, name))
    half = (min(len(order), MOST_STRIPS) + 1) // 2
    strips = [
        (name, _words(worst[name]), {row.month: row.chance for row in by_service[name]})
        for name in order[:MOST_STRIPS]
    ]
    months = sorted({risk.month for risk in report.risks})
    left = len(order) - MOST_STRIPS
    yield Picture(
        "Risk of shortfall by service and month, highest first",
        tuple(draw_risk(months, part) for part in (strips[:half], strips[half:]) if part),
        by_report(report),
        note=f"{text.count(left, 'more service')}: see the table." if left > 0 else "",
        key=tuple((style, words) for _, style, words in STEPS),
    )
    rows = [
        (r.month, r.service, r.chance, r.short_rru)
        for r in sorted(report.risks, key=lambda r: (-r.chance, r.month))
    ]
    yield Grid("risk", "Highest risks", _COLUMNS, rows, by_report(report), most=12)


def _words(risk: Risk) -> str:
    return (
        f"worst {text.percent(round(risk.chance, 3))} % in {risk.month}" if risk.chance > 0.0005 else "none"
    )
