"""Survivability: what every single loss does, the worst ones by name."""

from __future__ import annotations

from collections.abc import Iterator

from reports.capacity.blocks import Block, Column, Grid, Words
from reports.capacity.made import by_report, plan_first, studied
from twin.records.capacity_report import CapacityReport, Loss, State

_LOSSES = (
    Column("state", "state"),
    Column("loss", "the loss of"),
    Column("kind", "kind"),
    Column("result", "result", "tag"),
    Column("today", "today", "tag"),
    Column("short", "services short"),
    Column("over", "above their limit"),
    Column("racks", "racks down", "number"),
    Column("servers", "servers down", "number"),
    Column("unit", "most loaded unit"),
    Column("unit_share", "its load", "share"),
    Column("link", "most loaded link"),
    Column("link_share", "its load", "share"),
)
_BAD = {"short": 0, "overload": 1, "survived": 2}


def blocks(report: CapacityReport) -> Iterator[Block]:
    """Count the losses by kind, then name the worst ones."""
    states = studied(report)
    yield Words(
        "Each thing is lost alone and the fleet settled without it. A service is short when it answers too few of its requests "
        "or too late by its own targets, or is asked for more than its servers can do; a device is too loaded above its "
        "continuous limit. Only what was not so before the loss counts. Demand is that of "
        f"{report.at:%Y-%m-%d %H:%M} UTC, not what the solver planned for: another hour or month may be worse (--at, with the "
        "growth that the fleet declares).",
        "soft",
    )
    for state in states:
        if state.short_now or state.over_now:
            names = ", ".join((*state.short_now, *state.over_now)[:8])
            yield Words(f"{state.name}: short or too loaded without any loss: {names}.", "warn")
    if report.losses_left_out:
        kinds = ", ".join(report.losses_left_out)
        yield Words(f"Too many to try, so not known: the loss of single {kinds} (--most-losses).", "warn")
    yield _by_kind(report, states)
    before = {loss.name: loss.result for loss in report.states[0].losses}
    rows = [
        _row(state, loss, before.get(loss.name, ""))
        for state in plan_first(report)
        for loss in sorted(state.losses, key=_badness)
    ]
    yield Grid(
        "losses", "The worst single losses, first after the plan", _LOSSES, rows, by_report(report), most=15
    )


def _by_kind(report: CapacityReport, states: list[State]) -> Grid:
    """Count the losses of each kind, and those that each state does not survive."""
    columns = [Column("kind", "losing a"), Column("tried", "tried", "number")]
    for state in states:
        columns += [
            Column(f"{state.name} overload", f"{state.name}: a device too loaded", "number"),
            Column(f"{state.name} short", f"{state.name}: a service short", "number"),
        ]
    rows: list[tuple[str | int, ...]] = []
    for kind in dict.fromkeys(loss.kind for state in states for loss in state.losses):
        results = [[loss.result for loss in state.losses if loss.kind == kind] for state in states]
        counts = [found.count(result) for found in results for result in ("overload", "short")]
        rows.append((kind, max(map(len, results)), *counts))
    return Grid(
        "losses_by_kind",
        "Single losses that are not survived",
        tuple(columns),
        rows,
        by_report(report),
        most=40,
    )


def _badness(loss: Loss) -> tuple[float, ...]:
    """Order losses: services short, devices too loaded, then by the servers that go down and the load that is left."""
    return (
        _BAD[loss.result],
        -len(loss.short),
        -len(loss.over),
        -loss.servers,
        -max(loss.unit_share, loss.link_share),
    )


def _row(state: State, loss: Loss, today: str) -> tuple[str | float | tuple[str, ...], ...]:
    return (
        state.name, loss.name, loss.kind, loss.result, today, loss.short, loss.over, loss.racks, loss.servers, loss.unit,
        loss.unit_share, loss.link, loss.link_share,
    )  # fmt: skip
