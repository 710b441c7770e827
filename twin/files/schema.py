"""JSON Schemas of the documents, for editors, other languages and machines that write plans."""

from __future__ import annotations

import typing
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel

from twin.files.kinds import KINDS
from twin.model.errors import UsageError, did_you_mean
from twin.records.capacity_report import CapacityReport
from twin.records.solution import Solution
from twin.records.verdict import Verdict

_RECORDS: dict[str, type[BaseModel]] = {
    "verdict": Verdict,
    "solution": Solution,
    "capacity-report": CapacityReport,
}
NAMES = (*KINDS, *_RECORDS)
_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_NAME = "^[A-Za-z0-9][A-Za-z0-9._-]*$"
_NAME_OR_BRACKETS = r"^(?:[A-Za-z0-9]|\[[A-Za-z0-9, -]+\])(?:[A-Za-z0-9._-]|\[[A-Za-z0-9, -]+\])*$"
_SHORT_HAZARD = (
    {"type": "string", "description": "a hazard without parameters"},
    {"type": "object", "minProperties": 1, "maxProperties": 1, "description": "{kind: {parameters}}"},
)


def json_schema(kind: str) -> dict[str, Any]:
    """Return the JSON Schema of a kind of document (one of `NAMES`)."""
    if kind not in NAMES:
        mend = did_you_mean(kind, NAMES) or f"known kinds: {', '.join(NAMES)}"
        raise UsageError(f"there is no document of kind {kind!r} ({mend})")
    record = _RECORDS.get(kind) or KINDS[kind].record
    schema = record.model_json_schema(by_alias=True)
    _write_defaults_as_in_documents(schema, record)
    if kind == "fleet":
        schema = _with_brackets(schema)
    if "HazardSpec" in schema.get("$defs", {}):
        schema["$defs"]["HazardSpec"] = {"anyOf": [schema["$defs"]["HazardSpec"], *_SHORT_HAZARD]}
    head = {"$schema": _DIALECT, "$id": f"urn:fleetwin:schema:{kind}:1", "title": kind}
    return {**head, **{key: value for key, value in schema.items() if key not in head}}


def _write_defaults_as_in_documents(schema: dict[str, Any], record: type[BaseModel]) -> None:
    """Replace the SI numbers among the defaults by the strings that stand for them in documents."""
    for model in set(_models(record)):
        where = schema if model is record else schema["$defs"].get(model.__name__, {})
        defaults = model.model_construct().model_dump(mode="json", by_alias=True, context={"document": True})
        for key, described in where.get("properties", {}).items():
            if "default" in described:
                described["default"] = defaults[key]


def _models(kind: Any) -> Iterator[type[BaseModel]]:
    """Yield the records that a type holds."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        yield kind
        for info in kind.model_fields.values():
            yield from _models(info.annotation)
    for arg in typing.get_args(kind):
        yield from _models(arg)


def _with_brackets(value: Any) -> Any:
    """Let names in the documents of a fleet hold brackets, which the reader expands before it validates."""
    if isinstance(value, dict):
        return {key: _with_brackets(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_with_brackets(item) for item in value]
    return _NAME_OR_BRACKETS if value == _NAME else value
