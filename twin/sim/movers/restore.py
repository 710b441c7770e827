"""Staged re-energising: a unit that opens when its feed is lost, and closes some time after the feed is back.

So what hangs below comes back in blocks and not all at once: a generator is given steps that it can take.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Self

import numpy as np

from twin.graph.compile import Compiled
from twin.graph.levels import Bools
from twin.model.change import Change, TimedChange
from twin.model.power import PowerUnit
from twin.records.text import span
from twin.sim.block import Block
from twin.sim.engine import Engine
from twin.sim.feeders import Feeders


class Restore:
    """The units of one run that are restored in stages, as columns `[n]`: whether each stands open, and when it acts [s]."""

    law: ClassVar[str] = "restore"

    def __init__(self, compiled: Compiled, rows: Sequence[tuple[int, PowerUnit]]) -> None:
        self._units = [unit for _, unit in rows]
        self._feeders = Feeders(compiled, [i for i, _ in rows])
        self._wait_s = np.array([unit.restore_s for unit in self._units], dtype=float)
        self.open = np.zeros(len(rows), dtype=bool)
        self._seen = np.zeros((0, 2), dtype=bool)
        self._fed_since, self._due = np.full(len(rows), np.inf), np.full(len(rows), np.inf)

    @classmethod
    def of(cls, compiled: Compiled) -> Self | None:
        """Return the units of a fresh run, all closed; None when the fleet restores nothing in stages."""
        rows = [(i, u) for i, u in compiled.physics.units if u.restore_s is not None and u.fed_by]
        return cls(compiled, rows) if rows else None

    def begin(self, now: float) -> Sequence[Change]:
        """All stand closed."""
        return ()

    def advance(self, seconds: float) -> None:
        """Nothing changes with time but what is due."""

    def read(self, now: float, engine: Engine) -> None:
        """Units that lost their feed open; those whose feed is back wait."""
        live, alive = self._seen = self._look(engine)
        if self.at_rest and live.all():
            self._due.fill(np.inf)
            return
        lost = ~live & ~self.open & ~alive
        self._fed_since = np.where(live & self.open, np.minimum(self._fed_since, now), np.inf)
        self._due = np.where(lost, now, self._fed_since + self._wait_s)

    def due(self) -> float:
        """Return when the next unit opens or closes."""
        return float(self._due.min())

    def act(self, now: float, engine: Engine) -> Sequence[TimedChange]:
        """Open or close those that are due."""
        due = np.flatnonzero(self._due <= now).tolist()
        self._due[due] = self._fed_since[due] = np.inf
        self.open[due] ^= True
        return [self._told(i, now) for i in due]

    def quiet(self, block: Block) -> int:
        """It goes by which sources live, and that stands still over a block."""
        return len(block)

    def steady(self, engine: Engine) -> bool:
        """While the same units have a feed and live."""
        return np.array_equal(self._look(engine), self._seen)

    @property
    def at_rest(self) -> bool:
        """Whether all stand closed."""
        return not self.open.any()

    def _look(self, engine: Engine) -> Bools:
        """Which units have a live feed, and which live `[2, n]`."""
        return np.stack([self._feeders.live(engine), engine.alive[self._feeders.node]])

    def _told(self, i: int, now: float) -> TimedChange:
        unit = self._units[i]
        if self.open[i]:
            text = f"{unit.name} opens, its feed being lost"
        else:
            text = f"{unit.name} closes {span(self._wait_s[i])} after its feed is back"
        change = Change("state", unit.name, -1.0 if self.open[i] else 1.0)
        return TimedChange(now, change, f"physics:{self.law}", text, unit.fed_by)
