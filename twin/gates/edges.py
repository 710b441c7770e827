"""Edges: a limit as boundaries for `plan`, each a few straight lines over `reference`.

"<= +5 % of reference, floor 1 ms" keeps the plan below the higher of two lines, 1.05·reference and
reference + 1. For a mean, being surely below either line is enough and each line is an ordinary one-sample
question about plan - slope·reference - offset; no ratio of two estimates is ever formed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from twin.model.limits import Limit

Array = NDArray[np.float64]
Lines = tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Pair:
    """Both arms in the same worlds, `plan` and `reference` [(n,)], read as if `n` runs looked like these."""

    plan: Array
    reference: Array
    n: int


@dataclass(frozen=True)
class Edge:
    """The highest (or lowest) of some lines (slope, offset) over the reference."""

    lines: Lines = ((0.0, 0.0),)
    highest: bool = True

    def at(self, reference: Array) -> Array:
        """Return the edge's height over each reference value."""
        heights = [slope * reference + offset for slope, offset in self.lines]
        return reduce(np.maximum if self.highest else np.minimum, heights)

    def split(self) -> tuple[Edge, ...]:
        """Return its lines as edges of their own."""
        return tuple(Edge((line,)) for line in self.lines)


@dataclass(frozen=True)
class Side:
    """One side of a limit: the plan stays below (`at_most`) or above its edge."""

    edge: Edge
    at_most: bool
    strict: bool = False

    @property
    def either(self) -> bool:
        """Whether keeping to any one line of the edge is enough (otherwise it takes all of them)."""
        return self.edge.highest == self.at_most

    def keeps(self, low: float, high: float) -> bool | None:
        """Tell whether plan - edge, known to lie in low..high, is on the right side (None: cannot tell)."""
        worst, best = (high, -low) if self.at_most else (-low, high)
        if worst < 0 or (worst == 0 and not self.strict):
            return True
        return False if best < 0 or (best == 0 and self.strict) else None


def sides(limit: Limit, *, negative: bool = False) -> tuple[Side, ...]:
    """Return the one side, or the two sides of a band, that *limit* draws; all must be kept.

    A share of a reference that is *negative* (a price, a balance) is a share of its size.
    """
    if limit.op == "±":
        slope, offset = _centre(limit, negative)
        below: Lines
        above: Lines
        width = -limit.band if negative else limit.band
        if limit.relative:
            below, above = _lines(slope, -width, -limit.floor), _lines(slope, width, limit.floor)
        else:
            below, above = ((slope, offset - limit.band),), ((slope, offset + limit.band),)
        return Side(Edge(below, highest=False), at_most=False), Side(Edge(above), at_most=True)
    if not limit.relative:
        line = (0.0 if limit.basis is None else 1.0, limit.value)
        return (Side(Edge((line,), highest=limit.at_most), limit.at_most, limit.strict),)
    upward = math.copysign(1.0, limit.value) > 0
    share = -limit.value if negative else limit.value
    lines = _lines(1.0, share, limit.floor if upward else -limit.floor)
    return (Side(Edge(lines, highest=upward), limit.at_most, limit.strict),)


def middle(limit: Limit, *, negative: bool = False) -> Edge:
    """Return what an estimate is compared with: nothing, the reference, or the centre of a band."""
    if limit.op == "±":
        return Edge((_centre(limit, negative),))
    return Edge(((0.0 if limit.basis is None else 1.0, 0.0),))


def _centre(limit: Limit, negative: bool) -> tuple[float, float]:
    if limit.relative:
        return 1.0 + (-limit.value if negative else limit.value), 0.0
    return (0.0 if limit.basis is None else 1.0), limit.value


def _lines(slope: float, share: float, floor: float) -> Lines:
    """Return the line of the share and the line of the floor; one of nothing decides nothing: left out."""
    if floor == 0.0:
        return ((slope + share, 0.0),)
    return ((slope, floor),) if share == 0.0 else ((slope + share, 0.0), (slope, floor))
