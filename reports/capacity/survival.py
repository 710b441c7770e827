"""Survivability: what every single loss does, the worst ones by name."""

from __future__ import annotations

from collections.abc import Iterator

from reports.capacity.blocks import Block, Column, Grid, Words
from reports.capacity.made import by_report, studied
from twin.records.capacity_report import CapacityReport, Loss, State

_SUMMARY = (
    Column("state", "state"),
    Column("kind", "losing a"),
    Column("tried", "tried", "number"),
    Column("survived", "survived", "number"),
    Column("overload", "a device too loaded", "number"),
    Column("short", "a service short", "number"),
)
_LOSSES = (
    Column("state", "state"),
    Column("loss", "the loss of"),
    Column("kind", "kind"),
    Column("result", "result", "tag"),
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
        "Each thing is lost alone and the fleet settled without it: a service is short when it answers too few of its requests "
        "or too late by its own targets, a device is too loaded above its continuous limit; only what was not so before the loss "
        f"counts. Demand is that of {report.at:%Y-%m-%d %H:%M} UTC: another hour may be worse (--at).",
        "soft",
    )
    for state in states:
        if state.short_now or state.over_now:
            names = ", ".join((*state.short_now, *state.over_now)[:8])
            yield Words(f"{state.name}: short or too loaded without any loss: {names}.", "warn")
    if report.losses_left_out:
        kinds = ", ".join(report.losses_left_out)
        yield Words(f"Too many to try, so not known: the loss of single {kinds} (--most-losses).", "warn")
    counted = [row for state in states for row in _counted(state)]
    yield Grid("losses_by_kind", "Single losses by kind", _SUMMARY, counted, by_report(report), most=40)
    rows = [(state, loss) for state in states for loss in state.losses]
    rows.sort(key=lambda pair: _badness(pair[1]))
    yield Grid(
        "losses",
        "The worst single losses",
        _LOSSES,
        [_row(state, loss) for state, loss in rows],
        by_report(report),
        most=15,
    )


def _counted(state: State) -> Iterator[tuple[str | float, ...]]:
    for kind in dict.fromkeys(loss.kind for loss in state.losses):
        of_kind = [loss.result for loss in state.losses if loss.kind == kind]
        yield (
            state.name,
            kind,
            len(of_kind),
            *(of_kind.count(result) for result in ("survived", "overload", "short")),
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


def _row(state: State, loss: Loss) -> tuple[str | float | tuple[str, ...], ...]:
    return (
        state.name, loss.name, loss.kind, loss.result, loss.short, loss.over, loss.racks, loss.servers, loss.unit,
        loss.unit_share, loss.link, loss.link_share,
    )  # fmt: skip
