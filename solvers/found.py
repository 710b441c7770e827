"""What a search found: a plan, a bound, how far apart they are, and what was found when."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from solvers.guide import Guide
from solvers.problem import Ints


@dataclass
class Trace:
    """What was found when: (seconds, what, bound, cost of the best plan); the last prices and mean; turns of the oracle."""

    events: list[tuple[float, str, float, float]] = field(default_factory=list)
    guide: Guide = field(default_factory=lambda: Guide(np.zeros(0)))
    turns: int = 0

    @property
    def cost(self) -> float:
        """Return the cost of the best plan."""
        return self.events[-1][3]


class Found(NamedTuple):
    """The counts of the plan `[P]`, a lower bound on the cost of every plan, and how it went."""

    counts: Ints
    bound: float
    trace: Trace

    @property
    def gap(self) -> float:
        """Return (cost - bound) / |cost|."""
        return gap_of(self.trace.cost, self.bound)


def gap_of(cost: float, bound: float) -> float:
    """Return how far a cost is above a bound, as a part of the cost."""
    return (cost - bound) / abs(cost) if cost else 0.0
