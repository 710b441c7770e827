"""Switches and links: the fabric inside a site and the backbone between sites."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from twin.model.base import Name, Record
from twin.model.units import BitsPerSecond, PositiveSeconds, Seconds, Watts

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
    mtbf_s: Annotated[PositiveSeconds | None, Field(alias="mtbf")] = None
    mttr_s: Annotated[PositiveSeconds, Field(alias="mttr")] = 4 * 3600.0


class Link(Record):
    """A link between two switches: inside a site it joins two tiers, between sites two border switches.

    Capacity is per direction (full duplex). `srlg` names what it shares a fate with (a duct, a cable).
    """

    name: Name
    a: Name
    b: Name
    capacity_bps: Annotated[BitsPerSecond, Field(alias="capacity")]
    latency_s: Annotated[Seconds, Field(alias="latency")] = 0.0
    srlg: tuple[Name, ...] = ()
    mtbf_s: Annotated[PositiveSeconds | None, Field(alias="mtbf")] = None
    mttr_s: Annotated[PositiveSeconds, Field(alias="mttr")] = 12 * 3600.0
