"""A plan: what somebody proposes to do to the fleet, as a document without code."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from twin.model.base import Name, Record
from twin.model.units import Seconds, Share, format_quantity, parse_quantity

_SPREAD = re.compile(r"^\s*(?P<mean>[^±]+?)\s*(?:±\s*(?P<spread>.+?))?\s*$")


class Duration(Record):
    """How long a step takes: uniform between mean − spread and mean + spread (seconds)."""

    mean_s: Seconds
    spread_s: Seconds = 0.0

    @model_validator(mode="after")
    def _never_negative(self) -> Duration:
        if self.spread_s > self.mean_s:
            raise ValueError("the spread is larger than the duration")
        return self

    def __str__(self) -> str:
        mean = format_quantity(self.mean_s, "duration")
        return f"{mean} ± {format_quantity(self.spread_s, 'duration')}" if self.spread_s else mean


def _read_duration(value: Any) -> Any:
    """Read "20 min ± 5 min"."""
    if isinstance(value, (int, float)):
        raise PydanticCustomError(
            "duration", "{message}", {"message": f"{value!r} has no unit; write e.g. '20 min ± 5 min'"}
        )
    if not isinstance(value, str):
        return value
    match = _SPREAD.match(value)
    try:
        if match is None:
            raise ValueError(f"{value!r} is not a duration; write e.g. '20 min ± 5 min'")
        mean = parse_quantity(match["mean"], "duration")
        spread = parse_quantity(match["spread"], "duration") if match["spread"] else 0.0
        return Duration(mean_s=mean, spread_s=spread)
    except ValueError as error:
        raise PydanticCustomError("duration", "{message}", {"message": str(error)}) from None


Takes = Annotated[
    Duration,
    BeforeValidator(_read_duration),
    PlainSerializer(str),
    WithJsonSchema({"type": "string", "examples": ["20 min ± 5 min"]}),
]


class Author(Record):
    """Who proposes the plan."""

    agent: str
    version: str = ""
    on_behalf_of: str = ""


class Window(Record):
    """When the plan may run."""

    not_before: datetime
    not_after: datetime

    @model_validator(mode="after")
    def _ends_after_it_starts(self) -> Window:
        if self.not_before.tzinfo is None or self.not_after.tzinfo is None:
            raise ValueError("times need a zone, e.g. 2026-11-21T01:00Z")
        if self.not_after <= self.not_before:
            raise ValueError("not_after is not after not_before")
        return self


class Scope(Record):
    """What the plan may touch: names, name brackets, or kind:name."""

    touch: Annotated[tuple[str, ...], Field(min_length=1)]
    max_racks: Annotated[int | None, Field(ge=0)] = None


class Step(Record):
    """One action of a plan. It starts `at` an offset into the window, or after other steps and a wait.

    The step fails (nothing of it happens), stalls (takes `stall_factor` times as long) or half-applies (the first
    half of its changes happen, then it fails) with the stated probabilities; after a failure the plan stops.
    """

    id: Name
    do: Annotated[
        str, Field(pattern=r"^[a-z]+\.[a-z]+@\d+$", description="action@version, e.g. rack.drain@1")
    ]
    params: dict[str, Any] = {}
    at_s: Annotated[Seconds | None, Field(alias="at")] = None
    after: tuple[Name, ...] = ()
    wait_s: Annotated[Seconds, Field(alias="wait")] = 0.0
    takes: Takes | None = None
    may_fail: Share = 0.0
    may_stall: Share = 0.0
    may_half_apply: Share = 0.0
    stall_factor: Annotated[float, Field(ge=1, le=100)] = 3.0

    @model_validator(mode="after")
    def _starts_once(self) -> Step:
        if self.at_s is not None and (self.after or self.wait_s):
            raise ValueError("give either 'at' or 'after' with 'wait', not both")
        if self.may_fail + self.may_stall + self.may_half_apply > 1:
            raise ValueError("may_fail + may_stall + may_half_apply is above 100 %")
        return self


class Claim(Record):
    """What the author expects: a metric (of the things that match `where`) within a limit."""

    metric: Name
    where: dict[str, Any] = {}
    limit: str
    for_s: Annotated[Seconds, Field(alias="for")] = 0.0


class Plan(Record):
    """A plan; its digest is the SHA-256 of its canonical form."""

    plan: Name
    schema_: Annotated[Literal[1], Field(alias="schema")] = 1
    description: str = ""
    author: Author | None = None
    fleet: Annotated[str | None, Field(pattern=r"^sha256:[0-9a-f]{64}$")] = None
    window: Window
    scope: Scope
    steps: Annotated[tuple[Step, ...], Field(min_length=1)]
    success: tuple[Claim, ...] = ()
    rollback_when: tuple[Claim, ...] = ()
    claims: tuple[Claim, ...] = ()

    @property
    def name(self) -> str:
        """The plan's name (its `plan:` key)."""
        return self.plan

    @property
    def length_s(self) -> float:
        """Length of the window in seconds."""
        return (self.window.not_after - self.window.not_before).total_seconds()
