"""A naive twin: one SimPy process per thing, everything asked again at every event. Slow, simple, independent.

It follows the documented rules (README and docstrings of `twin.sim`) and shares no code with the simulator: it imports
only `twin.model`, simpy and the standard library. Every thing that changes plays its own changes, every series its own
knots, every replica set its own queue and its own load balancer; a settler asks all of them when something happened.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import simpy

from tests.sim.naive_services import Instant, Key, Memory, Traffic
from tests.sim.naive_things import Cells
from twin.model.change import TimedChange
from twin.model.fleet import Fleet

Waits = Generator[simpy.Event, Any, None]
DEFER_S = 300.0  # a broken server waits that long for something else to happen
AFTER_CAUSES = 5
NOTHING = 1e-9  # a queue shorter than this is empty


@dataclass(frozen=True)
class Moment:
    """What was true from `at_s` on."""

    at_s: float
    powered: frozenset[str]
    reachable: frozenset[str]
    running: dict[Key, float]
    arrivals: dict[Key, float]
    backlog: dict[Key, float]
    errors: dict[str, float]
    facility_w: dict[str, float]


@dataclass
class Totals:
    """Integrals over the run."""

    requests: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    retries: Counter[str] = field(default_factory=Counter)
    facility_j: Counter[str] = field(default_factory=Counter)
    it_j: Counter[str] = field(default_factory=Counter)
    carbon_g: Counter[str] = field(default_factory=Counter)
    cost_usd: Counter[str] = field(default_factory=Counter)


class NaiveTwin:
    """Plays a plan in a world, from 0 to `until_s`."""

    def __init__(
        self,
        fleet: Fleet,
        plan: Sequence[TimedChange],
        world: Sequence[TimedChange],
        *,
        start: datetime,
        until_s: float,
    ) -> None:
        self.fleet, self.start, self.until_s = fleet, start, until_s
        self.env = simpy.Environment()
        self.cells, self.memory = Cells(), Memory()
        self.changed, self.settled, self.control_back = self.env.event(), self.env.event(), self.env.event()
        self.wrong_since: dict[Key, float] = {}
        self.moments: list[Moment] = []
        self.totals = Totals()
        self.last_s = 0.0
        self.traffic: Traffic | None = None
        self.instant: Instant
        self.leaves: dict[str, Any] = {}
        self.plan, self.world = plan, world

    def run(self) -> tuple[list[Moment], Totals]:
        """Return what happened, event by event, and the totals."""
        env = self.env
        for target in {change.change.target for change in self.world}:
            env.process(self._thing([change for change in self.world if change.change.target == target]))
        env.process(self._plan())
        for series in self.fleet.series:
            if series.name in {row.profile for row in self.fleet.demand}:
                env.process(self._series(series))
        env.process(self._settler())
        for service in self.fleet.services:
            for site in self.fleet.sites:
                env.process(self._queue(service.name, site.name))
                env.process(self._load_balancer(service, site.name))
        self._signal()
        env.run(until=self.until_s)
        self._keep_books(self.until_s)
        return self.moments, self.totals

    # Causes

    def _signal(self) -> None:
        if not self.changed.triggered:
            self.changed.succeed()

    def _thing(self, changes: list[TimedChange]) -> Waits:
        """One thing of the world: it breaks and is mended at its times."""
        for change in sorted(changes, key=lambda change: change.at_s):
            if change.at_s >= self.until_s:
                return
            if change.at_s > self.env.now:
                yield self.env.timeout(change.at_s - self.env.now)
            self.cells.apply(change.change)
            if change.change.kind == "control" and self.cells.control_lost <= 0:
                back, self.control_back = self.control_back, self.env.event()
                back.succeed()
            if change.change.kind != "failed" or not self._something_is_near():
                self._signal()

    def _something_is_near(self) -> bool:
        """Whether the world, a series or (while it surely runs on time) the plan changes something within five minutes."""
        times = [c.at_s for c in self.world if c.change.kind != "failed"]
        if not any(c.change.kind == "control" for c in self.world):
            times += [c.at_s for c in self.plan]
        for series in self.fleet.series:
            if series.name in {row.profile for row in self.fleet.demand}:
                times += self._knots(series)
        return any(self.env.now < at_s <= self.env.now + DEFER_S for at_s in times if at_s < self.until_s)

    def _plan(self) -> Waits:
        """The plan waits while the control plane is lost, and is late by that time from then on."""
        late_s = 0.0
        for change in sorted(self.plan, key=lambda change: change.at_s):
            if change.at_s + late_s > self.env.now:
                yield self.env.timeout(change.at_s + late_s - self.env.now)
            while self.cells.control_lost > 0:
                since = self.env.now
                yield self.control_back
                late_s += self.env.now - since
            self.cells.apply(change.change)
            self._signal()

    def _knots(self, series: Any) -> list[float]:
        """When the value of a series changes."""
        found, values = [], series.values
        first = math.floor((self.start - series.start).total_seconds() / series.step_s)
        steps = math.ceil(self.until_s / series.step_s)
        for step in range(first + 1, first + steps + 1):
            at_s = step * series.step_s - (self.start - series.start).total_seconds()
            if values[step % len(values)] != values[(step - 1) % len(values)] and 0 < at_s < self.until_s:
                found.append(at_s)
        return found

    def _series(self, series: Any) -> Waits:
        for at_s in self._knots(series):
            yield self.env.timeout(at_s - self.env.now)
            self._signal()

    def _queue(self, service: str, site: str) -> Waits:
        """The queue of a service at a site: it says when a quarter of what may wait is reached."""
        yield self.settled
        while True:
            due_s = self._next_quarter_s(service, site)
            waited = self.env.timeout(due_s) if due_s < math.inf else self.env.event()
            settled = self.settled
            yield waited | settled
            if not settled.triggered:
                self._signal()
                yield self.settled

    def _next_quarter_s(self, service: str, site: str) -> float:
        assert self.traffic is not None
        rate, level = self.traffic.backlog_rate(service, site), self.memory.backlog[service, site]
        marks = [quarter / 4 * self.instant.full(service, site) for quarter in range(5)]
        if rate > 0:
            ahead = [mark - level for mark in marks if mark > level * (1 + 1e-9) + NOTHING]
        else:
            ahead = [mark - level for mark in marks if mark < level * (1 - 1e-9) - NOTHING]
        return max(1e-6, min(gap / rate for gap in ahead)) if rate and ahead else math.inf

    def _load_balancer(self, service: Any, site: str) -> Waits:
        """It learns `failover_s` late what became of a service at a site."""
        key = (service.name, site)
        yield self.settled
        while True:
            due_s = self.wrong_since.get(key, math.inf) + service.failover_s
            waiting = self.env.now + NOTHING < due_s < math.inf
            settled = self.settled
            yield (self.env.timeout(due_s - self.env.now) | settled) if waiting else settled
            if not settled.triggered:
                self._signal()
                yield self.settled

    # The settle

    def _settler(self) -> Waits:
        while True:
            yield self.changed
            after_causes = self.env.event()
            after_causes._ok, after_causes._value = True, None
            self.env.schedule(after_causes, priority=AFTER_CAUSES)
            yield after_causes
            self.changed = self.env.event()
            self._keep_books(self.env.now)
            self._settle()
            done, self.settled = self.settled, self.env.event()
            done.succeed()

    def _settle(self) -> None:
        now_s = self.env.now
        self.instant = instant = Instant(self.fleet, self.cells, start=self.start, now_s=now_s)
        for key, able in instant.able.items():
            self._believe(key, able, now_s)
            # Who waits where nobody serves, or behind more than can be served in time, fails.
            room = instant.full(*key) if able else 0.0
            level, counted = self.memory.backlog[key], self.memory.counted[key]
            gone = max(0.0, level - room)
            # Of those, some were counted already: their calls had failed.
            self.totals.errors[key[0]] += gone * (1 - counted / level) if level else 0.0  # type: ignore[assignment]
            self.memory.backlog[key] = level - gone
            self.memory.counted[key] = counted * (1 - gone / level) if level else 0.0
        self.traffic = traffic = Traffic(instant, self.memory)
        self.leaves = traffic.leaves()
        self.facility_w = instant.chain.facility_w(self.leaves)
        errors = {name: traffic.errors(name) for name in instant.services}
        self.moments.append(
            Moment(
                now_s,
                frozenset(instant.powered),
                frozenset(instant.reachable),
                instant.running,
                dict(traffic.arrivals),
                dict(self.memory.backlog),
                errors,
                self.facility_w,
            )
        )

    def _believe(self, key: Key, able: bool, now_s: float) -> None:
        believed = self.memory.believed
        if not self.moments:
            believed[key] = able
        if believed[key] == able:
            self.wrong_since.pop(key, None)
            return
        since = self.wrong_since.setdefault(key, now_s)
        failover_s = self.instant.services[key[0]].failover_s
        if self.cells.control_lost <= 0 and since + failover_s <= now_s + NOTHING:
            believed[key] = able
            del self.wrong_since[key]

    def _keep_books(self, now_s: float) -> None:
        seconds, self.last_s = now_s - self.last_s, now_s
        if self.traffic is None or seconds <= 0:
            return
        traffic, totals = self.traffic, self.totals
        add(totals.requests, {k: traffic.requests(k) for k in self.instant.services}, seconds)
        add(totals.errors, {k: traffic.errors(k) for k in self.instant.services}, seconds)
        add(totals.retries, {k: traffic.retries(k) for k in self.instant.services}, seconds)
        add(totals.facility_j, self.facility_w, seconds)
        regions = {region.name: region for region in self.fleet.regions}
        for site in self.fleet.sites:
            region, joules = regions[site.region], self.facility_w[site.name] * seconds
            it_w = sum(self.leaves[rack.name].watts for rack in self.fleet.racks if rack.site == site.name)
            add(totals.it_j, {site.name: it_w}, seconds)
            add(totals.carbon_g, {site.name: (region.carbon_g_per_kwh or 0.0) / 3.6e6}, joules)
            add(totals.cost_usd, {site.name: (region.price_usd_per_mwh or 0.0) / 3.6e9}, joules)
        # All rates are those of the time that has passed: they are asked for before any queue moves on.
        rates = {key: (traffic.backlog_rate(*key), traffic.passed(*key)) for key in self.instant.able}
        fails = {key: self._counted_when_they_come(*key) for key in rates}
        for key, (rate, leave) in rates.items():
            before, full = self.memory.backlog[key], self.instant.full(*key)
            level = before + rate * seconds
            self.memory.backlog[key] = level = 0.0 if level < NOTHING * max(full, 1.0) else min(level, full)
            first = self._first_ones_left(before, level, (rate, leave), seconds)
            self.memory.counted[key] = self.memory.counted[key] * first + fails[key] * (
                level - before * first
            )

    def _counted_when_they_come(self, service: str, site: str) -> float:
        """Share of what comes of which one of the calls fails, or whose answer a full link inside a site loses."""
        assert self.traffic is not None
        survive = 1.0 - self.traffic.failing_calls(service, site)
        return 1.0 - survive * (1.0 - self.traffic.fabric.failing(service))

    @staticmethod
    def _first_ones_left(before: float, after: float, flow: tuple[float, float], seconds: float) -> float:
        """Who leaves is taken from all that wait: of n first ones n·(after / before)^(-leave / rate) are left."""
        rate, leave = flow
        first = 0.0
        if before > 0 and after > 0:
            still = abs(after / before - 1) < 1e-9
            first = math.exp(-leave * seconds / before) if still else (after / before) ** (-leave / rate)
        return first


def add(total: Counter[str], rates: dict[str, float], seconds: float) -> None:
    """Add rate x time to every total."""
    for name, rate in rates.items():
        total[name] += rate * seconds  # type: ignore[assignment]
