"""`fleetwin new-plan`: a starter plan with real names, to be edited."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from twin.actions import ACTIONS, find
from twin.actions.base import Action, Objection
from twin.actions.schedule import resolve
from twin.files.atomic import write_atomic
from twin.files.fleet import read_fleet
from twin.files.yaml import dump
from twin.model.errors import UsageError
from twin.model.fleet import Fleet
from twin.model.names import compress
from twin.model.plan import Plan

_SAY_MORE = """\
# What the plan shall reach, what shall stop it, and what its author expects:
# success:       [{metric: error_rate, limit: "<= +5 % of reference, floor 0.01 %"}]
# rollback_when: [{metric: error_rate, limit: "> +5 % of control, floor 0.01 %", for: 2 min}]
# claims:        [{metric: peak_kw, limit: "<= +1 % of reference, floor 1 kW"}]
"""
_STEPS_SAY = """\
# A step may also say what can go wrong with it (may_fail: 1 %, may_stall: 1 %, may_half_apply: 1 %), and how
# much its duration varies (takes: 20 min ± 5 min).
steps:"""


def new_plan(
    fleet: Annotated[Path | None, typer.Argument(help="The fleet: a file, or a folder of tables.")] = None,
    action: Annotated[str | None, typer.Argument(help="What the plan shall do, e.g. rack.drain.")] = None,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Write to this file.")] = None,
    list_: Annotated[bool, typer.Option("--list", help="List the actions and their parameters.")] = False,
) -> int:
    """Write a commented starter plan for one action, with real names from the fleet.

    The plan passes the static checks as it is; edit it, then let `fleetwin check` judge it.

    Examples:
      fleetwin new-plan --list
      fleetwin new-plan demo/fleet.yaml rack.drain -o plan.yaml
      fleetwin check plan.yaml --fleet demo/fleet.yaml
    """
    if list_:
        _list_actions()
        return 0
    if fleet is None or action is None:
        raise UsageError("name a fleet and an action (fleetwin new-plan --list shows the actions)")
    found = find(action if "@" in action else _newest(action))
    if isinstance(found, Objection):
        raise UsageError(f"{found.what} ({found.mend})")
    if output is not None and output.exists():
        raise UsageError(f"{output} exists already: choose another name or remove it first")
    text = starter(read_fleet(fleet), found, str(fleet), str(output or "plan.yaml"))
    if output is None:
        typer.echo(text, nl=False)
    else:
        write_atomic(output, text)
        typer.echo(f"wrote {output}: edit it, then fleetwin check {output} --fleet {fleet}")
    return 0


def starter(fleet: Fleet, action: Action[Any], fleet_path: str, path: str) -> str:
    """Return the text of a plan that takes the example steps of an action on this fleet."""
    head = {"plan": action.name.replace(".", "-"), "schema": 1}
    steps = action.example(fleet)
    start = _next_night(fleet.as_of or datetime.now(UTC))
    window = {"not_before": start, "not_after": start + timedelta(days=365)}
    draft = {**head, "window": window, "scope": {"touch": [fleet.name]}, "steps": steps}
    schedule = resolve(Plan.model_validate(draft, context={"document": True}), fleet)
    hours = max(1, math.ceil(schedule.timeline().end_s * 1.5 / 3600))
    lines = [
        f"# {action.text[0].upper()}{action.text[1:]}. Judge this plan with:",
        f"#   fleetwin check {path} --fleet {fleet_path}",
        *dump(head).splitlines(),
        "description: say what this is for",
        "# fleet: sha256:...   the digest of the fleet that it was written for; needed to promote it",
        f"window: {{not_before: {_time(start)}, not_after: {_time(start + timedelta(hours=hours))}}}",
        *_scope(schedule.touched),
        _STEPS_SAY,
        *(f"  {line}" for step in steps for line in _step(step)),
    ]
    return "\n".join(lines) + "\n" + _SAY_MORE


def _scope(touched: tuple[str, ...]) -> Iterator[str]:
    """Yield the scope: exactly what the steps touch, without the kinds of racks."""
    racks = [name.removeprefix("rack:") for name in touched if name.startswith("rack:")]
    others = [name for name in touched if not name.startswith("rack:")]
    yield "scope:"
    yield from (f"  {line}" for line in dump({"touch": [*compress(racks), *others]}).splitlines())
    if racks:
        yield f"  max_racks: {len(racks)}"


def _step(step: dict[str, Any]) -> Iterator[str]:
    """Yield the lines of a step, each parameter with its meaning; those not given are comments."""
    action = find(step["do"])
    if isinstance(action, Objection):
        raise ValueError(step["do"])
    params, _ = action.read(step["params"])
    yield f"- id: {step['id']}"
    yield f"  do: {step['do']}"
    yield from (f"  {_pair(key, step[key])}" for key in ("after", "wait") if key in step)
    yield "  params:"
    for name, field in action.params.model_fields.items():
        key = field.alias or name
        if key in step["params"]:
            yield f"    {_pair(key, step['params'][key])}  # {field.description}"
        elif not field.is_required():
            yield f"    # {key}: {field.description}"
    if action.lasting not in step["params"]:
        yield f"  takes: {action.duration(params)}  # what is assumed when nothing is said"


def _pair(key: str, value: Any) -> str:
    return dump({key: value}).strip()


def _newest(name: str) -> str:
    versions = [action.version for action in ACTIONS if action.name == name]
    return f"{name}@{max(versions, default=1)}"


def _next_night(now: datetime) -> datetime:
    """Return one o'clock in the next night, UTC."""
    day = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return day + timedelta(days=1, hours=1)


def _time(time: datetime) -> str:
    return f'"{time:%Y-%m-%dT%H:%MZ}"'


def _list_actions() -> None:
    table = Table(
        "action", "what it does", "parameters (* needed)", box=None, pad_edge=False, header_style="bold"
    )
    for action in ACTIONS:
        params = [
            (info.alias or name) + ("*" if info.is_required() else "")
            for name, info in action.params.model_fields.items()
        ]
        table.add_row(action.reference, action.text, ", ".join(params))
    Console(soft_wrap=False, highlight=False).print(table)
