"""`fleetwin new`: write a generated fleet of any size."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console

from scenarios.generate import LARGEST, SMALLEST, generate
from twin.cli.inputs import progress_bar
from twin.files.fleet import write_fleet
from twin.model.errors import UsageError


def new(
    folder: Annotated[Path, typer.Argument(help="Where to write the fleet; must not exist or be empty.")],
    servers: Annotated[int, typer.Option(min=SMALLEST, max=LARGEST, help="How many servers.")] = 10_000,
    seed: Annotated[int, typer.Option(min=0, help="Another seed, another fleet of the same size.")] = 1,
    tables: Annotated[Literal["csv", "parquet"], typer.Option(help="The format of the tables.")] = "csv",
) -> int:
    """Write a new fleet of any size, up to a million servers, as a folder of tables.

    The fleet is made by rule: sites with their power chain, cooling and network, services that call each other, and
    demand that its servers can carry. The same size and seed give the same fleet.

    Examples:
      fleetwin new estate --servers 2000
      fleetwin new large --servers 1000000 --seed 7 --tables parquet
      fleetwin simulate estate --days 1
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{folder} is there already and not empty: name another folder or remove it first")
    screen = Console(stderr=True)
    with progress_bar(screen, "new fleet") as progress:
        fleet = generate(servers, seed=seed, progress=progress)
        progress(1, 1, f"writing {folder}")
        write_fleet(fleet, folder, tables=tables)
    counts = f"{servers:,} servers in {len(fleet.racks):,} racks at {len(fleet.sites)} sites, {len(fleet.services)} services"
    typer.echo(f"wrote {folder}: {counts}")
    return 0
