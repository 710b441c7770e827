"""What a planner hands over: the plan as a document, and the record of its solve. Files are written by the command line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from twin.actions.schedule import resolve
from twin.model.fleet import Fleet
from twin.model.names import compress
from twin.model.plan import Plan
from twin.records.solution import Solution

Step = dict[str, Any]


@dataclass(frozen=True)
class Proposal:
    """A plan (None where nothing is better than doing nothing) and its solution, which has no digests yet."""

    document: dict[str, Any] | None
    solution: Solution

    @property
    def plan(self) -> Plan | None:
        """Return the plan as a record."""
        return (
            None if self.document is None else Plan.model_validate(self.document, context={"document": True})
        )


def plan_document(
    fleet: Fleet,
    name: str,
    *,
    description: str,
    window: tuple[datetime, datetime],
    steps: Sequence[Step],
    claims: Sequence[dict[str, Any]],
) -> dict[str, Any]:
    """Return the document of a plan whose scope is exactly what its steps touch. Raises PlanRejected if a step is impossible."""
    head = {
        "plan": name,
        "schema": 1,
        "description": description,
        "author": {"agent": f"fleetwin-{name}"},
        "window": {"not_before": _time(window[0]), "not_after": _time(window[1])},
    }
    draft = {**head, "scope": {"touch": ["*"]}, "steps": list(steps)}
    touched = resolve(Plan.model_validate(draft, context={"document": True}), fleet).touched
    racks = [lock.removeprefix("rack:") for lock in touched if lock.startswith("rack:")]
    scope: dict[str, Any] = {
        "touch": [*compress(racks), *(lock for lock in touched if not lock.startswith("rack:"))]
    }
    if racks:
        scope["max_racks"] = len(racks)
    return {**head, "scope": scope, "steps": list(steps), "claims": list(claims)}


def first_hour(fleet: Fleet, start: datetime | None, now: datetime) -> datetime:
    """Return when a plan begins: the hour given, else the first full hour after the fleet's own time, else after now."""
    if start is not None:
        return start
    at = fleet.as_of or now
    return at.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)


def _time(time: datetime) -> str:
    return f"{time:%Y-%m-%dT%H:%M}Z" if time.utcoffset() == timedelta(0) else time.isoformat()
