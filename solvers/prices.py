"""Price decomposition: prices of cells, budgets and shares that make the oracle's bound high, and the plan they average to.

The strengthened *volume algorithm* (Barahona & Anbil, Math. Programming 87, 2000): a subgradient method that steps from the best
prices along the mean of what was bought so far, so that the mean comes to be a nearly lawful fractional plan. That is the guide
from which whole servers are placed. Steps aim at a *target* above the best bound: it rises while steps succeed, so that
prices of tight families can grow as far as the price of a shortage, and sinks while they fail.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from solvers.oracle import Oracle, Rows
from solvers.problem import Floats

MARGIN = (
    0.004  # of the servers of a cell: the mean aims at so many fewer, because whole servers fit less well
)


@dataclass(frozen=True)
class Priced:
    """The best bound, its prices `[K]`, the mean of what was bought `[P]`, and how often the oracle was asked."""

    bound: float
    prices: Floats
    guide: Floats
    turns: int


@dataclass
class Volume:
    """The state of the method, kept so that it can go on after a look at whole plans."""

    oracle: Oracle
    start: Floats | None = None
    mixing: float = 0.1
    bound: float = field(init=False, default=-np.inf)
    turns: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        rows = self.oracle.rows
        self.prices = (
            np.zeros(len(rows.high)) if self.start is None else np.clip(self.start, rows.least, rows.most)
        )
        answer = self.oracle.ask(self.prices)
        self.bound, self.mean, self.turns = answer.bound, answer.counts, 1
        self.aim = 0.005 * abs(self.bound)
        self._cells = np.arange(len(rows.high)) < self.oracle.problem.cells
        self._bad = 0

    def run(
        self,
        until: float,
        should_stop: Callable[[], bool] | None = None,
        *,
        settled: float = 0.0,
        most: int = 1_000_000,
    ) -> Priced:
        """Go on until a time of `time.perf_counter`, a word to stop, steps that aim at so little, or so many turns."""
        for _ in range(most):
            if self.aim <= settled * abs(self.bound):
                break
            if (
                time.perf_counter() >= until
                or (should_stop is not None and should_stop())
                or not self._turn()
            ):
                break
        return Priced(self.bound, self.prices, self.mean, self.turns)

    def _turn(self) -> bool:
        """Step once; return whether there was anywhere to go."""
        rows = self.oracle.rows
        excess = _excess(rows, self.mean, self.prices)
        close = self._cells & ((self.prices > 0) | (excess > 0))
        excess = np.where(close, excess + MARGIN * rows.high, excess)
        way = excess * rows.unit
        length = float(excess @ way)
        if length <= 0.0:
            return False
        prices = np.clip(self.prices + self.aim / length * way, rows.least, rows.most)
        answer = self.oracle.ask(prices)
        self.turns += 1
        self.mean += self.mixing * (answer.counts - self.mean)
        self._learn(answer.bound, prices, answer.counts, excess)
        return True

    def _learn(self, bound: float, prices: Floats, counts: Floats, way: Floats) -> None:
        """Keep better prices; aim farther while steps succeed, step shorter while they fail."""
        gain = bound - self.bound
        if gain <= 0.0:
            self._bad += 1
            if self._bad >= 6:
                self.aim, self.mixing, self._bad = 0.7 * self.aim, max(0.85 * self.mixing, 0.01), 0
            return
        self._bad = 0
        if gain > 0.2 * self.aim:
            self.aim *= 1.3
        self.bound, self.prices = bound, prices


def _excess(rows: Rows, counts: Floats, prices: Floats) -> Floats:
    """Return by how much each row is missed, signed as its price should move; 0 where the price cannot move that way."""
    used = rows.matrix @ counts
    over, under = used - rows.high, used - rows.low
    found = np.where(
        prices > 0, over, np.where(prices < 0, under, np.maximum(over, 0) + np.minimum(under, 0))
    )
    found[(found < 0) & (prices <= rows.least)] = 0.0
    found[(found > 0) & (prices >= rows.most)] = 0.0
    return found
