"""The loop: few SimPy processes, one coalesced settle per instant.

Order within one instant (SimPy priority): 1 causes (world, plan, demand knots, predicted crossings), 5 the settle,
9 observers. Server faults wait for the next change that settles anyway when one is near.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator, Sequence
from dataclasses import dataclass, replace
from heapq import heappush
from itertools import groupby
from typing import Any

import numpy as np
import simpy
from simpy.core import SimTime

from twin.model.change import TimedChange
from twin.model.errors import NotSettled
from twin.records.run import Interval, Run
from twin.sim.engine import Engine
from twin.sim.movers import movers_of
from twin.sim.recorder import MAX_INTERVALS, Recorder

CAUSE, SETTLE = 1, 5
MAX_ROUNDS = 64
DEFER_S = 300.0
Observer = Callable[[float, Engine, Recorder, Sequence[TimedChange]], None]


@dataclass(frozen=True)
class Knots:
    """When series change within a run: those that need a settle (demand, weather) and those that do not (carbon, price)."""

    settling: np.ndarray
    grid: np.ndarray


class Clock(simpy.Environment):
    """A SimPy environment that can also schedule at an absolute time: now + (time - now) would round."""

    def at(self, time: float, priority: int = CAUSE) -> simpy.Event:
        """Return an event that happens at exactly `time`."""
        event = simpy.Event(self)
        event._ok, event._value = True, None
        queue: list[Any] = self._queue
        heappush(queue, (time, priority, next(self._eid), event))
        return event


class Coordinator:
    """One run: owns the SimPy environment, the engine and the recorder."""

    def __init__(
        self,
        engine: Engine,
        *,
        start_s: float,
        until_s: float,
        observe: Observer | None = None,
        without: Collection[str] = (),
    ) -> None:
        self.env = Clock(initial_time=start_s)
        self.engine = engine
        engine.movers = self._movers = movers_of(engine.compiled, without)
        self.recorder = Recorder(self.engine)
        self._start, self._until, self._observe = start_s, until_s, observe
        self._settle_pending = False
        self._generation = 0
        self._rounds = 0
        self._round_at: SimTime = -1.0
        self._recent: list[TimedChange] = []
        self._happened: list[Interval] = []
        self._wakes: np.ndarray = np.zeros(0)
        self.events = 0
        self._control_back: simpy.Event | None = None

    def run(self, plan: Sequence[TimedChange], world: Sequence[TimedChange], knots: Knots) -> Run:
        """Play plan and world (both in time order) from start to until and return what the recorder saw."""
        for mover in self._movers:
            for change in mover.begin(self._start):
                self.engine.state.apply(change)
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
        self._wakes = np.unique(np.r_[knots.settling, settling])
        self.recorder.set_grid(self._start)
        self._request_settle()
        self.env.process(self._play_world(later[1]))
        self.env.process(self._play_plan(later[0]))
        self.env.process(self._play_knots(knots.settling))
        self.env.process(self._play_grid(knots.grid))
        if self._until > self._start:
            self.env.run(until=self._until)
        run = self.recorder.finish(self._start, self._until, events=self.events)
        return replace(run, intervals=(*run.intervals, *self._happened[:MAX_INTERVALS]))

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
        self.engine.settle(at_s)
        self.recorder.flags = self.recorder.violations()
        self._observe(at_s, self.engine, self.recorder, changes)

    def _apply(self, change: TimedChange) -> None:
        self.recorder.advance(self.env.now)
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
            if change.change.kind != "failed" or not self._change_is_near():
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

    def _play_knots(self, knots: np.ndarray) -> Generator[simpy.Event, Any, None]:
        for knot in knots.tolist():
            yield self.env.at(knot)
            self.events += 1
            self._request_settle()

    def _play_grid(self, knots: np.ndarray) -> Generator[simpy.Event, Any, None]:
        for knot in knots.tolist():
            yield self.env.at(knot)
            self.recorder.advance(self.env.now)
            self.recorder.set_grid(self.env.now)

    def _change_is_near(self) -> bool:
        """Whether something settles within DEFER_S anyway: then a server fault waits for it."""
        position = int(np.searchsorted(self._wakes, self.env.now, side="right"))
        return position < len(self._wakes) and float(self._wakes[position]) - self.env.now <= DEFER_S

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
        state = self.engine.state
        servers_changed = state.servers_due or state.topology_due
        self.engine.settle(now)
        self.recorder.note(now, servers_changed=servers_changed)
        if self._observe is not None:
            self._observe(now, self.engine, self.recorder, tuple(self._recent))
        self._recent.clear()
        for mover in self._movers:
            mover.read(now, self.engine)
        self._predict(now)

    def _bound_rounds(self, now: float) -> None:
        self._rounds = self._rounds + 1 if now == self._round_at else 0
        self._round_at = now
        if self._rounds > MAX_ROUNDS:
            raise NotSettled(
                f"the state does not settle at {now:.3f} s ({MAX_ROUNDS} rounds); look for a device that "
                "switches itself off and on, and report it with the command that made it"
            )

    def _predict(self, now: float) -> None:
        """Schedule the earliest crossing of what moves on its own; older predictions are stale."""
        self._generation += 1
        assert self.engine.flows is not None
        services = self.engine.services
        due = min(
            now + services.next_crossing(self.engine.flows),
            services.next_belief(now),
            *(mover.due() for mover in self._movers),
        )
        if not np.isfinite(due) or due >= self._until:
            return
        generation = self._generation
        self.env.at(max(due, now)).callbacks.append(lambda _: self._crossing(generation))

    def _crossing(self, generation: int) -> None:
        """What moves on its own has arrived somewhere; a prediction made before the last settle is stale."""
        if generation != self._generation:
            return
        now = float(self.env.now)
        self.recorder.advance(now)
        for mover in self._movers:
            if mover.due() <= now:
                for change in mover.act(now, self.engine):
                    self._apply(change)
        self._request_settle()
