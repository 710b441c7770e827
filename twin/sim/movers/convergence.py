"""Convergence: routers hear of a link or border switch that died, or came back, some time after it did.

In between traffic follows the old routes, and what they lead over a dead hop is lost. What is over before routers hear of
it moves no traffic: they never know.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Self

import numpy as np

from twin.graph.compile import Compiled
from twin.model.change import Change, TimedChange
from twin.records.text import span
from twin.sim.block import Block
from twin.sim.engine import Engine


class Convergence:
    """Since when routers have been wrong about each border switch and each backbone link of one run."""

    law: ClassVar[str] = "convergence"

    def __init__(self, things: int, takes_s: float) -> None:
        self._takes_s = takes_s
        self._since = np.full(things, np.inf)

    @classmethod
    def of(cls, compiled: Compiled) -> Self | None:
        """Return the routers of a fresh run, who know the truth; None when the fleet says that they know at once."""
        network = compiled.network
        if not network.convergence_s or not len(network.backbone):
            return None
        return cls(int(network.switch_is_border.sum()) + len(network.backbone), network.convergence_s)

    def begin(self, now: float) -> Sequence[Change]:
        """From now on routers know what they are told."""
        return [Change("route", "*", 1.0)]

    def advance(self, seconds: float) -> None:
        """Nothing moves but the clock."""

    def read(self, now: float, engine: Engine) -> None:
        """Note since when routers have been wrong about what."""
        wrong = engine.routers.known != engine.routers.up
        self._since = np.where(wrong, np.minimum(self._since, now), np.inf)

    def due(self) -> float:
        """When they hear of what happened first."""
        return float(self._since.min(initial=np.inf)) + self._takes_s

    def act(self, now: float, engine: Engine) -> Sequence[TimedChange]:
        """Tell them what they have been wrong about for long enough."""
        ripe = np.flatnonzero(self._since + self._takes_s <= now).tolist()
        self._since[ripe] = np.inf
        return [self._tell(now, engine, i) for i in ripe]

    def quiet(self, block: Block) -> int:
        """All of a block: links and switches stay as they are in it."""
        return len(block)

    def steady(self, engine: Engine) -> bool:
        """While routers know the truth."""
        return engine.routers.at_rest and not np.isfinite(self._since).any()

    def _tell(self, now: float, engine: Engine, i: int) -> TimedChange:
        thing, is_up = engine.routers.things[i], bool(engine.routers.up[i])
        text = f"routers know after {span(self._takes_s)} that {thing} is {'up again' if is_up else 'down'}"
        change = Change("route", thing, 1.0 if is_up else -1.0)
        return TimedChange(now, change, f"physics:{self.law}", text, because=(thing,))
