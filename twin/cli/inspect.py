"""`fleetwin inspect`: ask a fleet what hangs on what, how much room is left, and what a loss would do."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from twin.cli import inspect_tables as tables
from twin.cli.inputs import progress_bar
from twin.files.fleet import read_fleet
from twin.graph.analysis_blast import blast_radius, worst_losses
from twin.graph.analysis_evict import what_would_be_evicted
from twin.graph.analysis_fit import how_many_fit
from twin.graph.analysis_single import all_single_points, common_causes, single_cuts, single_points_of_failure
from twin.graph.sweep import Sweep, sweep_of
from twin.model.errors import UsageError, did_you_mean
from twin.model.fleet import Fleet
from twin.model.names import expand_all
from twin.records.headroom import Headroom

Answer = tuple[str, Any, Callable[[Console], None]]  # topic, record, how to show it


def inspect(
    fleet: Annotated[Path, typer.Argument(help="The fleet: a file, or a folder of tables.")],
    blast: Annotated[
        list[str] | None, typer.Option("--blast-radius", metavar="NAME", help="What goes down if NAME does?")
    ] = None,
    single_points: Annotated[
        str | None, typer.Option(metavar="SERVICE", help="Whose loss alone takes SERVICE down?")
    ] = None,
    common: Annotated[
        bool, typer.Option("--common-causes", help="Which redundant feeds, uplinks, copies meet upstream?")
    ] = False,
    headroom: Annotated[bool, typer.Option("--headroom", help="How loaded are units and links?")] = False,
    after_loss: Annotated[bool, typer.Option(help="With --headroom: also after every single loss.")] = True,
    kind: Annotated[
        str | None, typer.Option(help="With --headroom: only this kind of unit (panel, ups, …), or link.")
    ] = None,
    fit: Annotated[
        str | None, typer.Option(metavar="TYPE", help="How many more servers of TYPE fit?")
    ] = None,
    lose: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="What would be evicted if NAME is lost?")
    ] = None,
    stranded: Annotated[
        bool, typer.Option("--stranded", help="Which power budget can no more servers use, and why?")
    ] = False,
    site: Annotated[str | None, typer.Option(help="With --stranded: only this site.")] = None,
    coordination: Annotated[
        bool, typer.Option("--coordination", help="Which breakers may open before the ones below them?")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for machines.")] = False,
) -> int:
    """Ask a fleet what hangs on what, how much room is left, and what a loss would do.

    Without an option it gives an overview. Options may be combined; --blast-radius and --lose may be repeated
    for things that are lost together. NAME is a thing of the fleet (also ams1-a[01-06]), a site, a region, or
    srlg:NAME for all links that share a risk.

    Examples:
      fleetwin inspect demo/fleet.yaml
      fleetwin inspect demo/fleet.yaml --blast-radius ams1-ups-1a
      fleetwin inspect demo/fleet.yaml --single-points web --common-causes
      fleetwin inspect demo/fleet.yaml --headroom --kind panel
      fleetwin inspect demo/fleet.yaml --fit compute --lose fra1
      fleetwin inspect demo/fleet.yaml --stranded --site ams1
      fleetwin inspect demo/fleet.yaml --coordination
    """
    if kind is not None and not headroom:
        raise UsageError("--kind chooses what --headroom shows; give both")
    if site is not None and not stranded:
        raise UsageError("--site chooses what --stranded shows; give both")
    the_fleet = read_fleet(fleet)
    sweep = sweep_of(the_fleet)
    asked = list(_asked(the_fleet, sweep, blast, lose))
    if single_points:
        points = single_points_of_failure(the_fleet, single_points, sweep=sweep)
        asked.append(("single_points", points, lambda console: tables.single_points([points], console)))
    if common:
        asked.append(_common_causes(the_fleet, sweep))
    if headroom:
        asked.append(_headroom(the_fleet, kind, after_loss=after_loss))
    if fit:
        asked.append(_fit(the_fleet, fit))
    if stranded:
        asked.append(_stranded(the_fleet, site))
    if coordination:
        asked.append(_coordination(the_fleet))
    _show(asked or _overview(the_fleet, sweep), as_json=as_json)
    return 0


def _asked(fleet: Fleet, sweep: Sweep, blast: list[str] | None, lose: list[str] | None) -> Iterator[Answer]:
    """Answer the questions about losses."""
    if blast:
        radius = blast_radius(fleet, *expand_all(blast), sweep=sweep)
        yield "blast_radius", radius, lambda console: tables.blast(radius, " + ".join(blast), console)
    if lose:
        evictions = what_would_be_evicted(fleet, *expand_all(lose), sweep=sweep)
        yield "evictions", evictions, lambda console: tables.evictions(evictions, " + ".join(lose), console)


def _common_causes(fleet: Fleet, sweep: Sweep) -> Answer:
    causes = common_causes(fleet, sweep=sweep)
    return "common_causes", causes, lambda console: tables.causes(causes, console)


def _headroom(fleet: Fleet, kind: str | None, *, after_loss: bool) -> Answer:
    rows = _of_kind(fleet, kind, _settled(fleet, _losses(fleet, kind) if after_loss else []))
    return "headroom", rows, lambda console: tables.headroom(rows, console, after_loss=after_loss)


def _fit(fleet: Fleet, type_name: str) -> Answer:
    from twin.sim.snapshot import snapshot

    nameplate = how_many_fit(fleet, type_name)
    now = snapshot(fleet)
    real = how_many_fit(fleet, type_name, rack_w=dict(zip(now.racks, now.rack_w.tolist(), strict=True)))
    record = {"nameplate": nameplate, "as_loaded": real, "at": now.at.isoformat()}
    return "fit", record, lambda console: tables.fit(nameplate, real, now.at, console)


def _stranded(fleet: Fleet, site: str | None) -> Answer:
    from twin.graph.analysis_stranded import stranded_power
    from twin.sim.snapshot import snapshot

    now = snapshot(fleet)
    swing_va = (now.peak_va - now.load_va).clip(0.0).tolist()
    found = stranded_power(
        fleet,
        site=site,
        rack_w=dict(zip(now.racks, now.rack_w.tolist(), strict=True)),
        swing_va=dict(zip(now.units, swing_va, strict=True)),
    )
    record = {"domains": found.domains, "at": now.at.isoformat(), "assumed": found.assumed}
    return "stranded", record, lambda console: tables.stranded(found, now.at, console)


def _coordination(fleet: Fleet) -> Answer:
    from twin.sim.coordination import overlaps

    found = overlaps(fleet)
    return "coordination", found, lambda console: tables.coordination(found, console)


def _overview(fleet: Fleet, sweep: Sweep) -> list[Answer]:
    cuts = single_cuts(fleet, sweep)
    units = [unit.name for unit in fleet.power_units]
    first = min((service.tier for service in fleet.services), default=0)
    points = [row for row in all_single_points(fleet, sweep=sweep, cuts=cuts) if row.tier == first]
    losses = worst_losses(fleet, units, most=5, sweep=sweep)
    causes = common_causes(fleet, sweep=sweep, cuts=cuts)
    rows = _settled(fleet, [])
    counts = {kind: len(rows) for kind, rows in fleet.tables() if rows}
    counts["servers"] = sum(group.count for group in fleet.server_groups)
    return [
        ("counts", counts, lambda console: tables.counts(fleet.name, counts, console)),
        ("headroom", rows, lambda console: tables.headroom(rows, console, after_loss=False, most=5)),
        ("worst_losses", losses, lambda console: tables.losses(losses, console)),
        ("single_points", points, lambda console: tables.single_points(points, console)),
        ("common_causes", causes, lambda console: tables.causes(causes, console, most=5)),
    ]


def _settled(fleet: Fleet, losses: list[str]) -> tuple[Headroom, ...]:
    """Settle the fleet as it is and after each loss."""
    from twin.evaluate.headroom import headroom_after

    with progress_bar(Console(stderr=True), "settling") as progress:
        return headroom_after(fleet, losses, progress=progress)


def _losses(fleet: Fleet, kind: str | None) -> list[str]:
    """Return the losses that can raise the load of some kind: power units and plants, switches and links."""
    power = () if kind == "link" else ("power_units", "cooling_plants")
    network = ("switches", "links") if kind in (None, "link") else ()
    return [row.name for table in (*power, *network) for row in fleet.rows(table)]


def _of_kind(fleet: Fleet, kind: str | None, rows: tuple[Headroom, ...]) -> tuple[Headroom, ...]:
    known = sorted({row.kind for row in rows})
    if kind is not None and kind not in known:
        hint = did_you_mean(kind, known) or f"one of: {', '.join(known)}"
        raise UsageError(f"the fleet {fleet.name} has no kind of unit or link called '{kind}' ({hint})")
    return tuple(row for row in rows if kind in (None, row.kind))


def _show(answers: list[Answer], *, as_json: bool) -> None:
    if as_json:
        found = {topic: _plain(record) for topic, record, _ in answers}
        typer.echo(json.dumps(found, indent=1, ensure_ascii=False))
        return
    console = Console(highlight=False)
    for number, (_, _, show) in enumerate(answers):
        if number:
            console.print()
        show(console)


def _plain(record: Any) -> Any:
    """Return a record as plain values, with what it derives from them."""
    if dataclasses.is_dataclass(record):
        names = [field.name for field in dataclasses.fields(record)]
        names += [name for name, value in vars(type(record)).items() if isinstance(value, property)]
        return {name: _plain(getattr(record, name)) for name in names}
    if isinstance(record, dict):
        return {key: _plain(value) for key, value in record.items()}
    if isinstance(record, tuple | list):
        return [_plain(value) for value in record]
    return record
