"""Services, where their replicas stand, what their users ask, and the state they keep."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from twin.model.base import Name, Record
from twin.model.units import (
    BitsPerSecond,
    Bytes,
    PerSecond,
    PositiveSeconds,
    PositiveShare,
    Ratio,
    Seconds,
    Share,
    SignedRatio,
)


class Slo(Record):
    """What users are promised: the share of requests answered, and the 99th percentile of the answer time."""

    availability: Annotated[Share, Field(lt=1.0)] = 0.999
    p99_s: Annotated[PositiveSeconds, Field(alias="p99")] = 1.0


class Autoscaling(Record):
    """A controller of the number of replicas at each site, by their mean utilisation.

    Defaults are those of Kubernetes: a look each 15 s, deviations of 10 % left alone, fewer replicas only when all looks
    of the last 300 s agree. New replicas serve `start_s` after they were asked for (assumed: half a minute).
    """

    target: Annotated[PositiveShare, Field(description="utilisation to keep")] = 0.6
    period_s: Annotated[PositiveSeconds, Field(alias="period")] = 15.0
    start_s: Annotated[Seconds, Field(alias="start")] = 30.0
    window_s: Annotated[Seconds, Field(alias="window", description="looks that must agree on fewer")] = 300.0
    tolerance: Annotated[Share, Field(description="deviation from the target left alone")] = 0.1
    least: Annotated[int, Field(ge=1, description="fewest replicas at a site that has any")] = 1
    most: Annotated[int | None, Field(ge=1, description="most replicas at a site")] = None


class Service(Record):
    """A service: its replicas queue on their own (c = `slots` workers each), and call other services.

    `service_time_s` is the mean of one request on one worker. Requests wait at most `max_wait_s`, then they fail;
    a failed request is tried again at most `retries` times, all retries together within `retry_budget` of
    the demand. `failover_s` is how long traffic keeps going to a site that can no longer serve it.

    What it does not declare is not modelled. With a `timeout`, an answer that comes later is of no use though it was work,
    and what failed is asked again one timeout later: overload adds to itself. With `warm_up`, replicas that start, or
    that get users of another site, take `cold_factor` as long (assumed) until their caches have filled with that time
    constant. With `fanout`, a caller's p99 includes its callees and the network to them. Variability (squared coefficient
    of variation) is 1 for a Poisson stream and exponential times. `shed_above` that utilisation, requests are refused at
    once.
    After its servers at a site have all been without power it starts there once all of `starts_after` answer (at its site,
    where they are deployed there), `start` later; services may need each other in a circle, and then never start.
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
    retry_budget: Annotated[Ratio, Field(description="retries / first tries, at most")] = 0.1
    timeout_s: Annotated[
        PositiveSeconds | None, Field(alias="timeout", description="clients give up an attempt after it")
    ] = None
    warm_up_s: Annotated[
        PositiveSeconds | None, Field(alias="warm_up", description="time constant of filling caches")
    ] = None
    cold_factor: Annotated[float, Field(ge=1, le=1e3, description="service time, cold / warm")] = 3.0
    fanout: Annotated[
        Literal["sequential", "parallel"] | None,
        Field(description="how it calls; None: p99 leaves callees out"),
    ] = None
    arrival_scv: Annotated[float, Field(ge=0, le=1e3, description="variability between arrivals")] = 1.0
    service_scv: Annotated[float, Field(ge=0, le=1e3, description="variability of service times")] = 1.0
    shed_above: Annotated[PositiveShare | None, Field(description="utilisation that it refuses to pass")] = (
        None
    )
    autoscale: Autoscaling | None = None
    starts_after: Annotated[
        tuple[Name, ...], Field(description="what must answer before it starts again from nothing")
    ] = ()
    start_s: Annotated[Seconds, Field(alias="start", description="from then until it runs")] = 0.0
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
    """A stateful set: copies in racks, of which `quorum` must be reachable.

    With `parts`, objects lie in that many parts on different racks, of which `needed` suffice to read one (3 copies: 3
    and 1; an erasure code 6 + 3: 9 and 6). Parts of a rack that is away for `rebuild_wait_s` (assumed: ten minutes)
    are written again elsewhere, each rack giving `rebuild_bps`, as far as `spare_bytes` of free space go (None: far enough).

    `rebuild_by: manager` rebuilds what was on the rack, dead or only cut off. `peers` look after their own copies: a
    rack that is cut off rebuilds nothing before it is back, and then all it has.
    """

    name: Name
    racks: Annotated[tuple[Name, ...], Field(min_length=1)]
    quorum: Annotated[int, Field(ge=1)]
    bytes_stored: Annotated[Bytes, Field(alias="size")] = 0.0
    parts: Annotated[int | None, Field(ge=1, le=64, description="parts or copies of each object")] = None
    needed: Annotated[int, Field(ge=1, le=64, description="parts that suffice to read it")] = 1
    rebuild_bps: Annotated[
        BitsPerSecond, Field(alias="rebuild", description="what a rack gives to rebuilding")
    ] = 1e9
    rebuild_wait_s: Annotated[Seconds, Field(alias="rebuild_wait")] = 600.0
    rebuild_by: Literal["manager", "peers"] = "manager"
    spare_bytes: Annotated[Bytes | None, Field(alias="spare", description="free space of the whole set")] = (
        None
    )
