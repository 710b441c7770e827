"""The loop: few SimPy processes, one coalesced settle per instant.

Order within one instant (SimPy priority): 1 causes (world, plan, demand knots, predicted crossings), 5 the settle,
9 observers. Server faults wait for the next change that settles anyway when one is near.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import replace
from heapq import heappush
from itertools import groupby
from typing import Any

import numpy as np
import simpy
from simpy.core import SimTime

from twin.model.change import Change, TimedChange
from twin.model.errors import NotSettled
from twin.records.run import Interval, Run
from twin.sim.engine import Engine
from twin.sim.knots import Ahead, Knots, longest_for, wait_for_the_next
from twin.sim.recorder import MAX_INTERVALS, Recorder

CAUSE, SETTLE = 1, 5
MAX_ROUNDS = 64
Observer = Callable[[float, Engine, Recorder, Sequence[TimedChange]], None]


class Clock(simpy.Environment):
    """A SimPy environment that can also schedule at an absolute time: now + (time - now) would round."""

    def at(self, time: float, priority: int = CAUSE) -> simpy.Event:
        """Return an event that happens at exactly `time`."""
        event = simpy.Event(self)
        event._ok, event._value = True, None
        queue: list[Any] = self._queue
        heappush(queue, (time, priority, next(self._eid), event))
        return event

    def next_but(self, event: simpy.Event | None) -> float:
        """Return when anything but `event` happens next; events without callbacks were given up."""
        others = (time for time, _, _, one in self._queue if one.callbacks and one is not event)
        return min(others, default=np.inf)


class Coordinator:
    """One run: owns the SimPy environment, the engine and the recorder."""

    def __init__(
        self, engine: Engine, *, start_s: float, until_s: float, observe: Observer | None = None
    ) -> None:
        self.env = Clock(initial_time=start_s)
        self.engine, self._movers = engine, engine.movers
        self.recorder = Recorder(self.engine)
        self._start, self._until, self._observe = start_s, until_s, observe
        self._settle_pending = False
        self._prediction: simpy.Event | None = None
        self._arrived = False
        self._rounds = 0
        self._round_at: SimTime = -1.0
        self._recent: list[TimedChange] = []
        self._happened: list[Interval] = []
        self._knot: simpy.Event | None = None
        self._ahead = Ahead(np.zeros(0), (), longest=1)
        self.events = 0
        self._control_back: simpy.Event | None = None

    def run(self, plan: Sequence[TimedChange], world: Sequence[TimedChange], knots: Knots) -> Run:
        """Play plan and world (both in time order) from start to until and return what the recorder saw."""
        for mover in self._movers:
            for change in mover.begin(self._start):
                self.engine.state.apply(change)
        self.engine.state.begin()
        before = [c for c in (*world, *plan) if c.at_s < self._start]
        if self._observe is not None:
            self._preface(sorted(before, key=lambda change: change.at_s))
        else:
            for timed in before:
                self._apply(timed)
        later = [[c for c in changes if self._start <= c.at_s < self._until] for changes in (plan, world)]
        # A plan that the loss of the control plane may pause is nothing to wait for: nobody knows when it moves.
        on_time = later[1] if any(c.change.kind == "control" for c in world) else [*later[0], *later[1]]
        settling = [c.at_s for c in on_time if c.change.kind != "failed"]
        world = self._look_ahead(later[1], knots, np.unique(np.r_[knots.settling, settling]))
        self.recorder.begin(self._start, knots.grid)
        self._request_settle()
        self.env.process(self._play_world(world))
        self.env.process(self._play_plan(later[0]))
        if self._until > self._start:
            self.env.run(until=self._until)
        self.events += len(self._ahead.happened(self._until))
        run = self.recorder.finish(self._start, self._until, events=self.events)
        return replace(run, intervals=(*run.intervals, *self._happened[:MAX_INTERVALS]))

    def _look_ahead(self, world: Sequence[TimedChange], knots: Knots, wakes: np.ndarray) -> list[TimedChange]:
        """Set aside the server faults that wait for the next change; return what is left of the world."""
        failed = [c for c in world if c.change.kind == "failed"]
        waiting = dict(zip(map(id, failed), wait_for_the_next(failed, wakes), strict=True))
        # Who looks on sees one settle after the other.
        cells = self.engine.services.backlog.size + len(self.engine.compiled.names["power_units"])
        longest = longest_for(cells) if self._observe is None else 1
        faults = [c for c in failed if waiting[id(c)]]
        self._ahead = Ahead(knots.settling, faults, longest=longest)
        return [c for c in world if not waiting.get(id(c))]

    def _preface(self, before: Sequence[TimedChange]) -> None:
        """Show an observer how the state at the start came about, change by change, without keeping books."""
        self._show(min([self._start, *(change.at_s for change in before)]), ())
        for at_s, group in groupby(before, key=lambda change: change.at_s):
            changes = tuple(group)
            for change in changes:
                self.engine.state.apply(change.change)
            self.events += len(changes)
            self._show(at_s, changes)
        self.engine.services.forget()
        self.recorder.flags = np.zeros_like(self.recorder.flags)
        self.engine.state.servers_due = self.engine.state.routing_due = True

    def _show(self, at_s: float, changes: Sequence[TimedChange]) -> None:
        assert self._observe is not None
        self.engine.services.forget()
        self.recorder.flags = self.recorder.violations(self.engine.block(np.array([at_s])))
        self._observe(at_s, self.engine, self.recorder, changes)

    def _apply(self, change: TimedChange) -> None:
        self.engine.state.apply(change.change)
        self._recent.append(change)
        self.events += 1
        if change.event:
            now = float(self.env.now)
            self._happened.append(Interval(change.event, change.change.target, now, now))
        if (
            change.change.kind == "control"
            and self.engine.state.control_lost <= 0
            and self._control_back is not None
        ):
            self._control_back.succeed()
            self._control_back = None

    def _play_world(self, changes: Sequence[TimedChange]) -> Generator[simpy.Event, Any, None]:
        for change in changes:
            if change.at_s > self.env.now:
                yield self.env.at(change.at_s)
            self._apply(change)
            self._request_settle()

    def _play_plan(self, changes: Sequence[TimedChange]) -> Generator[simpy.Event, Any, None]:
        """Play the plan; while the control plane is lost nothing of it moves, and all of it moves later by that time."""
        late = 0.0
        for change in changes:
            due = change.at_s + late
            if due > self.env.now:
                yield self.env.at(due)
            while self.engine.state.control_lost > 0:
                lost_at = self.env.now
                self._control_back = self._control_back or self.env.event()
                yield self._control_back
                late += self.env.now - lost_at
            self._apply(change)
            self._request_settle()

    def _next_knot(self) -> None:
        """Wait for the next knot, unless somebody does."""
        if self._knot is None and self._ahead.next_knot < self._until:
            self._knot = self.env.at(self._ahead.next_knot)
            self._knot.callbacks.append(self._on_knot)

    def _on_knot(self, _: simpy.Event) -> None:
        self._knot = None
        self._ahead.pass_knot()
        self.events += 1
        self._request_settle()

    def _request_settle(self) -> None:
        if self._settle_pending:
            return
        self._settle_pending = True
        self._schedule(self._settle, 0.0, SETTLE)

    def _schedule(self, callback: Callable[[Any], None], delay: float, priority: int) -> None:
        self.env.at(self.env.now + delay, priority).callbacks.append(callback)

    def _settle(self, _: Any) -> None:
        now = float(self.env.now)
        self._settle_pending = False
        self._bound_rounds(now)
        self.recorder.advance(now)
        recent = [*self._wait_no_longer(now), *self._recent]
        self._recent.clear()
        state = self.engine.state
        servers_changed = state.servers_due or state.topology_due
        # What has just arrived somewhere must be read and predicted anew before anything else goes by.
        still = self.engine.steady(now) and not self._arrived
        self._arrived = False
        horizon = min(self.env.next_but(self._knot), self._until) if still else now
        times, faults = self._ahead.block(now, horizon)
        block = self.engine.block(times, faults)
        self._pass(len(times), len(block), faults)
        self.recorder.note(block, servers_changed=servers_changed)
        if self._observe is not None:
            self._observe(now, self.engine, self.recorder, tuple(recent))
        for mover in self._movers:
            mover.read(self.engine.now, self.engine)
        self._predict(self.engine.now)
        self._next_knot()

    def _wait_no_longer(self, now: float) -> Sequence[TimedChange]:
        """Apply the server faults that waited for this settle."""
        waited = self._ahead.happened(now)
        for fault in waited:
            self.engine.state.apply(fault.change)
        self.events += len(waited)
        return waited

    def _pass(self, tried: int, taken: int, faults: Sequence[Sequence[Change]]) -> None:
        """Pass the knots and faults that were settled together with this instant."""
        self._ahead.took(tried, taken)
        if taken == 1:
            return
        self.events += taken - 1 + sum(len(changes) for changes in faults[:taken])
        self._ahead.happened(self.engine.now)
        if self._knot is not None:
            self._knot.callbacks.clear()
            self._knot = None

    def _bound_rounds(self, now: float) -> None:
        self._rounds = self._rounds + 1 if now == self._round_at else 0
        self._round_at = now
        if self._rounds > MAX_ROUNDS:
            raise NotSettled(
                f"the state does not settle at {now:.3f} s ({MAX_ROUNDS} rounds); look for a device that "
                "switches itself off and on, and report it with the command that made it"
            )

    def _predict(self, now: float) -> None:
        """Schedule the earliest crossing of what moves on its own; an older prediction is stale, and given up."""
        if self._prediction is not None:
            self._prediction.callbacks.clear()
            self._prediction = None
        assert self.engine.flows is not None
        services = self.engine.services
        due = min(
            now + services.next_crossing(self.engine.flows),
            services.next_belief(now),
            *(mover.due() for mover in self._movers),
        )
        if not np.isfinite(due) or due >= self._until:
            return
        self._prediction = self.env.at(max(due, now))
        self._prediction.callbacks.append(self._crossing)

    def _crossing(self, _: simpy.Event) -> None:
        """What moves on its own has arrived somewhere."""
        self._prediction, self._arrived = None, True
        now = float(self.env.now)
        self.recorder.advance(now)
        for mover in self._movers:
            if mover.due() <= now:
                for change in mover.act(now, self.engine):
                    self._apply(change)
        self._request_settle()
