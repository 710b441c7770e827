"""Services, where their replicas stand, what their users ask, and the state they keep."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from twin.model.base import Name, Record
from twin.model.units import Bytes, PerSecond, PositiveSeconds, Seconds, Share, SignedRatio


class Slo(Record):
    """What users are promised: the share of requests answered, and the 99th percentile of the answer time."""

    availability: Annotated[Share, Field(lt=1.0)] = 0.999
    p99_s: Annotated[PositiveSeconds, Field(alias="p99")] = 1.0


class Service(Record):
    """A service: its replicas queue on their own (c = `slots` workers each), and call other services.

    `service_time_s` is the mean of one request on one worker. Requests wait at most `max_wait_s`, then they fail;
    a failed request is tried again at most `retries` times, all retries together within `retry_budget` of
    the demand. `failover_s` is how long traffic keeps going to a site that can no longer serve it.
    """

    name: Name
    tier: Annotated[int, Field(ge=0, le=9)]
    reservation: Name
    slots: Annotated[int, Field(ge=1, le=1024)] = 1
    service_time_s: Annotated[PositiveSeconds, Field(alias="service_time", le=86400.0)]
    replica_rru: Annotated[float, Field(gt=0, le=1e6)] = 1.0
    slo: Slo = Slo()
    target_utilisation: Annotated[Share, Field(gt=0)] = 0.7
    callees: dict[Name, Annotated[float, Field(gt=0, le=1e4)]] = {}
    request_bytes: Annotated[Bytes, Field(alias="request_size")] = 0.0
    locality: Literal["any", "region"] = "any"
    max_wait_s: Annotated[Seconds, Field(alias="max_wait")] = 1.0
    retries: Annotated[int, Field(ge=0, le=10)] = 2
    retry_budget: Annotated[Share, Field(description="retries / first tries, at most")] = 0.1
    failover_s: Annotated[Seconds, Field(alias="failover")] = 30.0
    storage: Name | None = None
    spread_sites: Annotated[int, Field(ge=1, description="least number of sites with replicas")] = 1


class Deployment(Record):
    """Replicas of a service at a site, and the share of traffic it is given (`weight`, relative)."""

    service: Name
    site: Name
    replicas: Annotated[int, Field(ge=0, le=100_000_000)]
    weight: Annotated[float, Field(ge=0, le=1e9)] = 1.0


class Demand(Record):
    """Requests of the users of a region for a service: base rate x profile x growth."""

    service: Name
    region: Name
    rate_per_s: Annotated[PerSecond, Field(alias="rate")]
    profile: Name | None = None
    growth_per_year: Annotated[SignedRatio, Field(alias="growth")] = 0.0


class Storage(Record):
    """A stateful set: copies in racks, of which `quorum` must be reachable."""

    name: Name
    racks: Annotated[tuple[Name, ...], Field(min_length=1)]
    quorum: Annotated[int, Field(ge=1)]
    bytes_stored: Annotated[Bytes, Field(alias="size")] = 0.0
