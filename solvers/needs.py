"""What services need: relative resource units of each reservation at each site, at the peak of the demand.

The *need* of a service at a site is its peak rate x service time / slots / target utilisation x what a replica takes [RRU]: the
replicas at which it runs as busy as it is meant to. Users go to sites by weight, those of local services within their region;
calls are answered where the caller is, else by weight: the routing of the twin with all things alive (twin/sim/routing.py).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from twin.model.fleet import Fleet
from twin.model.series import Series
from twin.model.services import Service

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
HOURS = 168  # of a week; of longer profiles the worst week counts, hour by hour
WEEK_S = HOURS * 3600.0


@dataclass(frozen=True)
class Needs:
    """Needs and busy units of reservations `[R, S]` in RRU at the peak of each pair, and of services `[K, S]`.

    `busy` is what keeps servers busy then: need x target utilisation. A guarantee that is larger than the need of its services
    scales the row of the reservation up (evenly where it has no services at all: `sites` says where its servers stand).
    `local` `[K, S]` is the factor in `of_service` that a site has on its own, by a requirement (None: no site has one).
    """

    reservations: tuple[str, ...]
    services: tuple[str, ...]
    sites: tuple[str, ...]
    need: Floats
    busy: Floats
    of_service: Floats
    local: Floats | None = None

    @property
    def demand(self) -> Floats:
        """Return what each reservation needs in all `[R]`: the sum of the peaks of its sites."""
        total: Floats = self.need.sum(axis=1)
        return total


def needs_of(fleet: Fleet) -> Needs:
    """Return the needs of a fleet. Cost: services x sites x 168 hours."""
    reservations = tuple(row.name for row in fleet.reservations)
    services = tuple(row.name for row in fleet.services)
    sites = tuple(row.name for row in fleet.sites)
    rate = rates_by_site(fleet)
    size = np.array(
        [row.service_time_s / row.slots / row.target_utilisation * row.replica_rru for row in fleet.services]
    )
    target = np.array([row.target_utilisation for row in fleet.services])
    wanted = rate * size[:, None, None] if len(size) else rate
    owner = np.array([reservations.index(row.reservation) for row in fleet.services], dtype=np.int64)
    hourly = np.zeros((len(reservations), *rate.shape[1:]))
    busy = np.zeros_like(hourly)
    np.add.at(hourly, owner, wanted)
    np.add.at(busy, owner, wanted * target[:, None, None] if len(size) else wanted)
    need, most = hourly.max(axis=2, initial=0.0), busy.max(axis=2, initial=0.0)
    floor = np.array([row.guaranteed_rru for row in fleet.reservations])
    return Needs(
        reservations,
        services,
        sites,
        _at_least(need, floor, _standing(fleet, reservations, sites)),
        most,
        wanted.max(axis=2, initial=0.0),
    )


def rates_by_site(fleet: Fleet) -> Floats:
    """Return the requests per second of each service at each site and hour of a week `[1/s, (K, S, 168)]`."""
    k_of = {row.name: k for k, row in enumerate(fleet.services)}
    series = {row.name: row for row in fleet.series}
    rate = np.zeros((len(fleet.services), len(fleet.sites), HOURS))
    shares = _Shares(fleet)
    for row in fleet.demand:
        service = fleet.services[k_of[row.service]]
        over_time = row.rate_per_s * _hourly(series.get(row.profile or ""))
        rate[k_of[row.service]] += shares.of(service, row.region)[:, None] * over_time
    for service in callers_first(fleet.services):
        at = rate[k_of[service.name]]
        for callee, calls in service.callees.items():
            there = shares.answers(callee)
            made = at * calls
            rate[k_of[callee], there] += made[there]
            rate[k_of[callee]] += shares.of(fleet.services[k_of[callee]], None)[:, None] * made[~there].sum(0)
    return rate


def callers_first(services: Sequence[Service]) -> list[Service]:
    """Return services so that each comes after all that call it (the call graph has no cycles)."""
    by_name = {row.name: row for row in services}
    done: dict[str, None] = {}

    def visit(row: Service) -> None:
        if row.name not in done:
            for callee in row.callees:
                visit(by_name[callee])
            done[row.name] = None

    for row in services:
        visit(row)
    return [by_name[name] for name in reversed(done)]


class _Shares:
    """The shares of traffic that sites get by the weights of deployments."""

    def __init__(self, fleet: Fleet) -> None:
        self._sites = {row.name: s for s, row in enumerate(fleet.sites)}
        self._region = np.array([row.region for row in fleet.sites])
        self._weight: dict[str, Floats] = {row.name: np.zeros(len(self._sites)) for row in fleet.services}
        self._answers = {row.name: np.zeros(len(self._sites), dtype=bool) for row in fleet.services}
        for row in fleet.deployments:
            if row.replicas:
                self._weight[row.service][self._sites[row.site]] = row.weight
                self._answers[row.service][self._sites[row.site]] = True

    def answers(self, service: str) -> Bools:
        """Return where a service has replicas `[S]`, which answer the calls of their site whatever their weight."""
        return self._answers[service]

    def of(self, service: Service, region: str | None) -> Floats:
        """Return the share of each site `[S]` of the users of a region (None: of everybody)."""
        weight = self._weight[service.name]
        if region is not None and service.locality == "region":
            local = np.where(self._region == region, weight, 0.0)
            weight = local if local.any() else weight
        total = weight.sum()
        return weight / total if total else weight


def _hourly(series: Series | None) -> Floats:
    """Return a profile at the hours of a week: its largest value within each, in any of its weeks."""
    if series is None:
        return np.ones(HOURS)
    values = np.array(series.values)
    weeks = max(1, math.ceil(len(values) * series.step_s / WEEK_S))
    steps = np.arange(math.ceil(weeks * WEEK_S / series.step_s))
    at = steps % len(values) if series.repeat else np.minimum(steps, len(values) - 1)
    first = np.floor(steps * series.step_s / 3600.0).astype(np.int64)
    last = np.minimum(np.ceil((steps + 1) * series.step_s / 3600.0).astype(np.int64) - 1, weeks * HOURS - 1)
    most = np.full(weeks * HOURS, -np.inf)
    for ahead in range(int((last - first).max()) + 1):
        hour = np.minimum(first + ahead, last)
        np.maximum.at(most, hour, values[at])
    return most.reshape(weeks, HOURS).max(axis=0)


def _standing(fleet: Fleet, reservations: Sequence[str], sites: Sequence[str]) -> Floats:
    """Return what reservations have at sites today `[RRU, (R, S)]`."""
    owners = {row.name: row for row in fleet.reservations}
    kinds = {row.name: row for row in fleet.server_types}
    site_of: Mapping[str, str] = {row.name: row.site for row in fleet.racks}
    has = np.zeros((len(reservations), len(sites)))
    r_of, s_of = {n: i for i, n in enumerate(reservations)}, {n: i for i, n in enumerate(sites)}
    for group in fleet.server_groups:
        worth = owners[group.owner].worth(kinds[group.type])
        has[r_of[group.owner], s_of[site_of[group.rack]]] += group.count * worth
    return has


def _at_least(need: Floats, floor: Floats, standing: Floats) -> Floats:
    """Return needs that add up to the guarantees at least, in the proportions of the needs, else of today's servers."""
    total, has = need.sum(axis=1), standing.sum(axis=1)
    raised = need.copy()
    for r in np.flatnonzero(floor > total):
        if total[r] > 0:
            raised[r] = need[r] * (floor[r] / total[r])
        elif has[r] > 0:
            raised[r] = standing[r] * (floor[r] / has[r])
        elif need.shape[1]:
            raised[r, 0] = floor[r]
    return raised
