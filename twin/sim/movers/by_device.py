"""What movers over a column of devices share: each device has a time at which it acts next."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np

from twin.graph.levels import Floats
from twin.model.change import TimedChange
from twin.sim.block import Block
from twin.sim.engine import Engine


class ByDevice(ABC):
    """Devices `[n]` of the power chain: when each acts next [s], and that those act whose time has come."""

    _due: Floats

    def due(self) -> float:
        """Return when the next device acts."""
        return float(self._due.min())

    def act(self, now: float, engine: Engine) -> Sequence[TimedChange]:
        """Let those that are due act."""
        due = np.flatnonzero(self._due <= now).tolist()
        self._due[due] = np.inf
        return [change for i in due for change in self._act(i, now, engine)]

    def quiet(self, block: Block) -> int:
        """They go by which sources live, and that stands still over a block."""
        return len(block)

    @abstractmethod
    def _act(self, i: int, now: float, engine: Engine) -> Sequence[TimedChange]:
        """Let one device act."""
