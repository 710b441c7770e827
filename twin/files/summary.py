"""What a document holds, in numbers and in words."""

from __future__ import annotations

from collections import Counter
from fnmatch import fnmatchcase
from typing import Any

from twin.files.digest import digest
from twin.files.kinds import KINDS as DOCUMENTS
from twin.model.base import Record
from twin.model.drill import Drill
from twin.model.fleet import KINDS, SINGULAR, Fleet
from twin.model.gateset import GateSet
from twin.model.plan import Plan
from twin.model.scenario import Suite

_IDENTITY = (
    "name",
    "site",
    "region",
    "rack",
    "type",
    "owner",
    "service",
    "reservation",
    "kind",
    "row",
    "a",
    "b",
)


def summary(record: Record) -> dict[str, Any]:
    """Return what a document holds: its kind, name, digest, and counts."""
    kind = next(kind.key for kind in DOCUMENTS.values() if kind.record is type(record))
    head = {"kind": kind, "name": getattr(record, "name", ""), "digest": digest(record)}
    return {**head, **_content(record)}


def in_words(found: dict[str, Any]) -> list[str]:
    """Return a summary as sentences, the first one naming the document."""
    lines = [f"{DOCUMENTS[found['kind']].noun} {found['name']!r}, {found['digest'][:19]}…"]
    if found["kind"] == "fleet":
        rows = [
            f"{count:,} {SINGULAR[kind] if count == 1 else kind}" for kind, count in found["rows"].items()
        ]
        sources = [f"{count:,} {source}" for source, count in found["provenance"].items()]
        lines += [
            ", ".join(rows).replace("_", " "),
            f"{found['servers']:,} servers, {found['max_it_kw']:,.1f} kW at full load",
            f"values: {', '.join(sources)}",
        ]
    else:
        lines += [
            f"{key.replace('_', ' ')}: {_words(value)}"
            for key, value in found.items()
            if key in _SHOWN and value
        ]
    return lines


_SHOWN = (
    "window",
    "steps",
    "claims",
    "suite",
    "gates",
    "replications",
    "waivers",
    "scenarios",
    "hazards",
    "events",
    "variants",
)


def _words(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _content(record: Record) -> dict[str, Any]:
    if isinstance(record, Fleet):
        return _fleet_content(record)
    if isinstance(record, Plan):
        window = (
            f"{record.window.not_before:%Y-%m-%d %H:%M %Z} to {record.window.not_after:%Y-%m-%d %H:%M %Z}"
        )
        steps = [f"{step.id} ({step.do})" for step in record.steps]
        return {"window": window, "steps": steps, "claims": [claim.metric for claim in record.claims]}
    if isinstance(record, GateSet):
        gates = [f"{gate.id} ({gate.estimator} of {gate.metric}, {gate.level})" for gate in record.rules]
        replications = f"{record.replications.first} to {record.replications.max}"
        waived = [waiver.gate for waiver in record.waivers]
        return {"suite": record.suite, "gates": gates, "replications": replications, "waivers": waived}
    if isinstance(record, Suite):
        return {"scenarios": [f"{scenario.name} ({len(scenario.hazards)})" for scenario in record.scenarios]}
    if isinstance(record, Drill):
        counts = {key: len(getattr(record, key)) for key in ("injected", "calibrated", "predicted")}
        events = [f"{count} {key}" for key, count in counts.items()]
        return {"events": events, "variants": [variant.name for variant in record.not_]}
    raise TypeError(f"{type(record).__name__} is not a document")


def _fleet_content(fleet: Fleet) -> dict[str, Any]:
    types = {record.name: record for record in fleet.server_types}
    watts = sum(_max_w(types[group.type]) * group.count for group in fleet.server_groups)
    return {
        "rows": {kind: len(rows) for kind, rows in fleet.tables() if rows},
        "servers": sum(group.count for group in fleet.server_groups),
        "max_it_kw": watts / 1000.0,
        "provenance": provenance(fleet),
    }


def _max_w(server_type: Any) -> float:
    return float(server_type.curve[-1][1] if server_type.curve else server_type.max_w)


def provenance(fleet: Fleet) -> dict[str, int]:
    """Return how many values are measured, declared and assumed; names and places do not count."""
    counts: Counter[str] = Counter(measured=0, declared=0, assumed=0)
    for kind, model in KINDS.items():
        fields = [name for name in model.model_fields if name not in _IDENTITY]
        noted = any(fnmatchcase(kind, note.of.split(".")[0]) for note in fleet.provenance)
        for row in fleet.rows(kind):
            if noted:
                counts.update(fleet.provenance_of(kind, row, field) for field in fields)
            else:
                given = sum(field in row.model_fields_set for field in fields)
                counts["declared"] += given
                counts["assumed"] += len(fields) - given
    return dict(counts)
