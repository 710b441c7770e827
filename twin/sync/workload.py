"""Services for pods: pods of one quality of service on one kind of server become the replicas of one service.

A replica takes the mean request of its pods, so that replicas x request is exactly what the pods ask for.
What users ask of a service is *assumed*: a constant rate at which the replicas are busy to the stated share
of what they requested.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from twin.model.servers import Reservation
from twin.model.services import Demand, Deployment, Service, Slo

REQUEST_BYTES = 50e3


@dataclass(frozen=True)
class Quality:
    """What a quality of service means for the services of its pods; all of it assumed."""

    prefix: str
    tier: int
    utilisation: float
    service_time_s: float
    slo: Slo
    max_wait_s: float


ONLINE = Quality("ls", 0, 0.5, 0.05, Slo(availability=0.999, p99_s=1.0), 1.0)
MIDDLE = Quality("burst", 1, 0.5, 0.05, Slo(availability=0.995, p99_s=2.0), 2.0)
BATCH = Quality("be", 2, 0.7, 0.5, Slo(availability=0.99, p99_s=10.0), 10.0)
# Kubernetes and Koordinator classes of the openb pods.
QUALITIES: dict[str, Quality] = {"LS": ONLINE, "Burstable": MIDDLE, "Guaranteed": MIDDLE, "BE": BATCH}
SLOTS = 8


@dataclass(frozen=True)
class Ask:
    """Pods of one quality on servers of one owner: how many, and what they ask for together (RRU)."""

    pods: int
    total_rru: float


@dataclass(frozen=True)
class Workload:
    """The services of a site and what belongs to them."""

    reservations: tuple[Reservation, ...]
    services: tuple[Service, ...]
    deployments: tuple[Deployment, ...]
    demand: tuple[Demand, ...]


def build_workload(
    asks: Mapping[tuple[str, str], Ask],
    owners: tuple[str, ...],
    *,
    site: str,
    region: str,
    values: Mapping[str, dict[str, float]] | None = None,
) -> Workload:
    """Return the workload for what pods ask; `asks` is keyed by (quality of service, owner).

    `values` are the types that the pods of an owner may use besides those that it has, and what one server is worth.
    """
    merged: dict[tuple[str, str], Ask] = {}
    for (qos, owner), ask in sorted(asks.items()):
        key = (QUALITIES[qos].prefix, owner)
        before = merged.get(key, Ask(0, 0.0))
        merged[key] = Ask(before.pods + ask.pods, before.total_rru + ask.total_rru)
    by_prefix = {quality.prefix: quality for quality in QUALITIES.values()}
    services, deployments, demand = [], [], []
    for (prefix, owner), ask in merged.items():
        quality, name = by_prefix[prefix], f"{prefix}-{owner}"
        services.append(_service(name, owner, quality, ask))
        deployments.append(Deployment(service=name, site=site, replicas=ask.pods))
        rate_per_s = quality.utilisation * ask.pods * SLOTS / quality.service_time_s
        demand.append(Demand(service=name, region=region, rate_per_s=rate_per_s))
    reservations = [
        Reservation(
            name=owner,
            guaranteed_rru=sum(ask.total_rru for (_, o), ask in merged.items() if o == owner),
            values=(values or {}).get(owner, {}),
        )
        for owner in owners
    ]
    return Workload(tuple(reservations), tuple(services), tuple(deployments), tuple(demand))


def _service(name: str, owner: str, quality: Quality, ask: Ask) -> Service:
    return Service(
        name=name,
        tier=quality.tier,
        reservation=owner,
        slots=SLOTS,
        service_time_s=quality.service_time_s,
        replica_rru=ask.total_rru / ask.pods,
        slo=quality.slo,
        target_utilisation=quality.utilisation,
        request_bytes=REQUEST_BYTES,
        max_wait_s=quality.max_wait_s,
    )
