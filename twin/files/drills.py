"""Drills in, and the cases they stand for: the drill itself, its variants, the cells of its sweep."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from twin.files.documents import validated
from twin.files.fleet import fleet_of
from twin.files.kinds import KINDS
from twin.files.problems import read_bytes
from twin.files.yaml import Document, Mark, parse
from twin.model.drill import Drill, Injected
from twin.model.errors import DrillError, FleetError, Problem, did_you_mean
from twin.model.fleet import Fleet

_INJECTED = TypeAdapter(tuple[Injected, ...])
_STRICT: dict[str, Any] = {"strict": True, "by_alias": True, "by_name": False, "context": {"document": True}}
_ID_KEYS = ("name", "id")


@dataclass(frozen=True)
class Case:
    """One fleet and what is injected into it. `variant` and `cell` (row, column of the sweep) say which case it is."""

    fleet: Fleet
    injected: tuple[Injected, ...]
    variant: int | None = None
    cell: tuple[int, int] | None = None


def read_drill(path: str | Path) -> Drill:
    """Read a drill and try every case of it; raise DrillError with every problem."""
    document = parse(read_bytes(path, DrillError), str(path), DrillError)
    drill = validated(document, KINDS["drill"])
    assert isinstance(drill, Drill)
    problems: list[Problem] = []
    for place, settings in _cases(drill):
        try:
            _case(drill, settings, document, place)
        except (DrillError, FleetError) as error:
            problems += error.problems
            if not place:
                break
    if problems:
        raise DrillError(problems)
    return drill


def cases(drill: Drill) -> Iterator[Case]:
    """Yield the drill itself, then each variant, then each cell of the sweep."""
    for place, settings in _cases(drill):
        yield _case(drill, settings, None, place)


def _cases(drill: Drill) -> Iterator[tuple[tuple[Any, ...], Mapping[str, Any]]]:
    """Yield (place in the document, what is set there) of each case."""
    yield (), {}
    for index, variant in enumerate(drill.not_):
        yield ("not", index), variant.set
    if drill.sweep is None:
        return
    across, down = drill.sweep.across, drill.sweep.down
    for row, other in enumerate(down.values if down else (None,)):
        for column, value in enumerate(across.values):
            both = {across.path: value, **({down.path: other} if down else {})}
            yield ("sweep", row, column), both


def _case(
    drill: Drill, settings: Mapping[str, Any], document: Document | None, place: tuple[Any, ...]
) -> Case:
    path = document.path if document else drill.name
    line = document.line([*place[:2]]) if document else 1
    where = f"{path}:{line}" + (f" {place[0]}" if place else "")
    raw = {"fleet": copy.deepcopy(drill.fleet), "injected": _injected(drill)}
    for key, value in settings.items():
        _patch(raw, key, value, where)
    mark = document.mark.children.get("fleet") if document and not place else None
    fleet = fleet_of(Document(raw["fleet"], mark or Mark(line), path))
    try:
        injected = _INJECTED.validate_json(json.dumps(raw["injected"]), **_STRICT)
    except ValidationError as error:
        detail = error.errors(include_url=False)[0]
        raise DrillError([Problem(where, f"injected: {detail['msg']}", "")]) from None
    _check_targets(fleet, injected, where)
    variant, cell = (place[1], None) if place[:1] == ("not",) else (None, place[1:] or None)
    return Case(fleet, injected, variant, cell)


def _injected(drill: Drill) -> list[dict[str, Any]]:
    return [
        row.model_dump(mode="json", by_alias=True, exclude_unset=True, context={"document": True})
        for row in drill.injected
    ]


def _patch(raw: dict[str, Any], path: str, value: Any, where: str) -> None:
    """Set the value at a path (in place); null takes away what is there."""
    *steps, last = path.split("/")
    inside: Any = raw
    for step in steps:
        inside = inside[_key(inside, step, path, where)]
    if isinstance(inside, dict) and steps and value is not None:
        inside[last] = value
        return
    key = _key(inside, last, path, where)
    if value is None:
        del inside[key]
    else:
        inside[key] = value


def _key(inside: Any, step: str, path: str, where: str) -> Any:
    """Return the key or position that a step of a path stands for: a key, a name, an id or a number."""
    if isinstance(inside, dict) and step in inside:
        return step
    known: list[str] = list(inside) if isinstance(inside, dict) else []
    if isinstance(inside, list):
        known = [_label(row) for row in inside]
        if step in known:
            return known.index(step)
        if step.isdigit() and int(step) < len(inside):
            return int(step)
    raise DrillError([Problem(where, f"there is no {step!r} in path {path!r}", did_you_mean(step, [*known]))])


def _label(row: Any) -> str:
    return next((str(row[key]) for key in _ID_KEYS if key in row), "") if isinstance(row, dict) else ""


def _check_targets(fleet: Fleet, injected: tuple[Injected, ...], where: str) -> None:
    """Raise DrillError when something is injected into what the fleet does not have."""
    from twin.model.names import expand_all

    problems = []
    for row in injected:
        targets = (row.target,) if isinstance(row.target, str) else row.target
        for name in expand_all(targets):
            if name not in ("", "*") and name not in fleet.things and name not in _zones(fleet):
                what = f"injected {row.id}: the fleet has no {name!r}"
                problems.append(Problem(where, what, did_you_mean(name, list(fleet.things))))
    if problems:
        raise DrillError(problems)


def _zones(fleet: Fleet) -> set[str]:
    return {zone.name for zone in fleet.cooling_zones}
