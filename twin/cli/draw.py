"""`fleetwin draw`: pictures of a fleet."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from reports.draw.network import draw_network
from reports.draw.paint import Paint, by_blast, by_load, plain
from reports.draw.picture import check_path, render
from reports.draw.power import draw_power
from reports.draw.service import draw_service
from twin.files.atomic import write_atomic
from twin.files.fleet import read_fleet
from twin.graph.analysis_blast import blast_radius
from twin.model.errors import UsageError
from twin.model.fleet import Fleet
from twin.records.snapshot import Snapshot
from twin.sim.snapshot import Snapshots


class Subject(StrEnum):
    """What can be drawn."""

    power = "power"
    network = "network"
    service = "service"


class Colour(StrEnum):
    """What the colours mean."""

    load = "load"
    blast = "blast"
    none = "none"


def draw(
    fleet: Annotated[Path, typer.Argument(help="The fleet: a file, or a folder of tables.")],
    what: Annotated[Subject, typer.Argument(help="The power chain, the network, or the services.")],
    name: Annotated[
        str | None, typer.Argument(help="A site, a power unit or a service (default: all of them).")
    ] = None,
    output: Annotated[Path, typer.Option("-o", "--output", help="Where to: a file in .svg or .png.")] = Path(
        "fleet.svg"
    ),
    color: Annotated[
        Colour, typer.Option(help="By load, by the blast radius of --of, or not at all.")
    ] = Colour.load,
    of: Annotated[
        str | None, typer.Option(help="What is lost, for --color blast: a thing, site or region.")
    ] = None,
) -> int:
    """Draw the power chain, the network or the services of a fleet.

    power: from the utility to the racks, of all sites, of one site, or of all above and below one unit.
    network: the backbone, or the fabric of the site NAME. service: who calls whom, and where NAME stands.
    In large fleets what is alike shares a box; its colour is that of the worst.

    Examples:
      fleetwin draw demo/fleet.yaml power -o power.svg
      fleetwin draw demo/fleet.yaml power --color blast --of ams1 -o lost.png
      fleetwin draw demo/fleet.yaml network ams1 -o fabric.svg
      fleetwin draw demo/fleet.yaml service web -o web.svg
    """
    check_path(output)
    if (color is Colour.blast) != (of is not None):
        raise UsageError("--color blast and --of NAME belong together: say what is lost")
    the_fleet = read_fleet(fleet)
    # A service's rates are worth showing whatever the colours mean.
    needs_snapshot = color is Colour.load or (what is Subject.service and color is Colour.none)
    snapshot = Snapshots(the_fleet).of() if needs_snapshot else None
    paint = _paint(the_fleet, color, of, snapshot)
    if what is Subject.power:
        figure = draw_power(the_fleet, paint, name=name)
    elif what is Subject.network:
        figure = draw_network(the_fleet, paint, name=name)
    else:
        figure = draw_service(the_fleet, paint, name=name, snapshot=snapshot)
    write_atomic(output, render(figure, output))
    typer.echo(f"{output}: {what.value} of {name or the_fleet.name}")
    return 0


def _paint(fleet: Fleet, color: Colour, of: str | None, snapshot: Snapshot | None) -> Paint:
    if color is Colour.blast and of is not None:
        return by_blast(fleet, blast_radius(fleet, of), of=of)
    if color is Colour.load and snapshot is not None:
        return by_load(fleet, snapshot)
    return plain()
