"""Headroom, stranded power and fragmentation of every power domain, and the tightest units and links."""

from __future__ import annotations

from collections.abc import Iterator

from reports.capacity.bars_svg import Bar, Part, draw_parts, draw_shares
from reports.capacity.blocks import Block, Column, Grid, Picture, Words
from reports.capacity.made import by_report, by_twin, plan_first, studied
from twin.records import text
from twin.records.capacity_report import CapacityReport, PowerDomain, State

MOST_BARS = 12
_DOMAINS = (
    Column("state", "state"),
    Column("domain", "power domain"),
    Column("kind", "kind"),
    Column("site", "site"),
    Column("budget_kva", "budget [kVA]", "number"),
    Column("load_kva", "load [kVA]", "number"),
    Column("headroom_kva", "headroom [kVA]", "number"),
    Column("usable_kva", "usable [kVA]", "number"),
    Column("stranded_kva", "stranded [kVA]", "number"),
    Column("fragmentation", "fragmented", "share"),
    Column("because", "stranded by"),
)
_TIGHT = (
    Column("state", "state"),
    Column("name", "unit or link"),
    Column("kind", "kind"),
    Column("site", "site"),
    Column("limit", "limit"),
    Column("load", "load"),
    Column("share", "used", "share"),
    Column("worst_share", "after a loss", "share"),
    Column("loss", "the loss of"),
)


def blocks(report: CapacityReport) -> Iterator[Block]:
    """Show the room that is left in each state."""
    states = studied(report)
    yield Words(
        f"Loads are settled at {report.at:%Y-%m-%d %H:%M} UTC, at the demand of that instant. Headroom is budget − load; usable "
        "is what more servers can draw within every limit before and after any single loss; the rest is stranded. Each domain "
        "stands alone: what is usable in two of them does not add up.",
        "soft",
    )
    for state in states:
        if state.domains:
            yield _picture(report, state)
    rows = [_row(state, domain) for state in plan_first(report) for domain in state.domains]
    if rows:
        command = by_twin(report, states[0], "stranded") if len(states) == 1 else by_report(report)
        yield Grid("domains", "Power domains, most stranded first", _DOMAINS, rows, command, most=8)
    yield from _tight(report, states)


def _picture(report: CapacityReport, state: State) -> Picture:
    bars = [
        Bar(
            f"{domain.name} ({domain.kind})",
            (
                Part("load", "part-load", domain.load_va / 1e3),
                Part("usable", "part-used", domain.usable_va / 1e3),
                Part("stranded", "part-lost", domain.stranded_va / 1e3),
            ),
            f"of {text.figure(round(domain.budget_va / 1e3))} kVA",
        )
        for domain in state.domains[:MOST_BARS]
    ]
    half = (len(bars) + 1) // 2
    parts = [bars[:half], bars[half:]] if half else []
    return Picture(
        f"Most stranded power domains, {state.name} [kVA]",
        tuple(draw_parts(f"Stranded power, {state.name}", "kVA", part) for part in parts if part),
        by_twin(report, state, "stranded"),
        note=f"The {len(bars)} most stranded of {text.count(len(state.domains), 'power domain')}.",
        key=(
            ("part-load", "load"),
            ("part-used", "headroom that servers can use"),
            ("part-lost", "stranded headroom"),
        ),
    )


def _row(state: State, domain: PowerDomain) -> tuple[str | float | None, ...]:
    because = "; ".join(f"{why} {text.figure(round(va / 1e3, 1))} kVA" for why, va in domain.reasons[:3])
    return (
        state.name, domain.name, domain.kind, domain.site, domain.budget_va / 1e3, domain.load_va / 1e3, domain.headroom_va / 1e3,
        domain.usable_va / 1e3, domain.stranded_va / 1e3, domain.fragmentation, because,
    )  # fmt: skip


def _tight(report: CapacityReport, states: list[State]) -> Iterator[Block]:
    for state in states:
        bars = [
            Bar(
                f"{row.name} ({row.kind})",
                (
                    Part("now", "part-load", row.load / row.limit),
                    Part("after a loss", "part-lost", row.worst_share),
                ),
                f"{100 * row.worst_share:.0f} % without {row.loss}"
                if row.loss
                else f"{100 * row.worst_share:.0f} %",
            )
            for row in state.tight[:MOST_BARS]
            if row.limit > 0
        ]
        if bars:
            half = (len(bars) + 1) // 2
            yield Picture(
                f"Tightest units and links, {state.name}",
                tuple(
                    draw_shares(f"Tightest units and links, {state.name}", part)
                    for part in (bars[:half], bars[half:])
                    if part
                ),
                by_report(report),
                note=f"The {len(bars)} tightest of {state.units:,} units and links.",
                key=(("part-load", "share of the limit now"), ("part-lost", "after the worst single loss")),
            )
    rows = [
        (state.name, row.name, row.kind, row.site, _size(row.limit, row.unit), _size(row.load, row.unit), row.load / row.limit,
         row.worst_share, row.loss)
        for state in plan_first(report) for row in state.tight if row.limit > 0
    ]  # fmt: skip
    if rows:
        yield Grid(
            "headroom",
            "Headroom of units and links, tightest first",
            _TIGHT,
            rows,
            by_report(report),
            most=10,
        )


def _size(value: float, unit: str) -> str:
    return (
        f"{text.figure(round(value / 1e3, 1))} kVA"
        if unit == "VA"
        else f"{text.figure(round(value / 1e9, 1))} Gbit/s"
    )
