"""Which inputs nobody measured or declared, among those that the gated metrics rest on."""

from __future__ import annotations

from collections.abc import Sequence

from twin.gates.rules import Rule
from twin.model.fleet import KINDS, SINGULAR, Fleet
from twin.records.metrics import Metric
from twin.records.verdict import AssumedInput


def assumed_inputs(fleet: Fleet, rules: Sequence[Rule]) -> tuple[AssumedInput, ...]:
    """Return the assumed values behind the rules, one row per field, with how many things assume it."""
    return assumed_behind(fleet, [rule.metric for rule in rules])


def assumed_behind(fleet: Fleet, measured: Sequence[Metric]) -> tuple[AssumedInput, ...]:
    """Return the assumed values that metrics rest on, one row per field.

    Cost: one look-up per thing and field (cached per note pattern).
    """
    users: dict[str, set[str]] = {}
    for metric in measured:
        for path in metric.inputs:
            users.setdefault(path, set()).add(metric.name)
    found = []
    for path, metrics in sorted(users.items()):
        kind, field = path.split(".")
        count = _assumed(fleet, kind, field)
        if count:
            name = KINDS[kind].model_fields[field].alias or field
            found.append(
                AssumedInput(
                    what=f"{name} of {count} {SINGULAR[kind]}{'s' if count > 1 else ''}",
                    count=count,
                    metrics=tuple(sorted(metrics)),
                )
            )
    return tuple(found)


def _assumed(fleet: Fleet, kind: str, field: str) -> int:
    """Count the rows whose value is assumed. A value that is switched off (None or empty) is no assumption."""
    rows = [row for row in fleet.rows(kind) if getattr(row, field) not in (None, (), {})]
    return sum(fleet.provenance_of(kind, row, field) == "assumed" for row in rows)
