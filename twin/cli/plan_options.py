"""The options that all planners' commands have, and the command line that makes a plan again."""

from __future__ import annotations

import math
import shlex
from pathlib import Path
from typing import Annotated

import typer

from twin.model.errors import UsageError
from twin.model.units import parse_quantity

FleetPath = Annotated[Path, typer.Argument(help="The fleet: a file, or a folder of tables.")]
Output = Annotated[Path | None, typer.Option("-o", "--output", help="Write the plan to this file.")]
Start = Annotated[
    str | None,
    typer.Option(metavar="TIME", help="When the plan may begin. [default: after the fleet's time]"),
]
TimeLimit = Annotated[str, typer.Option(metavar="TIME", help="Stop then, with the best so far.")]
Explain = Annotated[
    bool, typer.Option("--explain", help="Say what binds, what is short and why, what else there was.")
]
Force = Annotated[bool, typer.Option("--force", help="Overwrite a plan that is there.")]


def read_number(text: str, dimension: str, option: str) -> float:
    """Read an option with a unit."""
    try:
        return parse_quantity(text, dimension)
    except ValueError as error:
        raise UsageError(f"{option}: {error}") from None


def read_option(text: str, dimension: str, option: str, *, most: float = math.inf) -> float:
    """Read an option with a unit; refuse what is not above zero, or above `most`."""
    value = read_number(text, dimension, option)
    if not 0 < value <= most:
        raise UsageError(
            f"{option} {text}: give more than nothing" + (f", at most {most:g}" if most < math.inf else "")
        )
    return value


def command_line(planner: str, fleet: Path, **options: object) -> str:
    """Return the command that makes a plan again: a flag is given or refused (`--no-`), a list repeated, None left out."""
    words = ["fleetwin", "plan", planner, str(fleet)]
    for name, value in options.items():
        option = name.replace("_", "-")
        if isinstance(value, bool):
            words.append(f"--{option}" if value else f"--no-{option}")
        elif value is not None:
            each = value if isinstance(value, list) else [value]
            words += [word for one in each for word in (f"--{option}", str(one))]
    return shlex.join(words)
