"""The power chain and the cooling plant that loads it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from twin.model.base import Name, Record
from twin.model.units import (
    Celsius,
    PerKelvin,
    PositiveSeconds,
    PositiveShare,
    Ratio,
    Seconds,
    Share,
    VoltAmperes,
    Watts,
)

UnitKind = Literal["utility", "generator", "transformer", "ats", "sts", "ups", "switchboard", "panel", "pdu"]
SOURCES: tuple[UnitKind, ...] = ("utility", "generator")

Names = tuple[Name, ...]


class PowerUnit(Record):
    """A device of the power chain.

    `fed_by` names the units upstream; with `feed_mode: shared` the load splits over the live feeders by `shares`
    (equal when not given), with `standby` the first live feeder of the list carries all of it. The unit is alive
    while at least `needs` feeders are. Losses are a + b·x + c·x² of the rating, x = load / rating.
    """

    name: Name
    kind: UnitKind
    site: Name
    rated_va: Annotated[VoltAmperes, Field(alias="rated")]
    emergency_va: Annotated[VoltAmperes | None, Field(alias="emergency")] = None
    continuous: Annotated[PositiveShare, Field(description="share of the rating that may flow for hours")] = (
        1.0
    )
    fed_by: Names = ()
    feed_mode: Literal["shared", "standby"] = "shared"
    shares: tuple[Share, ...] = ()
    needs: Annotated[int, Field(ge=1)] = 1
    loss_fixed: Annotated[Share, Field(description="no-load loss, of the rating")] = 0.0
    loss_linear: Annotated[Share, Field(description="proportional loss, of the load")] = 0.0
    loss_square: Annotated[Share, Field(description="square-law loss at rated load, of the rating")] = 0.0
    mtbf_s: Annotated[PositiveSeconds | None, Field(alias="mtbf")] = None
    mttr_s: Annotated[PositiveSeconds, Field(alias="mttr")] = 4 * 3600.0


class CoolingPlant(Record):
    """Chillers, fans and pumps of a site, as a load on the power chain.

    Electric power = heat / COP(outdoor) + fixed; COP = cop_ref · (1 − slope · (T − t_ref)), never below `cop_min`.
    The plants of a site that are alive share its heat by `rated_heat_w`.
    """

    name: Name
    site: Name
    fed_by: Annotated[Names, Field(min_length=1)]
    feed_mode: Literal["shared", "standby"] = "standby"
    rated_heat_w: Annotated[Watts, Field(alias="rated_heat", gt=0)]
    cop_ref: Annotated[float, Field(gt=0, le=60)] = 4.0
    cop_slope_per_k: Annotated[PerKelvin, Field(alias="cop_slope")] = 0.025
    cop_min: Annotated[float, Field(gt=0, le=60)] = 2.0
    t_ref_c: Annotated[Celsius, Field(alias="t_ref")] = 25.0
    fixed_w: Annotated[Watts, Field(alias="fixed")] = 0.0
    power_factor: PositiveShare = 0.9
    mtbf_s: Annotated[PositiveSeconds | None, Field(alias="mtbf")] = None
    mttr_s: Annotated[PositiveSeconds, Field(alias="mttr")] = 4 * 3600.0


class Rack(Record):
    """A rack: its feeds (one = single-corded), its top-of-rack switches, and its power budget.

    `shares` are the parts of the load that the power supplies draw from each feed while all live (equal when not given).
    """

    name: Name
    site: Name
    row: Name
    fed_by: Annotated[Names, Field(min_length=1)]
    shares: tuple[Share, ...] = ()
    switches: Names = ()
    budget_w: Annotated[Watts | None, Field(alias="budget")] = None
    space_u: Annotated[int, Field(ge=1, le=120)] = 42
    mtbf_s: Annotated[PositiveSeconds | None, Field(alias="mtbf")] = None
    mttr_s: Annotated[PositiveSeconds, Field(alias="mttr")] = 4 * 3600.0


__all__ = ["SOURCES", "CoolingPlant", "PowerUnit", "Rack", "Ratio", "Seconds", "UnitKind"]
