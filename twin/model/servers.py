"""Server types, groups of servers, and the reservations that own them."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from twin.model.base import Name, Record
from twin.model.units import (
    BitsPerSecond,
    Bytes,
    Dollars,
    Kilograms,
    PositiveSeconds,
    PositiveShare,
    Ratio,
    Share,
    Watts,
)

CurvePoint = Annotated[tuple[Share, Watts], Field(description="[utilisation, power]")]


class ServerType(Record):
    """A kind of server.

    Power is either a measured curve (`curve`: utilisation, watts; rising, from 0 to 100 %) or
    idle + (max − idle)·(2u − u^exponent) (Fan, Weber, Barroso, ISCA 2007). `rru` is what one server offers
    in relative resource units. `peak_factor` is the sub-interval peak over the five-minute mean and
    `peak_correlation` the share of that excursion that all servers make together.
    """

    name: Name
    cores: Annotated[int, Field(ge=1, le=4096)]
    memory_bytes: Annotated[Bytes, Field(alias="memory")] = 0.0
    gpus: Annotated[int, Field(ge=0, le=128)] = 0
    gpu_kind: str = ""
    nic_bps: Annotated[BitsPerSecond | None, Field(alias="nic")] = None
    rru: Annotated[float, Field(gt=0, le=1e6)] = 1.0
    curve: tuple[CurvePoint, ...] = ()
    idle_w: Annotated[Watts | None, Field(alias="idle")] = None
    max_w: Annotated[Watts | None, Field(alias="max")] = None
    exponent: Annotated[float, Field(ge=1.0, le=4.0)] = 1.4
    off_w: Annotated[Watts, Field(alias="off")] = 0.0
    power_factor: PositiveShare = 0.97
    peak_factor: Annotated[Ratio, Field(ge=1.0, le=3.0)] = 1.0
    peak_correlation: Share = 0.0
    height_u: Annotated[int, Field(ge=1, le=60)] = 1
    cost_usd: Annotated[Dollars, Field(alias="cost")] = 0.0
    embodied_kg: Annotated[Kilograms, Field(alias="embodied")] = 0.0
    lifetime_s: Annotated[PositiveSeconds, Field(alias="lifetime")] = 6 * 31557600.0
    mtbf_s: Annotated[PositiveSeconds | None, Field(alias="mtbf")] = None
    mttr_s: Annotated[PositiveSeconds, Field(alias="mttr")] = 24 * 3600.0

    @model_validator(mode="after")
    def _power_is_given_once(self) -> ServerType:
        by_points = bool(self.curve)
        by_ends = self.idle_w is not None and self.max_w is not None
        if by_points == by_ends or (by_points and (self.idle_w is not None or self.max_w is not None)):
            raise ValueError("give the power either as 'curve' or as both 'idle' and 'max'")
        if by_points:
            loads, watts = zip(*self.curve, strict=True)
            if (
                len(loads) < 2
                or loads[0] != 0
                or loads[-1] != 1
                or any(b <= a for a, b in zip(loads, loads[1:], strict=False))
            ):
                raise ValueError("the utilisations of 'curve' must rise from 0 % to 100 %")
            if any(abs(load * 100 - round(load * 100)) > 1e-9 for load in loads):
                raise ValueError("the utilisations of 'curve' must be whole percents (10 %, not 12.5 %)")
            if any(b < a for a, b in zip(watts, watts[1:], strict=False)) or watts[-1] <= 0:
                raise ValueError("the powers of 'curve' must not fall with load")
        elif self.idle_w is not None and self.max_w is not None and self.idle_w > self.max_w:
            raise ValueError("'idle' is above 'max'")
        return self


class ServerGroup(Record):
    """All servers of one type and one owner in one rack: the unit of the runtime arrays."""

    name: Name
    rack: Name
    type: Name
    owner: Name
    count: Annotated[int, Field(ge=0, le=10_000_000)]


class Reservation(Record):
    """Capacity guaranteed to an owner, in relative resource units, that survives the stated failures.

    Where servers are short, services get equal shares of what they want, or, `by_tier`, better tiers get theirs first.
    `values` is what one server of a type gives it, in RRU, where that is not the type's own: 0 means of no use. Plans may
    give it servers of the types it has and of those it names here.
    """

    name: Name
    guaranteed_rru: Annotated[float, Field(ge=0, le=1e12)] = 0.0
    survives: tuple[str, ...] = ()
    by_tier: bool = False
    values: dict[Name, Annotated[float, Field(ge=0, le=1e6)]] = {}

    def worth(self, kind: ServerType) -> float:
        """Return what one server of a type gives this reservation [RRU]."""
        return self.values.get(kind.name, kind.rru)
