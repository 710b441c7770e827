"""The published schemas accept the documents that the readers accept, and refuse what they refuse."""

from __future__ import annotations

import re

import pytest

from tests.files.samples import DOCUMENTS
from twin.files.schema import NAMES, json_schema
from twin.files.yaml import parse
from twin.model.errors import UsageError

TYPES = {"string": str, "boolean": bool, "null": type(None), "array": list, "object": dict}


def faults(value, schema, root, path="") -> list[str]:
    """Check a value against the part of JSON Schema that pydantic writes (a small validator of our own)."""
    if "$ref" in schema:
        return faults(value, root["$defs"][schema["$ref"].rpartition("/")[2]], root, path)
    if "anyOf" in schema:
        options = [faults(value, option, root, path) for option in schema["anyOf"]]
        return [] if any(not option for option in options) else min(options, key=len)
    wanted = schema.get("type", [])
    wanted = [wanted] if isinstance(wanted, str) else wanted
    if wanted and not any(_is(value, name) for name in wanted):
        return [f"{path}: {value!r} is no {wanted}"]
    found = [
        f"{path}: {value!r} is not {schema[key]}"
        for key in ("enum", "const")
        if key in schema and value not in (schema[key] if key == "enum" else [schema[key]])
    ]
    if isinstance(value, str) and not re.search(schema.get("pattern", ""), value):
        found.append(f"{path}: {value!r} does not match")
    if isinstance(value, dict):
        found += _object_faults(value, schema, root, path)
    if isinstance(value, list):
        items = schema.get("prefixItems", [schema.get("items", {})] * len(value))
        found += [
            fault for n, item in enumerate(value) for fault in faults(item, items[n], root, f"{path}[{n}]")
        ]
    return found


def _is(value, name: str) -> bool:
    if name in ("integer", "number"):
        return isinstance(value, (int, float) if name == "number" else int) and not isinstance(value, bool)
    return isinstance(value, TYPES[name])


def _object_faults(value, schema, root, path) -> list[str]:
    known, more = schema.get("properties", {}), schema.get("additionalProperties", True)
    found = [f"{path}: {key} is missing" for key in schema.get("required", ()) if key not in value]
    found += [f"{path}: unknown {key}" for key in value if key not in known and more is False]
    if len(value) > schema.get("maxProperties", len(value)):
        found.append(f"{path}: too many keys")
    for key, item in value.items():
        inner = known.get(key, more if isinstance(more, dict) else {})
        found += faults(item, inner, root, f"{path}.{key}")
    return found


@pytest.mark.parametrize("kind", DOCUMENTS)
def test_the_samples_fit_their_schemas(kind):
    schema = json_schema(kind)
    assert faults(parse(DOCUMENTS[kind], "f").value, schema, schema) == []


@pytest.mark.parametrize(
    ("kind", "old", "new", "fault"),
    [
        ("fleet", "12 kW", "12", ".racks[0].budget: 12 is no ['string']"),
        ("fleet", "budget:", "budgt:", ".racks[0]: unknown budgt"),
        ("fleet", "name: r[01-03]", "name: r 01", ".racks[0].name: 'r 01' does not match"),
        ("fleet", "tier: tor,", "tier: tro,", ".switches[0].tier: 'tro' is not"),
        ("plan", "schema: 1", "schema: 2", ".schema: 2 is not 1"),
        ("plan", "id: back, ", "", ".steps[1]: id is missing"),
        ("gates", "level: warn", "level: wran", ".rules[2].level"),
    ],
)
def test_what_the_readers_refuse_does_not_fit(kind, old, new, fault):
    schema = json_schema(kind)
    assert old in DOCUMENTS[kind]
    found = faults(parse(DOCUMENTS[kind].replace(old, new), "f").value, schema, schema)
    assert any(text.startswith(fault) for text in found), found


@pytest.mark.parametrize("kind", NAMES)
def test_a_schema_says_what_it_is(kind):
    schema = json_schema(kind)
    assert schema["$id"] == f"urn:fleetwin:schema:{kind}:1"
    assert schema["$schema"].startswith("https://json-schema.org/draft/2020-12")
    assert all(
        "description" in definition for definition in schema["$defs"].values() if "properties" in definition
    )


@pytest.mark.parametrize("kind", DOCUMENTS)
def test_defaults_are_valid_themselves(kind):
    schema = json_schema(kind)
    for definition in [schema, *schema["$defs"].values()]:
        for key, described in definition.get("properties", {}).items():
            if "default" in described:
                assert faults(described["default"], described, schema, key) == []


def test_an_unknown_kind():
    with pytest.raises(UsageError, match="did you mean 'fleet'"):
        json_schema("flet")
