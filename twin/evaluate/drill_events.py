"""What a drill is judged by: who lost and regained power, violations, acts of physics, and a few quantities."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import numpy as np

from twin.graph.compile import Compiled
from twin.model.change import TimedChange
from twin.model.drill import EventKind
from twin.records.drill import Event
from twin.sim.engine import Engine
from twin.sim.narrate import Narrator, sample
from twin.sim.recorder import Recorder
from twin.sim.watch import nodes_of

PHYSICS = "physics:"


@dataclass
class Watcher:
    """An observer of settles: passes them on to a narrator and keeps the events and the quantities of the drill.

    Times count from `shift_s` on.
    """

    compiled: Compiled
    narrator: Narrator
    shift_s: float
    quantities: Sequence[tuple[str, str]] = ()
    events: list[Event] = field(default_factory=list)
    traces: dict[tuple[str, str], list[tuple[float, float]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._nodes = nodes_of(self.compiled)
        self._alive: np.ndarray | None = None
        self._flags: np.ndarray | None = None

    def __call__(self, now: float, engine: Engine, recorder: Recorder, recent: Sequence[TimedChange]) -> None:
        """Take note of one settle."""
        self.narrator(now, engine, recorder, recent)
        at_s = now - self.shift_s
        actors = {c.change.target: _law(c.origin) for c in recent if c.origin.startswith(PHYSICS)}
        self._acts(at_s, recent)
        self._power(at_s, engine, actors)
        self._violations(at_s, recorder)
        for quantity, thing in self.quantities:
            # Nothing to sample where the law is switched off: what is expected of it is then not measured, and so not met.
            with suppress(KeyError):
                value = sample(engine, quantity, thing)
                self.traces.setdefault((quantity, thing), []).append((at_s, value))

    def _acts(self, at_s: float, recent: Sequence[TimedChange]) -> None:
        for timed in recent:
            if timed.origin.startswith(PHYSICS):
                change, by = timed.change, _law(timed.origin)
                self.events.append(Event(at_s, "acts", change.target, change.kind, by=by, text=timed.text))

    def _power(self, at_s: float, engine: Engine, actors: dict[str, str]) -> None:
        before, self._alive = self._alive, engine.alive.copy()
        if before is None:
            return
        for node in np.flatnonzero(before != engine.alive).tolist():
            found = self._nodes[node]
            if found is not None:
                kind, name = found
                event: EventKind = "up" if engine.alive[node] else "down"
                self.events.append(Event(at_s, event, name, kind, by=actors.get(name, "")))

    def _violations(self, at_s: float, recorder: Recorder) -> None:
        before, self._flags = self._flags, recorder.flags.copy()
        changed = self._flags if before is None else before != self._flags
        for flag in np.flatnonzero(changed).tolist():
            of, thing = recorder.thing(flag)
            event: EventKind = "begins" if self._flags[flag] else "ends"
            self.events.append(Event(at_s, event, thing, "violation", of=of))


def _law(origin: str) -> str:
    return origin.removeprefix(PHYSICS)
