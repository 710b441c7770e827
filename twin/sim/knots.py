"""What is known ahead: knots of demand and weather, and server faults that wait for the next change.

Between two things that are neither, the state stands still but for these faults, and the settles of many knots can be
worked out as one block.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from twin.graph.levels import Floats
from twin.model.change import Change, TimedChange

DEFER_S = 300.0
FIRST, LONGEST = 32, 96  # knots in a block: the first one, and the most
VALUES = 200_000  # numbers in one array of a block: beyond what a cache holds, more knots save nothing


@dataclass(frozen=True)
class Knots:
    """When series change within a run: those that need a settle (demand, weather) and those that do not (carbon, price)."""

    settling: Floats
    grid: Floats


def longest_for(values: int) -> int:
    """Return the most knots that a block has when one instant is so many values: fewer on a large fleet."""
    return min(LONGEST, max(8, VALUES // max(1, values)))


def wait_for_the_next(faults: Sequence[TimedChange], wakes: Floats) -> list[bool]:
    """Return which server faults wait: those that have something that settles anyway within DEFER_S of them."""
    times = np.array([fault.at_s for fault in faults])
    position = np.searchsorted(wakes, times, side="right")
    return (np.append(wakes, np.inf)[position] - times <= DEFER_S).tolist()


class Ahead:
    """The knots and the waiting server faults that are still to come, and how many knots to settle at once.

    A block doubles while all of it is taken and is as short as what was taken after one that was cut: a
    lasting overload wastes little.
    """

    def __init__(self, knots: Floats, faults: Sequence[TimedChange], *, longest: int) -> None:
        self._knots, self._faults = knots, faults
        self._times = np.array([fault.at_s for fault in faults])
        self._knot = self._fault = 0
        self._longest, self._length = longest, min(FIRST, longest)

    @property
    def next_knot(self) -> float:
        """Time of the next knot (infinite after the last)."""
        return float(self._knots[self._knot]) if self._knot < len(self._knots) else np.inf

    def pass_knot(self) -> None:
        """The next knot happens now."""
        self._knot += 1

    def happened(self, now: float) -> Sequence[TimedChange]:
        """Return the waiting faults up to and at `now`, which are none to come any more."""
        first = self._fault
        self._fault = int(np.searchsorted(self._times, now, side="right"))
        return self._faults[first : self._fault]

    def block(self, now: float, horizon: float) -> tuple[Floats, list[list[Change]]]:
        """Return `now` and the knots before `horizon`, as many as are worth trying, and the faults in force from each on."""
        last = int(np.searchsorted(self._knots, horizon, side="left"))
        times = np.append(now, self._knots[self._knot : min(last, self._knot + self._length - 1)])
        ends = np.searchsorted(self._times, times, side="right").tolist()
        faults = [[fault.change for fault in self._faults[a:b]] for a, b in zip(ends, ends[1:], strict=False)]
        return times, [[], *faults]

    def took(self, tried: int, taken: int) -> None:
        """Pass the knots of a block of which the first instant is now, and choose the length of the next one."""
        self._knot += taken - 1
        grown = 2 * self._length if tried == self._length else self._length
        self._length = min(self._longest, grown) if taken == tried else max(taken, min(2, self._longest))
