"""Servers and services of one instant, asked one at a time; see `naive_things`."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property, lru_cache
from typing import Any

from tests.sim.naive_fabric import NaiveFabric
from tests.sim.naive_things import Cells, Load, Network, PowerChain
from twin.model.fleet import Fleet

YEAR_S = 365.25 * 86400
STATIONARY = 0.98  # from here the backlog, not the stationary tail, says how long requests wait

Key = tuple[str, str]  # (service, site)


@dataclass
class Memory:
    """What outlives an instant: backlogs (requests), what of them has been counted as failed, what load balancers believe."""

    backlog: dict[Key, float] = field(default_factory=Counter)
    counted: dict[Key, float] = field(default_factory=Counter)
    believed: dict[Key, bool] = field(default_factory=dict)


class Instant:
    """The settled state at one time. Results are remembered only within one instance."""

    def __init__(self, fleet: Fleet, cells: Cells, *, start: datetime, now_s: float) -> None:
        self.fleet, self.cells, self.start, self.now_s = fleet, cells, start, now_s
        # A fresh copy: things held down later must not change what was found here.
        self.chain = PowerChain(fleet, Counter(cells.held))
        self.network = Network(fleet, self.chain)
        self.services = {service.name: service for service in fleet.services}
        self.types = {kind.name: kind for kind in fleet.server_types}
        self.racks = {rack.name: rack for rack in fleet.racks}
        self.sites = self.network.sites
        self.regions = [region.name for region in fleet.regions]
        self.powered = {rack.name for rack in fleet.racks if self.chain.rack_powered(rack)}
        self.reachable = {rack.name for rack in fleet.racks if self.network.rack_reaches(rack)}
        self.rows = {(d.service, d.site): d for d in fleet.deployments}
        self.running = {(k, s): self._running(k, s) for k in self.services for s in self.sites}
        self.able = {key: self._able(*key) for key in self.running}

    # Servers

    def standing(self, group: Any) -> tuple[int, int, int]:
        """How many servers of a group work, idle without work, and are broken with power."""
        if group.rack not in self.powered:
            return 0, 0, 0
        count = group.count + self.cells.added[group.name]
        healthy = max(count - self.cells.failed[group.name], 0)
        works = group.rack in self.reachable and self.cells.drained[group.rack] <= 0
        return (healthy, 0, count - healthy) if works else (0, healthy, count - healthy)

    def watts(self, kind: str, utilisation: float) -> float:
        """Power of a working server: measured points joined by lines, or idle + (max - idle)(2u - u^r)."""
        row, u = self.types[kind], min(utilisation, 1.0)
        if not row.curve:
            return float(row.idle_w + (row.max_w - row.idle_w) * (2 * u - u**row.exponent))
        for (u0, w0), (u1, w1) in zip(row.curve, row.curve[1:], strict=False):
            if u <= u1:
                return float(w0 + (w1 - w0) * (u - u0) / (u1 - u0))
        raise AssertionError

    def throttle(self, group: Any) -> float:
        """Most utilisation that a power cap leaves: each server may draw its part of nameplate."""
        cap_w = self.cells.cap_w.get(group.rack, math.inf)
        mates = [g for g in self.fleet.server_groups if g.rack == group.rack]
        nameplate_w = sum(self.standing(g)[0] * self.watts(g.type, 1.0) for g in mates)
        if cap_w == math.inf or nameplate_w == 0:
            return 1.0
        allowed_w = cap_w / nameplate_w * self.watts(group.type, 1.0)
        if self.watts(group.type, 1.0) <= allowed_w:
            return 1.0
        low, high = 0.0, 1.0
        for _ in range(60):
            middle = (low + high) / 2
            low, high = (middle, high) if self.watts(group.type, middle) <= allowed_w else (low, middle)
        return low

    def owned(self, owner: str, site: str) -> list[Any]:
        """The groups of a reservation at a site."""
        return [g for g in self.fleet.server_groups if g.owner == owner and self.racks[g.rack].site == site]

    def worth(self, group: Any) -> float:
        """What a server of a group gives its owner."""
        values = next(row.values for row in self.fleet.reservations if row.name == group.owner)
        return values[group.type] if group.type in values else self.types[group.type].rru

    def capacity_rru(self, owner: str, site: str) -> float:
        """Relative resource units that a reservation has at work at a site."""
        return sum(self.standing(g)[0] * self.worth(g) * self.throttle(g) for g in self.owned(owner, site))

    def wanted(self, service: str, site: str) -> float:
        """Replicas that the service should have at a site."""
        row = self.rows.get((service, site))
        return (row.replicas if row else 0.0) + self.cells.replicas.get((service, site), 0.0)

    def _running(self, service: str, site: str) -> float:
        """Where a reservation is short, all its services run with the same share of their replicas; sick ones do not."""
        owner = self.services[service].reservation
        if not self.owned(owner, site):
            return 0.0
        mates = [s for s in self.fleet.services if s.reservation == owner]
        need = sum(self.wanted(s.name, site) * s.replica_rru for s in mates)
        fill = min(1.0, self.capacity_rru(owner, site) / need) if need > 0 else 1.0
        return self.wanted(service, site) * fill * min(1.0, max(0.0, 1.0 - self.cells.sick.get(service, 0.0)))

    def _able(self, service: str, site: str) -> bool:
        storage = {row.name: row for row in self.fleet.storage}.get(self.services[service].storage or "")
        copies = (
            sum(rack in self.powered and rack in self.reachable for rack in storage.racks) if storage else 0
        )
        return (
            self.running[service, site] > 1e-9
            and self.network.site_ok(site)
            and (storage is None or copies >= storage.quorum)
        )

    def capacity(self, service: str, site: str) -> float:
        """Requests per second that the running replicas of a service at a site can serve."""
        row = self.services[service]
        return (
            self.running[service, site] * row.slots / row.service_time_s if self.able[service, site] else 0.0
        )

    def full(self, service: str, site: str) -> float:
        """Most requests that wait."""
        return self.capacity(service, site) * self.services[service].max_wait_s

    # Demand

    def series(self, name: str) -> float:
        """The value of a series now."""
        row = next(row for row in self.fleet.series if row.name == name)
        place = math.floor(((self.start - row.start).total_seconds() + self.now_s) / row.step_s)
        count = len(row.values)
        return row.values[place % count if row.repeat else min(max(place, 0), count - 1)]

    def demand(self, service: str, region: str) -> float:
        """Requests per second that a region's users make of a service."""
        total = 0.0
        for row in self.fleet.demand:
            if (row.service, row.region) == (service, region):
                since = self.fleet.as_of or self.start
                years = ((self.start - since).total_seconds() + self.now_s) / YEAR_S
                factor = self.series(row.profile) if row.profile else 1.0
                total += row.rate_per_s * factor * (1.0 + row.growth_per_year) ** years
        extra = sum(self.cells.surge.get((k, g), 0.0) for k in (service, "*") for g in (region, "*"))
        return total * max(0.0, 1.0 + extra)


class Traffic:
    """Requests of one instant: where they go, what gets through, what fails."""

    def __init__(self, instant: Instant, memory: Memory) -> None:
        self.at, self.memory = instant, memory
        self.services, self.sites = instant.services, instant.sites
        self.first: dict[Key, float] = {}
        self.lost: dict[str, float] = {}
        self.leaving: dict[Key, float] = {}
        self.extra: dict[str, float] = {}
        self.failing: dict[str, float] = {}
        self.arrivals: dict[Key, float] = {}
        for name in self._callers_first():
            self._send(name)
        for name in self.services:
            self._resend(name)

    def _callers_first(self) -> list[str]:
        order: list[str] = []
        while len(order) < len(self.services):
            order += [
                k
                for k in self.services
                if k not in order
                and all(caller in order for caller, row in self.services.items() if k in row.callees)
            ]
        return order

    def weight(self, service: str, site: str) -> float:
        """Weight that takes traffic: none where the load balancers think that nobody answers."""
        row = self.at.rows.get((service, site))
        weight = (row.weight if row else 0.0) + self.at.cells.weight.get((service, site), 0.0)
        return weight if self.memory.believed[service, site] else 0.0

    def _send(self, name: str) -> None:
        """First tries: users by region, calls from the sites of the callers."""
        here, self.lost[name] = Counter[str](), 0.0
        for region in self.at.regions:
            rate = self.at.demand(name, region)
            own = [site.name for site in self.at.fleet.sites if site.region == region]
            if self.services[name].locality == "region" and sum(self.weight(name, s) for s in own) > 0:
                self._spread(name, rate, tuple(own), here)
            else:
                self._spread(name, rate, self.at.network.region_part(region), here)
        parts = {self.at.network.region_part(region) for region in self.at.regions}
        for site in self.sites:
            calls = sum(
                row.callees.get(name, 0.0) * self.passed_first(caller, site)
                for caller, row in self.services.items()
                if name in row.callees
            )
            if self.memory.believed[name, site]:
                here[site] += calls
                continue
            self.leaving[name, site] = calls
            part = next((part for part in parts if site in part), ())
            self._spread(name, calls, part, here)
        for site in self.sites:
            self.first[name, site] = here[site]

    def _spread(self, name: str, rate: float, sites: tuple[str, ...], here: Counter[str]) -> None:
        """Spread requests by weight; what no site takes is lost."""
        total = sum(self.weight(name, site) for site in sites)
        if total <= 0:
            self.lost[name] += rate
            return
        for site in sites:
            here[site] += rate * self.weight(name, site) / total  # type: ignore[assignment]

    def passed_first(self, name: str, site: str) -> float:
        """Requests that get through and so make calls: at most the capacity, all of it while there is a backlog."""
        capacity = self.at.capacity(name, site)
        return capacity if self.memory.backlog[name, site] > 0 else min(self.first[name, site], capacity)

    def _resend(self, name: str) -> None:
        """Requests that meet a dead site fail at once; within the retry budget they are tried again by the same shares."""
        row = self.services[name]
        dead = [s for s in self.sites if self.memory.believed[name, s] and not self.at.able[name, s]]
        total = sum(self.first[name, s] for s in self.sites)
        p = sum(self.first[name, s] for s in dead) / total if total else 0.0
        tries = sum(p**n for n in range(1, row.retries + 1))
        q = min(1.0, row.retry_budget / tries) if tries > 0 else 1.0
        self.extra[name] = total * q * tries
        failed = total * p * (1 - q) + total * p * q * p**row.retries
        requests = total + self.lost[name]
        self.failing[name] = (self.lost[name] + failed) / requests if requests else 0.0
        for site in self.sites:
            self.arrivals[name, site] = 0.0 if site in dead else self.first[name, site] * (1 + q * tries)

    def requests(self, name: str) -> float:
        """First tries of a service per second."""
        return sum(self.first[name, s] for s in self.sites) + self.lost[name]

    def net(self, name: str, site: str) -> float:
        """How fast the backlog grows, were it not bounded."""
        capacity, arrivals = self.at.capacity(name, site), self.arrivals[name, site]
        if self.memory.backlog[name, site] > 0 or (self.at.able[name, site] and arrivals > capacity):
            return arrivals - capacity
        return 0.0

    def brimming(self, name: str, site: str) -> bool:
        """Whether as many requests wait as may."""
        return self.net(name, site) > 0 and self.memory.backlog[name, site] >= self.at.full(name, site) * (
            1 - 1e-9
        )

    def backlog_rate(self, name: str, site: str) -> float:
        """How fast the backlog grows [1/s]."""
        return 0.0 if self.brimming(name, site) else self.net(name, site)

    def overflow(self, name: str, site: str) -> float:
        """Requests per second that find no place to wait."""
        return self.net(name, site) if self.brimming(name, site) else 0.0

    def passed(self, name: str, site: str) -> float:
        """Requests per second that are served."""
        capacity = self.at.capacity(name, site)
        return capacity if self.memory.backlog[name, site] > 0 else min(self.arrivals[name, site], capacity)

    def retries(self, name: str) -> float:
        """Extra tries per second."""
        row = self.services[name]
        failed = sum(self.overflow(name, s) for s in self.sites)
        return self.extra[name] + min(row.retry_budget * self.requests(name), failed * row.retries)

    def failing_at(self, name: str, site: str) -> float:
        """Share of the requests to a service at a site that fail, by itself or by one of the calls they make."""
        arrivals = self.arrivals[name, site]
        survive = 1.0 - (self.overflow(name, site) / arrivals if arrivals > 0 else 0.0)
        survive *= 1.0 - self.failing[name]
        return 1.0 - survive * (1.0 - self.failing_calls(name, site))

    def failing_calls(self, name: str, site: str) -> float:
        """Share of the requests that a service takes in at a site of which one of the calls fails."""
        survive = 1.0
        for callee, calls in self.services[name].callees.items():
            seen = (
                self.failing_at(callee, site)
                if self.memory.believed[callee, site]
                else self.failing_mean(callee)
            )
            whole = math.floor(calls)
            survive *= (1.0 - seen) ** whole * (1.0 - (calls - whole) * seen)
        return 1.0 - survive

    def failing_mean(self, name: str) -> float:
        """Mean of that over the sites, by arrivals."""
        total = sum(self.arrivals[name, s] for s in self.sites)
        if total <= 0:
            return self.failing[name]
        return sum(self.failing_at(name, s) * self.arrivals[name, s] for s in self.sites) / total

    def errors(self, name: str) -> float:
        """Failed requests per second: by a service or one of its calls, or by full links inside a site."""
        survive = (1.0 - self.failing_mean(name)) * (1.0 - self.fabric.failing(name))
        return self.requests(name) * (1.0 - survive)

    @cached_property
    def fabric(self) -> NaiveFabric:
        """What answers lose on full links inside a site."""
        return NaiveFabric(self)

    def p99_s(self, name: str) -> float:
        """The p99 at the worst site that takes more than 1 % of the requests, plus the mean round trip of the users."""
        row, worst = self.services[name], 0.0
        for site in self.sites:
            arrivals, capacity = self.arrivals[name, site], self.at.capacity(name, site)
            if self.at.able[name, site] and arrivals > 0.01 * self.requests(name):
                p99_s = row.service_time_s * sojourn_p99(row.slots, min(arrivals / capacity, STATIONARY))
                wait_s = self.memory.backlog[name, site] / capacity
                longest_s = row.service_time_s * sojourn_p99(row.slots, 0.0) + row.max_wait_s
                worst = max(worst, min(p99_s + wait_s, longest_s))
        return worst + self._round_trip_s(name)

    def _round_trip_s(self, name: str) -> float:
        total = weighted = 0.0
        for region in self.at.regions:
            rate = self.at.demand(name, region)
            total += rate
            own = [site.name for site in self.at.fleet.sites if site.region == region]
            if self.services[name].locality == "region" and sum(self.weight(name, s) for s in own) > 0:
                continue
            part = self.at.network.region_part(region)
            share = sum(self.weight(name, s) for s in part)
            for site in part if share > 0 else ():
                weighted += (
                    rate * self.weight(name, site) / share * self.at.network.round_trip_s(region, site)
                )
        return weighted / total if total > 0 else 0.0

    # Power

    def utilisation(self, owner: str, site: str) -> float:
        """Part of a reservation's relative resource units at a site that is busy."""
        capacity = self.at.capacity_rru(owner, site)
        if capacity <= 0:
            return 0.0
        mates = [row for row in self.services.values() if row.reservation == owner]
        return (
            sum(
                self.passed(row.name, site) * row.service_time_s / row.slots * row.replica_rru
                for row in mates
            )
            / capacity
        )

    def rack_load(self, rack: Any) -> Load:
        """What the servers of a rack draw: working ones by their load, others idle, broken ones almost nothing."""
        total = Load()
        for group in self.at.fleet.server_groups:
            if group.rack != rack.name:
                continue
            kind = self.at.types[group.type]
            working, idle, broken = self.at.standing(group)
            u = min(1.0, self.utilisation(group.owner, rack.site)) * self.at.throttle(group)
            busy_w, tan_phi = self.at.watts(kind.name, u), math.tan(math.acos(kind.power_factor))
            swing_w = busy_w * (kind.peak_factor - 1.0)
            alone_w = math.sqrt(working) * swing_w * (1.0 - kind.peak_correlation)
            total = total.plus(
                Load(
                    working * busy_w,
                    working * busy_w * tan_phi,
                    working * swing_w * kind.peak_correlation,
                    {group.name: alone_w},
                )
            )
            rest_w = idle * self.at.watts(kind.name, 0.0) + broken * kind.off_w
            total = total.plus(Load(rest_w, rest_w * tan_phi))
        if self.at.chain.powered(rack) and self.at.cells.held[rack.name] <= 0:
            for switch in self.at.fleet.switches:
                alive = self.at.network.switch_alive(switch.name)
                if switch.name in rack.switches and not switch.fed_by and alive:
                    sharing = sum(switch.name in other.switches for other in self.at.fleet.racks)
                    total = total.plus(Load(switch.power_w / sharing))
        return total

    def leaves(self) -> dict[str, Load]:
        """What racks, plants and switches draw."""
        found = {rack.name: self.rack_load(rack) for rack in self.at.fleet.racks}
        for site in self.at.fleet.sites:
            heat_w = sum(found[rack.name].watts for rack in self.at.fleet.racks if rack.site == site.name)
            outdoor_c = self.at.series(site.outdoor_series) if site.outdoor_series else site.outdoor_c
            outdoor_c += self.at.cells.warmer_c.get(site.name, 0.0)
            live = [
                p
                for p in self.at.fleet.cooling_plants
                if p.site == site.name and self.at.chain.powered(p) and self.at.cells.held[p.name] <= 0
            ]
            most_w = sum(p.rated_heat_w for p in live)
            for plant in live:
                cop = max(
                    plant.cop_min, plant.cop_ref * (1 - plant.cop_slope_per_k * (outdoor_c - plant.t_ref_c))
                )
                watts = plant.rated_heat_w * min(1.0, heat_w / most_w) / cop + plant.fixed_w
                found[plant.name] = Load(watts, watts * math.tan(math.acos(plant.power_factor)))
        for switch in self.at.fleet.switches:
            if switch.fed_by and self.at.network.switch_alive(switch.name):
                found[switch.name] = Load(switch.power_w)
        return found


@lru_cache(maxsize=100_000)
def sojourn_p99(slots: int, rho: float) -> float:
    """99th percentile of waiting plus service in M/M/c, in mean service times, from the textbook's sums."""
    load = slots * rho
    terms = [load**n / math.factorial(n) for n in range(slots)]
    last = load**slots / math.factorial(slots) / (1 - rho)
    waits, rate = last / (sum(terms) + last), slots * (1 - rho)

    def tail(t: float) -> float:
        late = (1 + t) * math.exp(-t)
        if abs(rate - 1) > 1e-9:
            late = (rate * math.exp(-t) - math.exp(-rate * t)) / (rate - 1)
        return (1 - waits) * math.exp(-t) + waits * late

    low, high = 0.0, 10.0 / rate + 20.0
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if tail(middle) > 0.01 else (low, middle)
    return (low + high) / 2
