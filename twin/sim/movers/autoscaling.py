"""Autoscaling: a controller that looks at the utilisation of a service's replicas at a site and asks for more or fewer."""

from __future__ import annotations

from collections.abc import Sequence
from math import floor, inf
from typing import ClassVar, Self

import numpy as np

from twin.graph.compile import Compiled
from twin.graph.levels import Floats
from twin.model.change import Change, TimedChange
from twin.model.services import Autoscaling as Rule
from twin.sim.block import Block
from twin.sim.engine import Engine
from twin.sim.laws.autoscale import wanted, within_a_step


class Autoscaling:
    """The controllers of one run, one for each service that declares one and each site where it stands.

    Between two settles all looks see the same, so only those that lead to something are made. What was recommended is
    remembered for as long as it keeps replicas from being taken away.
    """

    law: ClassVar[str] = "autoscaling"

    def __init__(self, compiled: Compiled) -> None:
        self._compiled = compiled
        self._loops = [
            _Loop(k, s, rule)
            for k, rule in compiled.stress.autoscaled
            for s in np.flatnonzero(compiled.services.replicas[k] > 0).tolist()
        ]
        self._begun = 0.0

    @classmethod
    def of(cls, compiled: Compiled) -> Self | None:
        """Return the controllers of a fresh run; None when no service declares one."""
        return cls(compiled) if compiled.stress.autoscaled else None

    def begin(self, now: float) -> Sequence[Change]:
        """The first looks come a period from now; until then the replicas are those that were wanted."""
        self._begun = now
        for loop in self._loops:
            loop.seen = [(now, self._compiled.services.replicas[loop.service, loop.site])]
        return ()

    def advance(self, seconds: float) -> None:
        """Nothing moves but what is due."""

    def read(self, now: float, engine: Engine) -> None:
        """Measure the utilisation, and see when a look would lead to something."""
        busy = _busy(engine)
        for loop in self._loops:
            name = self._compiled.names["services"][loop.service]
            loop.paused = (
                engine.state.control_lost > 0 or engine.state.faults.get((name, "controller"), 0.0) > 0
            )
            loop.measure(now, self._begun, float(engine.state.replicas[loop.service, loop.site]), busy)
            if loop.wants_more and self._room(engine, loop) <= 0:
                loop.give_up()

    def due(self) -> float:
        """Return when the next replicas start, or the next look asks for some."""
        return min((loop.due() for loop in self._loops), default=inf)

    def act(self, now: float, engine: Engine) -> Sequence[TimedChange]:
        """Start the replicas whose time has come; look, and ask for more or take some away."""
        changes = []
        for loop in self._loops:
            if loop.due() <= now:
                room = self._room(engine, loop)
                step = loop.started(now) + loop.look(now, self._begun, room)
                if step:
                    changes.append(self._told(now, loop, step))
        return changes

    def quiet(self, block: Block) -> int:
        """Each settle may ask for replicas."""
        return 0

    def steady(self, engine: Engine) -> bool:
        """Never: each settle may ask for replicas."""
        return False

    def _room(self, engine: Engine, loop: _Loop) -> float:
        """Replicas that the servers of the reservation at the site still hold, beyond those running or on their way."""
        services = self._compiled.services
        rs = int(services.rs[loop.service, loop.site])
        if rs >= len(engine.capacity_rs):
            return 0.0
        taken = float(((engine.state.replicas * services.replica_rru[:, None])[services.rs == rs]).sum())
        for other in self._loops:
            if services.rs[other.service, other.site] == rs:
                taken += other.coming * float(services.replica_rru[other.service])
        free = float(engine.capacity_rs[rs]) - taken
        return max(0.0, np.floor(free / float(services.replica_rru[loop.service]) + 1e-9))

    def _told(self, now: float, loop: _Loop, step: float) -> TimedChange:
        service, site = (
            self._compiled.names["services"][loop.service],
            self._compiled.names["sites"][loop.site],
        )
        more = f"{abs(step):g} {'more' if step > 0 else 'fewer'} replica{'s' if abs(step) > 1 else ''}"
        text = f"autoscaling gives {service} {more} at {site}, its utilisation being {100 * loop.utilisation:.0f} %"
        return TimedChange(
            now, Change("replicas", service, step, site), f"physics:{self.law}", text, (service,)
        )


class _Loop:
    """One controller: a service at a site.

    `seen` holds (time, replicas): the last look that recommended a number; `pending` holds (time, replicas) that will start.
    """

    def __init__(self, service: int, site: int, rule: Rule) -> None:
        self.service, self.site, self.rule = service, site, rule
        self.seen: list[tuple[float, float]] = []
        self.pending: list[tuple[float, float]] = []
        self.paused = False
        self.replicas = self.utilisation = 0.0
        self._goal: float | None = None
        self._since = -inf
        self._look = inf

    @property
    def coming(self) -> float:
        """Replicas that were asked for and do not serve yet."""
        return sum(count for _, count in self.pending)

    def measure(self, now: float, begun: float, replicas: float, busy: Floats) -> None:
        """Take the state of a settle: what would be recommended now, and the next look that leads to something."""
        rule, total = self.rule, replicas + self.coming
        self.replicas = replicas
        self.utilisation = float(busy[self.service, self.site]) / replicas if replicas > 0 else 0.0
        goal = self._recommended(total)
        if goal != self._goal:
            last = _next_tick(now, begun, rule.period_s) - rule.period_s
            if self._goal is not None and last >= self._since:
                self.seen.append((last, self._goal))
            self._goal, self._since = goal, now
        self.seen = [(look, count) for look, count in self.seen if look + rule.window_s > now]
        self._look = inf
        if self.paused or replicas <= 0:
            return
        if goal > total and (rule.most is None or total < rule.most):
            self._look = _next_tick(now, begun, rule.period_s)
        elif goal < total and not self.pending:
            ends = sorted({now, *(look + rule.window_s for look, _ in self.seen)})
            free = next(end for end in ends if self._agreed(end) < total)
            self._look = max(
                _next_tick(now, begun, rule.period_s), _next_tick(free - 1e-6, begun, rule.period_s)
            )

    @property
    def wants_more(self) -> bool:
        """Whether the next look would ask for replicas."""
        return self._look < inf and self._goal is not None and self._goal > self.replicas + self.coming

    def give_up(self) -> None:
        """Look again only after something has changed."""
        self._look = inf

    def due(self) -> float:
        """Return when something starts or a look leads to something."""
        return min(self._look, min((at for at, _ in self.pending), default=inf))

    def started(self, now: float) -> float:
        """Return the replicas that start now."""
        ready = sum(count for at, count in self.pending if at <= now)
        self.pending = [(at, count) for at, count in self.pending if at > now]
        return ready

    def look(self, now: float, begun: float, room: float) -> float:
        """Ask for replicas that come later, or return those (negative) that go now."""
        if now < self._look or self._goal is None:
            return 0.0
        total = self.replicas + self.coming
        self._look = inf
        if self._goal > total:
            goal = float(within_a_step(np.array(total), np.array(self._goal)))
            more = min(goal - total, room)
            if more > 0:
                self.pending.append((now + self.rule.start_s, more))
            return self.started(now)
        return min(0.0, self._agreed(now) - total)

    def _recommended(self, total: float) -> float:
        """Replicas wanted for what is busy, with those that still start counted as idle."""
        if total <= 0:
            return 0.0
        idle_too = self.utilisation * self.replicas / total
        goal = float(
            wanted(np.array(total), np.array(idle_too), np.array(self.rule.target), self.rule.tolerance)
        )
        return min(max(goal, self.rule.least), self.rule.most or inf)

    def _agreed(self, now: float) -> float:
        """The largest recommendation within the window."""
        recent = (count for look, count in self.seen if look + self.rule.window_s > now)
        return max(self._goal or 0.0, *recent, 0.0)


def _busy(engine: Engine) -> Floats:
    """Replicas that are busy `[1, (K, S)]`: all of those that run while something waits."""
    assert engine.flows is not None
    rho = np.where(engine.services.backlog > 0, 1.0, np.minimum(engine.flows.rho, 1.0))
    return np.asarray(rho * engine.running)


def _next_tick(now: float, begun: float, period_s: float) -> float:
    """The first look after a time: looks come each period from the beginning on."""
    return begun + period_s * max(1, floor((now - begun) / period_s + 1e-9) + 1)
