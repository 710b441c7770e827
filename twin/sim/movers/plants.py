"""Cooling plants that stop when their power goes or changes, and take time before they cool again.

A plant with a restart time stops when it has no power, when its power comes from other sources than before (a transfer),
and when anything else held it down (a trip, maintenance). Once it is free and has power again, controls and compressors
need the restart time; another loss meanwhile begins it anew. A UPS makes a voltage of its own: what stands behind it sees
no change of source, so fans and pumps that shall ride through are plants of their own, fed by the UPS.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Self

import numpy as np

from twin.graph.compile import Compiled
from twin.graph.levels import Bools
from twin.model.change import Change, TimedChange
from twin.model.cooling import CoolingPlant
from twin.records.text import names, span
from twin.sim.block import Block
from twin.sim.engine import Engine
from twin.sim.faults import Faults

ORIGIN = "physics:plants"
# Units that make their own voltage: what is upstream of them does not show downstream.
MAKERS = ("utility", "generator", "ups", "battery", "solar")
Sources = frozenset[str]
NOWHERE: Sources = frozenset()


class Plants:
    """The plants of one run: the sources that each last saw, whether this law holds it down, when it cools again [s]."""

    law: ClassVar[str] = "plants"

    def __init__(self, compiled: Compiled, rows: Sequence[tuple[int, CoolingPlant]]) -> None:
        self._index = [index for index, _ in rows]
        self._plants = [plant for _, plant in rows]
        self._upstream = Upstream(compiled, [int(compiled.power.plant_node[i]) for i in self._index])
        self._faults = Faults()
        self._lives, self._holds = np.zeros(0, dtype=bool), np.zeros(0, dtype=np.int64)
        self._held = [False] * len(rows)
        self._seen: list[Sources] = [NOWHERE] * len(rows)
        self._ready_at = [np.inf] * len(rows)
        self._acts: dict[int, TimedChange] = {}
        self._stuck: set[int] = set()
        self._now = 0.0

    @classmethod
    def of(cls, compiled: Compiled) -> Self | None:
        """Return the plants of a fresh run, all running; None when none has a restart time."""
        return cls(compiled, compiled.physics.plants) if compiled.physics.plants else None

    def begin(self, now: float) -> Sequence[Change]:
        """Every plant runs."""
        return ()

    def advance(self, seconds: float) -> None:
        """Nothing moves but time."""

    def read(self, now: float, engine: Engine) -> None:
        """Look at the sources of all plants when anything above them switched, and at faults that hold some back."""
        fresh, self._now = not len(self._holds), now
        switched = self._switched(engine)
        if not switched and not self._stuck:
            return
        self._lives = self._upstream.lives(engine)
        self._holds = engine.state.holds["cooling_plants"][self._index]
        rows = range(len(self._plants)) if switched else sorted(self._stuck)
        for i in rows:
            self._look(i, self._sources(i, engine), engine, fresh=fresh)

    def due(self) -> float:
        """Return when the next plant stops, begins to restart, or cools again."""
        return self._now if self._acts else min(self._ready_at)

    def act(self, now: float, engine: Engine) -> Sequence[TimedChange]:
        """Stop, announce and release plants."""
        acts = [self._acts[i] for i in sorted(self._acts)]
        self._acts.clear()
        for i, ready_at in enumerate(self._ready_at):
            if ready_at <= now:
                self._ready_at[i], self._held[i] = np.inf, False
                acts.append(self._say(i, now, 1.0, f"{self._plants[i].name} cools again"))
        return acts

    def quiet(self, block: Block) -> int:
        """It goes by what lives and what is held down, and that stands still over a block."""
        return len(block)

    def steady(self, engine: Engine) -> bool:
        """While nothing above them switches; one that is stuck waits for a fault that is mended."""
        return not self._stuck and not self._switched(engine)

    @property
    def at_rest(self) -> bool:
        """Whether none is held down."""
        return not any(self._held)

    def _switched(self, engine: Engine) -> bool:
        """Whether other feeds above the plants live than at the last look, or other plants are held down."""
        holds = engine.state.holds["cooling_plants"][self._index]
        same = np.array_equal(holds, self._holds)
        return not (same and np.array_equal(self._upstream.lives(engine), self._lives))

    def _sources(self, i: int, engine: Engine) -> Sources:
        """What makes the voltage at a plant that nothing else holds down."""
        others = engine.state.holds["cooling_plants"][self._index[i]] - self._held[i]
        return NOWHERE if others > 0 else self._upstream.sources(i, engine)

    def _look(self, i: int, sources: Sources, engine: Engine, *, fresh: bool) -> None:
        """Take note of what feeds a plant now, and stop it or begin its restart."""
        same = bool(sources & self._seen[i])
        if not self._held[i] and (same or fresh and sources):
            self._seen[i] = sources
            return
        plant, restarts = self._plants[i], ""
        if not sources:
            self._ready_at[i] = np.inf
            self._stuck.discard(i)
        elif not same or self._ready_at[i] == np.inf:
            restarts = self._restart(i, sources, engine)
        before, self._seen[i] = self._seen[i], sources
        if not self._held[i]:
            why = f"its power comes from {names(sorted(sources))} now" if sources and before else "it is down"
            self._held[i] = True
            text = f"{plant.name} stops: {why}" + (f"; {restarts}" if restarts else "")
            self._acts[i] = self._say(i, self._now, -1.0, text, sources | before)
        elif restarts:
            self._acts[i] = self._say(i, self._now, 0.0, f"{plant.name} {restarts}", sources)

    def _restart(self, i: int, sources: Sources, engine: Engine) -> str:
        """Begin the restart of a plant, unless it fails to; return what to say of it."""
        plant, told = self._plants[i], i in self._stuck
        if self._faults.strikes(engine, plant.name, "restart"):
            self._stuck.add(i)
            self._ready_at[i] = np.inf
            return "" if told else "does not restart: someone must mend it"
        self._stuck.discard(i)
        self._ready_at[i] = self._now + float(plant.restart_s or 0.0)
        return f"restarts: {span(float(plant.restart_s or 0.0))}"

    def _say(self, i: int, now: float, value: float, text: str, because: Sources = NOWHERE) -> TimedChange:
        name = self._plants[i].name
        return TimedChange(now, Change("state", name, value), ORIGIN, text, (name, *sorted(because)))


class Upstream:
    """The feeds between some plants and what makes their voltage, walked when something switched.

    Cost of the first look: one pass over the edges for each level of the chain.
    """

    def __deepcopy__(self, memo: object) -> Self:
        return self  # never changes: all runs on a fleet share it

    def __init__(self, compiled: Compiled, nodes: Sequence[int]) -> None:
        levels, power = compiled.power.levels, compiled.power
        self._nodes = nodes
        self._maker = {
            node: name
            for node, name, kind in zip(
                power.unit_node.tolist(),
                compiled.names["power_units"],
                compiled.names["unit_kind"],
                strict=True,
            )
            if kind in MAKERS
        }
        self._feeds: dict[int, list[tuple[int, int]]] = {node: [] for node in nodes}
        self._standby: dict[int, bool] = {}
        waiting = set(nodes)
        while waiting:
            edges = np.flatnonzero(np.isin(levels.child, list(waiting)))
            for edge in edges.tolist():
                child, parent = int(levels.child[edge]), int(levels.parent[edge])
                self._feeds.setdefault(child, []).append((edge, parent))
                self._standby[child] = bool(levels.standby[edge])
            waiting = set(levels.parent[edges].tolist()) - self._maker.keys() - self._feeds.keys()
        rows = [row for feeds in self._feeds.values() for row in feeds]
        self._edge, self._parent = np.array(rows, dtype=np.int64).reshape(-1, 2).T

    def lives(self, engine: Engine) -> Bools:
        """Return which of all feeds above the plants live: what `sources` goes by."""
        return engine.alive[self._parent] & (engine.state.feed_holds[self._edge] == 0)

    def sources(self, i: int, engine: Engine) -> Sources:
        """Return what makes the voltage at plant `i`, by the feeds that would carry it; empty when none lives."""
        found: set[str] = set()
        waiting, alive, closed = [self._nodes[i]], engine.alive, engine.state.feed_holds
        while waiting:
            node = waiting.pop()
            if node in self._maker:
                found.add(self._maker[node])
                continue
            feeds = self._feeds.get(node, [])
            live = [parent for edge, parent in feeds if alive[parent] and closed[edge] == 0]
            waiting += live[:1] if self._standby.get(node, False) else live
        return frozenset(found)
