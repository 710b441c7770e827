"""Plans, gate sets and suites in and out, each in one YAML or JSON document."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, TypeVar, cast

from pydantic import ValidationError

from twin.files.atomic import write_atomic
from twin.files.kinds import KINDS, Kind, kind_of, refuse_other
from twin.files.problems import read_bytes, to_problems
from twin.files.yaml import Document, dump, parse
from twin.model.base import Record
from twin.model.errors import DocumentError, Problem
from twin.model.gateset import GateSet
from twin.model.plan import Plan
from twin.model.scenario import Suite

__all__ = [
    "read_any",
    "read_document",
    "read_gates",
    "read_plan",
    "read_suite",
    "write_atomic",
    "write_document",
]

SomeRecord = TypeVar("SomeRecord", bound=Record)


def read_plan(path: str | Path) -> Plan:
    """Read a plan; raise PlanError with every problem."""
    return read_document(path, Plan)


def read_gates(path: str | Path) -> GateSet:
    """Read a gate set; raise GateError with every problem."""
    return read_document(path, GateSet)


def read_suite(path: str | Path) -> Suite:
    """Read a suite; raise ScenarioError with every problem."""
    return read_document(path, Suite)


def read_document(path: str | Path, record: type[SomeRecord]) -> SomeRecord:
    """Read the document of a record type; raise the error of its kind with every problem."""
    kind = next(kind for kind in KINDS.values() if kind.record is record)
    if kind.key == "fleet":
        from twin.files.fleet import read_fleet  # needs the tables, which plans do not

        return cast(SomeRecord, read_fleet(path))
    if kind.key == "drill":
        from twin.files.drills import read_drill

        return cast(SomeRecord, read_drill(path))
    return cast(SomeRecord, validated(parse(read_bytes(path, kind.error), str(path), kind.error), kind))


def read_any(path: str | Path) -> Record:
    """Read a document of any kind, told by its leading key; a folder is a fleet."""
    if Path(path).is_dir():
        return read_document(path, KINDS["fleet"].record)
    document = parse(read_bytes(path), str(path))
    kind = kind_of(document.value)
    if kind is None:
        what = f"this is none of {', '.join(kind.noun for kind in KINDS.values())}"
        mend = f"start with one of {', '.join(f'{key}: NAME' for key in KINDS)}"
        raise DocumentError([Problem(f"{path}:1", what, mend)])
    return read_document(path, kind.record) if kind.key in ("fleet", "drill") else validated(document, kind)


def write_document(record: Record, path: str | Path) -> None:
    """Write a plan, gate set or suite, as JSON when *path* ends in .json and else as YAML."""
    value = as_document(record)
    is_json = Path(path).suffix == ".json"
    write_atomic(path, json.dumps(value, indent=1, ensure_ascii=False) + "\n" if is_json else dump(value))


def as_document(record: Record) -> dict[str, Any]:
    """Return a record as it stands in a document: aliases, human units, what was given, and `schema`."""
    value = record.model_dump(mode="json", by_alias=True, exclude_unset=True, context={"document": True})
    name, *rest = value.items()
    return {name[0]: name[1], "schema": 1, **dict(rest)}


def validated(document: Document, kind: Kind) -> Record:
    """Return the record that a document holds; raise the error of its kind with every problem."""
    refuse_other(document, kind)
    problems = list(document.problems)
    try:
        record = kind.record.model_validate_json(
            json.dumps(document.value), strict=True, by_alias=True, by_name=False, context={"document": True}
        )
    except ValidationError as error:
        problems += to_problems(error, document, kind.record).values()
    if problems:
        raise kind.error(problems)
    return record
