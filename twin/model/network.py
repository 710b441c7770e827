"""Switches and links: the fabric inside a site and the backbone between sites; and traffic that no service makes."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from twin.model.base import Name, Record
from twin.model.units import BitsPerSecond, PositiveSeconds, Seconds, SignedRatio, Watts

SwitchTier = Literal["tor", "fabric", "border"]
TIERS: tuple[SwitchTier, ...] = ("tor", "fabric", "border")


class Switch(Record):
    """A switch of a site. `tor` switches join racks, `border` switches join the backbone.

    A switch that names no feeds is powered by the rack it serves (any of them).
    """

    name: Name
    site: Name
    tier: SwitchTier
    capacity_bps: Annotated[BitsPerSecond, Field(alias="capacity")]
    fed_by: tuple[Name, ...] = ()
    power_w: Annotated[Watts, Field(alias="power")] = 0.0
    controllers: Annotated[
        int,
        Field(ge=1, description="border: independent instances of the control plane, one of which suffices"),
    ] = 1
    mtbf_s: Annotated[PositiveSeconds | None, Field(alias="mtbf")] = None
    mttr_s: Annotated[PositiveSeconds, Field(alias="mttr")] = 4 * 3600.0


class Link(Record):
    """A link between two switches: inside a site it joins two tiers, between sites two border switches.

    Capacity is per direction (full duplex). `srlg` names what it shares a fate with (a duct, a cable). `buffer` is how
    long a full queue in front of it takes to drain: without it nothing waits, what does not fit is lost at once.
    """

    name: Name
    a: Name
    b: Name
    capacity_bps: Annotated[BitsPerSecond, Field(alias="capacity")]
    latency_s: Annotated[Seconds, Field(alias="latency")] = 0.0
    buffer_s: Annotated[PositiveSeconds | None, Field(alias="buffer", le=10.0)] = None
    srlg: tuple[Name, ...] = ()
    mtbf_s: Annotated[PositiveSeconds | None, Field(alias="mtbf")] = None
    mttr_s: Annotated[PositiveSeconds, Field(alias="mttr")] = 12 * 3600.0


class Traffic(Record):
    """Traffic from one site to another that no service of the fleet makes: transit, copies, what a backbone measured.

    Rate x profile x growth, like demand. On a full link a lower `tier` goes first, together with the services of that
    tier.
    """

    source: Name
    target: Name
    tier: Annotated[int, Field(ge=0, le=9)] = 1
    rate_bps: Annotated[BitsPerSecond, Field(alias="rate")]
    profile: Name | None = None
    growth_per_year: Annotated[SignedRatio, Field(alias="growth")] = 0.0
