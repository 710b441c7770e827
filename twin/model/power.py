"""The power chain, and the racks at its end."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from twin.model.base import Name, Record
from twin.model.cooling import CoolingPlant
from twin.model.units import (
    Joules,
    PositiveSeconds,
    PositiveShare,
    Ratio,
    Seconds,
    Share,
    VoltAmperes,
    Watts,
)

UnitKind = Literal[
    "utility",
    "generator",
    "transformer",
    "ats",
    "sts",
    "ups",
    "switchboard",
    "panel",
    "pdu",
    "battery",
    "solar",
]
SOURCES: tuple[UnitKind, ...] = ("utility", "generator", "battery", "solar")

Names = tuple[Name, ...]


class PowerUnit(Record):
    """A device of the power chain.

    `fed_by` names the units upstream; with `feed_mode: shared` the load splits over the live feeders by `shares`
    (equal when not given), with `standby` the first live feeder of the list carries all of it. The unit is alive
    while at least `needs` feeders are. Losses are a + b·x + c·x² of the rating, x = load / rating.

    What it does not declare is not modelled: without `trip` nothing trips, a UPS without `battery` lives as long as its
    feeders, one without `lockout` takes its load back as soon as a feeder lives, a generator without `start` stands ready, a
    switch without `transfer` changes over at once.
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
    trip: Annotated[Name | None, Field(description="the trip curve of its breaker")] = None
    bypass_trip: Annotated[
        Name | None,
        Field(description="UPS: the trip curve of its static bypass; that of one maker when not given"),
    ] = None
    reset_s: Annotated[PositiveSeconds, Field(alias="reset", description="until a person has reset it")] = (
        1800.0
    )
    battery_j: Annotated[
        Joules | None, Field(alias="battery", gt=0, description="energy at rated load when new")
    ] = None
    battery_health: Annotated[PositiveShare, Field(description="part of that energy it still holds")] = 1.0
    peukert: Annotated[float, Field(ge=1.0, le=2.0, description="runtime ~ load^-peukert")] = 1.15
    recharge_s: Annotated[PositiveSeconds, Field(alias="recharge", description="from empty to full")] = (
        2 * 3600.0
    )
    walk_in_s: Annotated[Seconds, Field(alias="walk_in", description="until its feeders carry all again")] = (
        0.0
    )
    lockout_s: Annotated[
        PositiveSeconds | None,
        Field(
            alias="lockout",
            description="UPS whose battery could not carry its load: until a person puts it on bypass",
        ),
    ] = None
    start_s: Annotated[
        PositiveSeconds | None, Field(alias="start", description="generator: from the call to being ready")
    ] = None
    start_probability: Annotated[PositiveShare, Field(description="that it starts when called")] = 1.0
    run_mtbf_s: Annotated[PositiveSeconds | None, Field(alias="run_mtbf", description="while it runs")] = None
    block: Annotated[PositiveShare, Field(description="largest step of load it takes, of the rating")] = 1.0
    transfer_s: Annotated[
        Seconds | None, Field(alias="transfer", description="switch: break before make")
    ] = None
    retransfer_s: Annotated[
        Seconds, Field(alias="retransfer", description="how long the preferred source must be back")
    ] = 300.0
    restore_s: Annotated[
        Seconds | None, Field(alias="restore", description="closes that long after its feed came back")
    ] = None
    feeds_into: Annotated[
        Name | None, Field(description="battery, solar: the unit whose load it lessens")
    ] = None
    output_series: Annotated[Name | None, Field(description="solar: share of the rating over time")] = None
    shave_above_w: Annotated[
        Watts | None,
        Field(alias="shave_above", description="battery: it delivers what its unit carries above this"),
    ] = None
    capping: Annotated[Name | None, Field(description="the policy that caps what it feeds")] = None
    shedding: Annotated[
        Name | None, Field(description="the policy that switches off racks that it feeds")
    ] = None
    mtbf_s: Annotated[PositiveSeconds | None, Field(alias="mtbf")] = None
    mttr_s: Annotated[PositiveSeconds, Field(alias="mttr")] = 4 * 3600.0


class Rack(Record):
    """A rack: its feeds (one = single-corded), its top-of-rack switches, and its power budget.

    `shares` are the parts of the load that the power supplies draw from each feed while all live (equal when not given).
    `open_feeds` are laid but stand open until a plan closes them (rack.refeed); `open_shares` are the parts that they would
    carry (that of an equal cord when not given).
    """

    name: Name
    site: Name
    row: Name
    fed_by: Annotated[Names, Field(min_length=1)]
    shares: tuple[Share, ...] = ()
    open_feeds: Annotated[Names, Field(description="feeds that are laid but stand open")] = ()
    open_shares: tuple[Share, ...] = ()
    switches: Names = ()
    budget_w: Annotated[Watts | None, Field(alias="budget")] = None
    space_u: Annotated[int, Field(ge=1, le=120)] = 42
    mtbf_s: Annotated[PositiveSeconds | None, Field(alias="mtbf")] = None
    mttr_s: Annotated[PositiveSeconds, Field(alias="mttr")] = 4 * 3600.0

    @property
    def cord_shares(self) -> tuple[float, ...]:
        """Return the part of the load that each feed carries while all live."""
        return self.shares or (1.0 / len(self.fed_by),) * len(self.fed_by)

    @property
    def spare_shares(self) -> tuple[float, ...]:
        """Return the part of the load that each open feed would carry."""
        return self.open_shares or (1.0 / len(self.fed_by),) * len(self.open_feeds)


__all__ = ["SOURCES", "CoolingPlant", "PowerUnit", "Rack", "Ratio", "Seconds", "UnitKind"]
