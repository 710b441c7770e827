"""What protects the power chain: trip curves of breakers and relays, and policies that cap power or shed load before they act."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from twin.model.base import Name, Record
from twin.model.units import PositiveSeconds, PositiveShare, Seconds, Share

# Ratios around 1 that widen a dialled value to the edge of its tolerance.
Factor = Annotated[float, Field(gt=0, le=10)]


class TripCurve(Record):
    """When a breaker opens: a relay, the bands of a low-voltage trip unit, or free points.

    `pickup` is a multiple of the rating of the unit that has the curve; every other multiple is one of the pickup.
    `points` are (multiple, fast s, slow s): the fast edge is that of safety, the slow one that of coordination.

    A *relay* trips after TD·(A/(M^p − 1) + B) (IEEE C37.112); *bands* have a long-time delay dialled in seconds at 6
    times the pickup (I²t), and may have short-time and instantaneous elements; *points* are joined by straight lines on
    log-log paper. The edges of bands lie at `pickup_fast` and `pickup_slow` times the pickup, at `delay_fast` and
    `delay_slow` times the delays, and at ± `threshold_band` around the short-time and instantaneous pickups; contacts part
    within `opens_fast` to `opens_slow`. These tolerances, and the reset times of the relay shapes, are recalled from
    practice: set them from the maker's sheet.
    """

    name: Name
    kind: Literal["relay", "bands", "points"]
    pickup: Annotated[float, Field(gt=0, le=100)] = 1.0
    time_dial: Annotated[float, Field(gt=0, le=100)] = 1.0
    shape: Literal["moderately-inverse", "very-inverse", "extremely-inverse"] = "very-inverse"
    disk_reset_s: Annotated[
        PositiveSeconds | None,
        Field(
            alias="disk_reset",
            description="relay: from 1 to 0 without current at dial 1; by shape when not given",
        ),
    ] = None
    long_delay_s: Annotated[PositiveSeconds, Field(alias="long_delay")] = 12.0
    short_pickup: Annotated[float | None, Field(gt=1, le=100)] = None
    short_delay_s: Annotated[Seconds, Field(alias="short_delay")] = 0.2
    short_i2t: Annotated[bool, Field(description="the short-time delay falls as I2t up to 10 pickups")] = (
        False
    )
    instantaneous: Annotated[float | None, Field(gt=1, le=100)] = None
    pickup_fast: Factor = 1.05
    pickup_slow: Factor = 1.20
    delay_fast: Factor = 0.80
    delay_slow: Factor = 1.0
    threshold_band: Annotated[Share, Field(lt=1.0)] = 0.10
    opens_fast_s: Annotated[PositiveSeconds, Field(alias="opens_fast")] = 0.01
    opens_slow_s: Annotated[PositiveSeconds, Field(alias="opens_slow")] = 0.05
    cool_s: Annotated[
        PositiveSeconds,
        Field(alias="cool", description="bands, points: until the thermal memory is cold again"),
    ] = 600.0
    points: tuple[tuple[float, float, float], ...] = ()


class CappingPolicy(Record):
    """A controller that caps what a unit feeds before its breaker acts (three bands, Wu et al., ISCA 2016).

    It looks at the peak of the unit every `period`; above `cap_above` of the unit's limit (rating × continuous) it orders
    caps that bring it to `cap_to`, below `uncap_below` it hands back. Orders take `actuation` to arrive. Lowest priority
    first; no rack is cut below `floor`. The cycle of 3 s at leaves and 9 s above is Dynamo's; bands and actuation are
    recalled.
    """

    name: Name
    cap_above: PositiveShare = 0.99
    cap_to: PositiveShare = 0.95
    uncap_below: PositiveShare = 0.90
    period_s: Annotated[PositiveSeconds, Field(alias="period")] = 3.0
    actuation_s: Annotated[Seconds, Field(alias="actuation")] = 2.0
    floor: Annotated[PositiveShare, Field(description="least power of a server, of its nameplate")] = 0.5


class SheddingPolicy(Record):
    """A controller that switches racks off when what is left after a loss is overloaded (Flex, Zhang et al., ISCA 2021).

    It looks at the peak of the unit every `period`; above `shed_above` of the unit's limit (rating × continuous) it orders as
    few racks off as bring it to `shed_to`: the least important first, never one that serves a tier below `least_tier`.
    Orders take `actuation` to arrive. A rack stays off for `hold` at least; then it comes back, the most important first, once
    the load with it would stay below `restore_below` at every unit with a policy above it. The times and bands are assumptions:
    all of it must beat what a UPS stands at 133 % of its rating (about 10 s with an old battery, recalled).
    """

    name: Name
    shed_above: Factor = 1.0
    shed_to: Factor = 0.98
    restore_below: Factor = 0.95
    period_s: Annotated[PositiveSeconds, Field(alias="period")] = 1.0
    actuation_s: Annotated[Seconds, Field(alias="actuation")] = 5.0
    hold_s: Annotated[PositiveSeconds, Field(alias="hold")] = 300.0
    least_tier: Annotated[int, Field(ge=0, le=10, description="racks of a lower number stay on")] = 1
