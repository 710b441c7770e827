"""Standby generators: at rest until a load that they stand by for has lost its preferred source.

A generator that is called starts, and is a live source when it is ready; it stops after a cool-down when nothing needs
it any more. It may fail to start, fail while it runs, run without taking load, or stall on too large a step of load.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import ClassVar, Self

import numpy as np

from twin.graph.compile import Compiled
from twin.graph.levels import Bools, Ints
from twin.model.change import Change, TimedChange
from twin.model.power import PowerUnit
from twin.records.text import span
from twin.sim.engine import Engine
from twin.sim.faults import Faults
from twin.sim.laws.generator import levels, stalls
from twin.sim.movers.by_device import ByDevice
from twin.sim.standby import standby_of

# How long a set runs without load before it stops: five minutes is customary (an assumption).
COOL_DOWN_S = 300.0
# The metric that counts sets which did not start, run or take the load.
FAILURE = "standby_failures"


class Mode(IntEnum):
    """What a generator does. It is a live source while it runs or cools down; out and off load it waits for a person."""

    REST = 0
    STARTING = 1
    RUNNING = 2
    COOLING = 3
    OUT = 4
    OFF_LOAD = 5


ON = (Mode.RUNNING, Mode.COOLING)


class Generators(ByDevice):
    """The generators of one run as columns `[n]`: mode, seconds run, and when each acts next [s]."""

    law: ClassVar[str] = "generators"

    def __init__(self, compiled: Compiled, rows: Sequence[tuple[int, PowerUnit]]) -> None:
        self._units = [unit for _, unit in rows]
        self._index: Ints = np.array([i for i, _ in rows], dtype=np.int64)
        self._node: Ints = compiled.power.unit_node[self._index]
        self._standby = standby_of(compiled, self._index.tolist())
        self._rated_va = np.array([unit.rated_va for unit in self._units])
        self._block = np.array([unit.block for unit in self._units])
        self._faults = Faults()
        count = len(rows)
        self.mode, self.ran_s = np.full(count, Mode.REST), np.zeros(count)
        self._why = [""] * count
        self._wanted, self._calls = (
            np.zeros(count, dtype=bool),
            np.zeros(len(self._standby.points), dtype=bool),
        )
        # Load of each group of paralleled sets, now and when this instant began.
        self._level, self._level_before, self._instant = np.zeros(count), np.zeros(count), -np.inf
        self._at, self._due = np.full(count, np.inf), np.full(count, np.inf)

    @classmethod
    def of(cls, compiled: Compiled) -> Self | None:
        """Return the generators of a fresh run, all at rest; None when none says how long it takes to start."""
        rows = [(i, u) for i, u in compiled.physics.units if u.kind == "generator" and u.start_s is not None]
        return cls(compiled, rows) if rows else None

    def begin(self, now: float) -> Sequence[Change]:
        """A generator at rest is no source."""
        return [Change("state", unit.name, -1.0) for unit in self._units]

    def advance(self, seconds: float) -> None:
        """Count the time that each runs."""
        if self.mode.any():
            self.ran_s += np.where(self._is_on(), seconds, 0.0)

    def read(self, now: float, engine: Engine) -> None:
        """Take over who is wanted, and the load of those that run."""
        if self.steady(engine):
            self._due.fill(np.inf)
            return
        stalled = self._take_load(now, engine)
        idle = (self.mode == Mode.RUNNING) & ~self._wanted
        needed = (self.mode == Mode.COOLING) & self._wanted
        self.mode[idle], self._at[idle] = Mode.COOLING, now + COOL_DOWN_S
        self.mode[needed], self._at[needed] = Mode.RUNNING, np.inf
        self._due = self._at.copy()
        self._due[(self.mode == Mode.REST) & self._wanted & ~self._taken_out] = now
        self._due[self._taken_out & (self.mode != Mode.REST) & (self.mode != Mode.OUT)] = now
        self._due[(self.mode == Mode.OFF_LOAD) & ~self._wanted] = now
        for i in np.flatnonzero(self.mode).tolist():
            self._due[i] = min(self._due[i], self._struck_at(i, now, engine, stalled=bool(stalled[i])))

    def steady(self, engine: Engine) -> bool:
        """While all stand still and none is wanted: those that run go by how loads rise from one instant to the next."""
        self._wanted, self._calls = self._standby.wanted(engine)
        # Besides its own: a generator at rest, starting or off load is held down.
        self._taken_out = engine.state.holds["power_units"][self._index] > ~self._is_on()
        return self.at_rest and not (self._wanted & ~self._taken_out).any()

    @property
    def at_rest(self) -> bool:
        """Whether all stand still and none is wanted."""
        return not self.mode.any()

    def _is_on(self) -> Bools:
        return (self.mode == Mode.RUNNING) | (self.mode == Mode.COOLING)

    def _take_load(self, now: float, engine: Engine) -> Bools:
        """Read the loads; return which of those that run are given more at once, in this instant, than they take."""
        if now > self._instant:
            self._level_before, self._instant = self._level, now
        on = self._is_on() & engine.alive[self._node]
        rated_va = np.where(on, self._rated_va, 0.0)
        group = self._standby.group
        self._level = levels(engine.unit_va[self._index], rated_va, group, len(group))
        return on & stalls(self._level_before[group], self._level[group], self._block)

    def _struck_at(self, i: int, now: float, engine: Engine, *, stalled: bool) -> float:
        """When a fault, its end or the end of its life makes a generator act: now, later or never."""
        name = self._units[i].name
        if self.mode[i] in (Mode.OUT, Mode.OFF_LOAD):
            why = self._why[i]
            waits = why in ("block", "life") or self._faults.strikes(engine, name, why)
            return np.inf if waits else now
        if self.mode[i] not in ON:
            return np.inf
        if stalled or self._faults.strikes(engine, name, "run"):
            self._why[i] = "block" if stalled else "run"
            return now
        self._why[i] = "life"
        return now + max(self._life_left_s(i, engine), 0.0)

    def _life_left_s(self, i: int, engine: Engine) -> float:
        """Seconds of running until it fails (`fault` of the kind "life": after so many seconds of running)."""
        name = self._units[i].name
        if not self._faults.strikes(engine, name, "life"):
            return np.inf
        return engine.state.faults[name, "life"] - float(self.ran_s[i])

    def _act(self, i: int, now: float, engine: Engine) -> Sequence[TimedChange]:
        mode = self.mode[i]
        if self._taken_out[i] and mode != Mode.OUT:
            return self._stop(i, now, "stops: it is out of service", -1.0 if mode in ON else 0.0)
        if mode == Mode.REST:
            return self._start(i, now, engine)
        if mode == Mode.STARTING:
            return self._ready(i, now, engine)
        if mode == Mode.OFF_LOAD:
            return self._accept(i, now, engine)
        if mode == Mode.OUT:
            self._faults.mend(engine, self._units[i].name, self._why[i])
            return self._stop(i, now, "is mended", 0.0)
        if mode == Mode.COOLING and self._at[i] <= now:
            return self._stop(i, now, "stops: nothing needs it any more", -1.0)
        return self._fail(i, now)

    def _start(self, i: int, now: float, engine: Engine) -> Sequence[TimedChange]:
        unit = self._units[i]
        if self._faults.strikes(engine, unit.name, "start"):
            self._wait(i, Mode.OUT, "start", now)
            return self._told(i, now, "fails to start", 0.0, self._callers(i), event=FAILURE)
        start_s = unit.start_s or 0.0
        self.mode[i], self._at[i] = Mode.STARTING, now + start_s
        return self._told(i, now, f"starts: ready in {span(start_s)}", 0.0, self._callers(i))

    def _ready(self, i: int, now: float, engine: Engine) -> Sequence[TimedChange]:
        if self._faults.strikes(engine, self._units[i].name, "load"):
            self._wait(i, Mode.OFF_LOAD, "load", now)
            return self._told(i, now, "runs but takes no load", 0.0, event=FAILURE)
        self.mode[i], self._at[i] = Mode.RUNNING, np.inf
        return self._told(i, now, "is ready", 1.0)

    def _accept(self, i: int, now: float, engine: Engine) -> Sequence[TimedChange]:
        """A set that runs off load is brought onto it, or stops when nothing wants it any more."""
        if not self._wanted[i]:
            return self._stop(i, now, "stops: nothing needs it any more", 0.0)
        if self._why[i] == "load":
            self._faults.mend(engine, self._units[i].name, "load")
        self.mode[i], self._at[i] = Mode.RUNNING, np.inf
        return self._told(i, now, "is ready: it takes load now", 1.0)

    def _fail(self, i: int, now: float) -> Sequence[TimedChange]:
        unit, why = self._units[i], self._why[i]
        if why == "block":
            step = self._level[self._standby.group[i]] - self._level_before[self._standby.group[i]]
            self._wait(i, Mode.OFF_LOAD, why, now)
            most = f"{100 * unit.block:.0f} %"
            return self._told(
                i, now, f"stalls on {100 * step:.0f} % of its rating at once, taking {most}", -1.0
            )
        self._wait(i, Mode.OUT, why, now)
        return self._told(i, now, "fails while it runs", -1.0, event=FAILURE)

    def _stop(self, i: int, now: float, what: str, state: float) -> Sequence[TimedChange]:
        self.mode[i], self._at[i] = Mode.REST, np.inf
        return self._told(i, now, what, state)

    def _wait(self, i: int, mode: Mode, why: str, now: float) -> None:
        """Until a person has mended it."""
        self.mode[i], self._why[i], self._at[i] = mode, why, now + self._units[i].mttr_s

    def _callers(self, i: int) -> tuple[str, ...]:
        rows = (self._standby.generator == i) & (
            self._calls[self._standby.point] if len(self._calls) else False
        )
        return tuple(self._standby.points[p] for p in np.unique(self._standby.point[rows]))

    def _told(  # noqa: PLR0913
        self, i: int, now: float, what: str, state: float, because: tuple[str, ...] = (), *, event: str = ""
    ) -> Sequence[TimedChange]:
        """The change of its state (0: none, only words)."""
        name, origin = self._units[i].name, f"physics:{self.law}"
        change = Change("state", name, state) if state else Change("fault", name, 0.0, "start")
        return [TimedChange(now, change, origin, f"{name} {what}", because or (name,), event)]
