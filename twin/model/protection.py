"""What protects the power chain: trip curves of breakers and relays, and policies that cap power before they act."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from twin.model.base import Name, Record
from twin.model.units import PositiveSeconds, PositiveShare, Seconds


class TripCurve(Record):
    """When a breaker opens: a relay, the bands of a low-voltage trip unit, or free points.

    `pickup` is a multiple of the rating of the unit that has the curve; every other multiple is one of the pickup.
    `points` are (multiple, fast s, slow s): the fast edge is that of safety, the slow one that of coordination.
    """

    name: Name
    kind: Literal["relay", "bands", "points"]
    pickup: Annotated[float, Field(gt=0, le=100)] = 1.0
    time_dial: Annotated[float, Field(gt=0, le=100)] = 1.0
    shape: Literal["moderately-inverse", "very-inverse", "extremely-inverse"] = "very-inverse"
    long_delay_s: Annotated[PositiveSeconds, Field(alias="long_delay")] = 12.0
    short_pickup: Annotated[float | None, Field(gt=1, le=100)] = None
    short_delay_s: Annotated[Seconds, Field(alias="short_delay")] = 0.2
    instantaneous: Annotated[float | None, Field(gt=1, le=100)] = None
    points: tuple[tuple[float, float, float], ...] = ()


class CappingPolicy(Record):
    """A controller that caps what a unit feeds before its breaker acts (three bands, Wu et al., ISCA 2016)."""

    name: Name
    cap_above: PositiveShare = 0.99
    cap_to: PositiveShare = 0.95
    uncap_below: PositiveShare = 0.90
    period_s: Annotated[PositiveSeconds, Field(alias="period")] = 3.0
    actuation_s: Annotated[Seconds, Field(alias="actuation")] = 2.0
    floor: Annotated[PositiveShare, Field(description="least power of a server, of its nameplate")] = 0.5
