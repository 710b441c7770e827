"""From users to replicas: how many replicas each service needs at each site at the peak of its region."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from twin.model.fleet import Site
from twin.model.power import Rack
from twin.model.servers import ServerGroup, ServerType
from twin.model.services import Demand, Deployment, Service

Rates = dict[tuple[str, str], float]  # (service, site) -> requests per second at the peak


@dataclass(frozen=True)
class Users:
    """Mean requests per second of the users of a region for a service, before scaling, and their peak."""

    service: str
    region: str
    rate_per_s: float
    profile: str
    peak: float


Split = Mapping[str, Mapping[str, float]]  # region -> site -> weight


def peak_rates(services: Sequence[Service], users: Iterable[Users], split: Split) -> Rates:
    """Return the peak rates: users go to sites by weight, those of local services in their region; calls stay.

    All regions are taken at their own peak at once, which is right site by site for what is local.
    """
    rates: Rates = {}
    local = {service.name for service in services if service.locality == "region"}
    everywhere = {site: weight for weights in split.values() for site, weight in weights.items()}
    for user in users:
        for site, share in _shares(split[user.region] if user.service in local else everywhere):
            key = user.service, site
            rates[key] = rates.get(key, 0.0) + user.rate_per_s * user.peak * share
    sites = [site for shares in split.values() for site in shares]
    for service in _callers_first(services):
        for callee, calls in service.callees.items():
            for site in sites:
                made = rates.get((service.name, site), 0.0) * calls
                rates[callee, site] = rates.get((callee, site), 0.0) + made
    return rates


def deploy(services: Sequence[Service], rates: Rates, split: Split) -> list[Deployment]:
    """Return deployments that run at the target utilisation at the peak."""
    by_name = {service.name: service for service in services}
    weights = {site: share for shares in split.values() for site, share in shares.items()}
    return [
        Deployment(service=name, site=site, replicas=_replicas(by_name[name], rate), weight=weights[site])
        for (name, site), rate in sorted(rates.items())
        if rate > 0
    ]


def capacity_rru(
    groups: Iterable[ServerGroup], racks: Iterable[Rack], types: Mapping[str, ServerType]
) -> Rates:
    """Return (reservation, site) -> relative resource units."""
    site_of = {rack.name: rack.site for rack in racks}
    found: Rates = {}
    for group in groups:
        key = group.owner, site_of[group.rack]
        found[key] = found.get(key, 0.0) + group.count * types[group.type].rru
    return found


def need_rru(services: Sequence[Service], deployments: Iterable[Deployment]) -> Rates:
    """Return (reservation, site) -> relative resource units that the replicas ask for."""
    by_name = {service.name: service for service in services}
    found: Rates = {}
    for row in deployments:
        service = by_name[row.service]
        key = service.reservation, row.site
        found[key] = found.get(key, 0.0) + row.replicas * service.replica_rru
    return found


def demand_rows(users: Iterable[Users], scale: float, growth: float) -> list[Demand]:
    """Return the demand table, rates rounded to three digits."""
    return [
        Demand(
            service=user.service,
            region=user.region,
            rate_per_s=float(f"{user.rate_per_s * scale:.3g}"),
            profile=user.profile,
            growth_per_year=growth,
        )
        for user in users
    ]


def weights_by_region(sites: Iterable[Site], size: Mapping[str, float]) -> dict[str, dict[str, float]]:
    """Return region -> site -> weight, in proportion to the size of the sites."""
    split: dict[str, dict[str, float]] = {}
    for site in sites:
        split.setdefault(site.region, {})[site.name] = size[site.name]
    return split


def _shares(weights: Mapping[str, float]) -> list[tuple[str, float]]:
    total = sum(weights.values())
    return [(site, weight / total) for site, weight in weights.items()]


def _replicas(service: Service, rate_per_s: float) -> int:
    return math.ceil(rate_per_s * service.service_time_s / service.slots / service.target_utilisation)


def _callers_first(services: Sequence[Service]) -> list[Service]:
    by_name = {service.name: service for service in services}
    order: list[Service] = []
    seen: set[str] = set()

    def visit(service: Service) -> None:
        if service.name not in seen:
            seen.add(service.name)
            for callee in service.callees:
                visit(by_name[callee])
            order.append(service)

    for service in services:
        visit(service)
    return order[::-1]
