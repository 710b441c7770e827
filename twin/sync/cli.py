"""The command ``fleetwin import``."""

from __future__ import annotations

import dataclasses
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from twin.model.errors import UsageError, did_you_mean
from twin.model.units import parse_quantity
from twin.sync import IMPORTERS, Importer, find
from twin.sync.account import Imported
from twin.sync.options import Options
from twin.sync.write import refuse_full, write_import

_FLAGS = {"at_s": "--at"}
MAX_SCALE = 1e6


def import_(
    kind: Annotated[
        str, typer.Argument(help="What is read: openb, spot2026, sndlib, topologyzoo or trafficmatrix.")
    ],
    data: Annotated[Path, typer.Argument(help="The folder of the data, or its main file.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The folder that is written.")],
    force: Annotated[bool, typer.Option("--force", help="Replace the fleet that the folder holds.")] = False,
    at: Annotated[
        str | None,
        typer.Option(help="Instant whose pods are placed, e.g. '143 d' (openb). Default: the busiest."),
    ] = None,
    fill: Annotated[
        str | None,
        typer.Option(help="Share of GPUs to fill with further pods (openb) or assumed ones. Default: 60 %."),
    ] = None,
    pods: Annotated[Path | None, typer.Option(help="Another list of pods (openb).")] = None,
    servers_per_rack: Annotated[
        int | None, typer.Option(min=1, help="Most servers in a rack. Default: what height and power allow.")
    ] = None,
    racks_per_row: Annotated[int | None, typer.Option(min=1, help="Racks in a row. Default: 12.")] = None,
    network: Annotated[
        str | None, typer.Option(help="Which network of the folder (sndlib, topologyzoo, trafficmatrix).")
    ] = None,
    demands: Annotated[
        Path | None, typer.Option(help="File of demands (topologyzoo). Default: the one beside the graph.")
    ] = None,
    unit: Annotated[
        str | None,
        typer.Option(help="Unit where the network names none (sndlib, trafficmatrix). Default: Mbit/s."),
    ] = None,
    scale: Annotated[
        float | None, typer.Option(help="Factor on all demands. Default: 1, or less if they do not fit.")
    ] = None,
    carbon_zone: Annotated[str | None, typer.Option(help="Zone of the carbon intensity, e.g. DE-LU.")] = None,
    price_zone: Annotated[str | None, typer.Option(help="Zone of the energy price, e.g. DE-LU.")] = None,
    weather_zone: Annotated[
        str | None, typer.Option(help="Zone of the outdoor temperature, e.g. DE-LU.")
    ] = None,
    grid: Annotated[
        Path | None, typer.Option(help="Folder of carbon, price and weather data. Default: where DATA lies.")
    ] = None,
    start: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="First day (UTC) of fleet and series. Default: 2023-06-05."),
    ] = None,
    days: Annotated[
        int | None, typer.Option(min=1, max=366, help="Days of the series, then they repeat. Default: 28.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the account as JSON.")] = False,
) -> int:
    """Read a fleet from foreign files, and say what was read, inferred, assumed and dropped.

    The output folder holds the fleet as tables, example gates, a suite and plans with the fleet's names,
    and the account. What the files do not hold (racks, power, network) is laid out by a documented rule and
    marked as assumed.

    Examples:
      fleetwin import openb data/alibaba-gpu-v2023 -o openb --carbon-zone DE-LU --price-zone DE-LU
      fleetwin import spot2026 data/alibaba-spot-gpu-nodes-2026 -o spot
      fleetwin import sndlib data/sndlib --network germany50 -o germany50
      fleetwin import topologyzoo data/repetita-topologyzoo --network Abilene -o abilene
      fleetwin import trafficmatrix data/sndlib-measured-tm --network abilene -o abilene-measured
    """
    importer = find(kind)
    if importer is None:
        known = [row.kind for row in IMPORTERS]
        raise UsageError(
            f"no such importer: {kind} ({did_you_mean(kind, known) or 'one of ' + ', '.join(known)})"
        )
    given = {
        "at_s": _time(at),
        "fill": _share(fill),
        "pods": pods,
        "servers_per_rack": servers_per_rack,
        "racks_per_row": racks_per_row,
        "network": network,
        "demands": demands,
        "unit": unit,
        "scale": scale,
        "carbon_zone": carbon_zone,
        "price_zone": price_zone,
        "weather_zone": weather_zone,
        "grid": grid,
        "start": start.replace(tzinfo=UTC) if start else None,
        "days": days,
    }
    options = _options(importer, given)
    refuse_full(output, force=force)
    console = Console(stderr=True)
    with console.status(f"reading {data}"):
        imported: Imported = importer.read(data, options)
    with console.status(f"writing {output}"):
        write_import(imported, output, force=force)
    _show(imported, output, as_json=as_json)
    return 0


def _options(importer: Importer, given: dict[str, Any]) -> Options:
    """Return the options that were given; refuse those that this importer would ignore."""
    chosen = {name: value for name, value in given.items() if value is not None}
    ignored = [
        _FLAGS.get(name, f"--{name.replace('_', '-')}") for name in chosen if name not in importer.options
    ]
    if ignored:
        raise UsageError(f"{', '.join(ignored)} means nothing to the importer {importer.kind}")
    if not 0 < chosen.get("scale", 1.0) <= MAX_SCALE:
        raise UsageError(f"--scale: {chosen['scale']:g} is not a factor above 0")
    return dataclasses.replace(Options(), **chosen)


def _time(text: str | None) -> float | None:
    if text is None:
        return None
    try:
        return float(text) if text.strip().replace(".", "", 1).isdigit() else parse_quantity(text, "duration")
    except ValueError as error:
        raise UsageError(f"--at: {error}") from None


def _share(text: str | None) -> float | None:
    if text is None:
        return None
    try:
        share = parse_quantity(text, "ratio")
    except ValueError as error:
        raise UsageError(f"--fill: {error}") from None
    if not 0 <= share <= 1:
        raise UsageError(f"--fill: {text!r} is not between 0 % and 100 %")
    return share


def _show(imported: Imported, folder: Path, *, as_json: bool) -> None:
    console = Console()
    if as_json:
        entries = [dataclasses.asdict(entry) for entry in imported.account.entries]
        print(
            json.dumps(
                {"source": imported.account.source, "folder": str(folder), "account": entries}, indent=1
            )
        )
        return
    table = Table(
        title=f"Import of {imported.account.source}", title_justify="left", box=None, pad_edge=False
    )
    table.add_column("")
    table.add_column("count", justify="right")
    table.add_column("what")
    table.add_column("why, how", style="dim")
    last = ""
    for entry in sorted(imported.account.entries, key=lambda entry: list(_ORDER).index(entry.verb)):
        table.add_row(entry.verb if entry.verb != last else "", entry.number, entry.what, entry.why)
        last = entry.verb
    console.print(table)
    console.print(
        f"\nwrote {folder}: "
        + ", ".join(
            [
                "fleet.yaml and tables",
                *(f"gates/{row.name}.yaml" for row in imported.gates),
                *(f"suites/{row.name}.yaml" for row in imported.suites),
                *(f"plans/{row.name}.yaml" for row in imported.plans),
                "account.md",
            ]
        ),
        soft_wrap=True,
    )


_ORDER = ("read", "inferred", "assumed", "dropped")
