"""Piecewise-constant series: demand profiles, carbon intensity, price, outdoor temperature."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import Field, model_validator

from twin.model.base import Name, Record
from twin.model.units import PositiveSeconds

# Profiles without a start repeat from a Monday, 00:00 UTC.
MONDAY = datetime(1970, 1, 5, tzinfo=UTC)


class Series(Record):
    """Values that hold for `step_s` seconds each, from `start` on, repeating when `repeat`.

    The unit of `values` is that of its user: a factor for demand, g/kWh for carbon, USD/MWh for price, °C for weather.
    """

    name: Name
    step_s: Annotated[PositiveSeconds, Field(alias="step")]
    values: Annotated[tuple[float, ...], Field(min_length=1, max_length=1_000_000)]
    start: datetime = MONDAY
    repeat: bool = True
    source: str = ""

    @model_validator(mode="after")
    def _start_has_a_zone(self) -> Series:
        if self.start.tzinfo is None:
            raise ValueError("start needs a time zone, e.g. 2026-11-21T00:00Z")
        return self


class Note(Record):
    """Where values come from: `of` is a pattern over `kind.name.field`, the last matching note wins.

    A value that no note names is *declared* when the file gives it and *assumed* when it is a default.
    """

    of: Annotated[str, Field(min_length=1)]
    is_: Annotated[Literal["measured", "declared", "assumed"], Field(alias="is")]
    source: str = ""
