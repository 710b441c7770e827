"""How the swing of a leaf arrives at the nodes above it: by all ways at once.

A leaf's own swing arrives at a node by all ways together: what counts is the square of the part of it that flows there,
not the sum of the squares of the ways. Which leaves reach which nodes never changes; how much of each does, with the
shares of the feeds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from twin.graph.levels import Floats, Ints, joined
from twin.sim.sparse import Indices, Sums, add_up


@dataclass(frozen=True)
class Step:
    """One level: `edge` carries on the part in entry `before`, and adds it to one of the level's `size` entries, `entry`."""

    edge: Ints
    before: Ints
    entry: Ints
    size: int


@dataclass(frozen=True)
class Swings:
    """The entries (node, leaf) of all nodes above the leaves, by node: `leaf` in runs that begin at `starts`."""

    leaves: int
    size: int
    leaf: Indices
    starts: Indices
    steps: tuple[Step, ...]

    @classmethod
    def of(cls, leaves: int, size: int, levels: Sequence[tuple[Ints, Ints]]) -> Swings:
        """Find the entries, given the children of each level's nodes, in runs. Cost: O(e log e) for e entries met by ways."""
        leaf, starts, steps = np.arange(leaves), np.arange(leaves + 1), []
        for child, runs in levels:
            count = np.diff(starts)[child]
            edge = np.repeat(np.arange(len(child)), count)
            before = joined(starts[child], count)
            node = np.repeat(np.arange(len(runs) - 1), np.diff(runs))[edge]
            keys, entry = np.unique(node * leaves + leaf[before], return_inverse=True)
            ends = len(leaf) + np.searchsorted(keys, np.arange(1, len(runs)) * leaves)
            leaf, starts = np.append(leaf, keys % max(1, leaves)), np.append(starts, ends)
            steps.append(Step(edge, before, entry, len(keys)))
        above, runs = leaf[leaves:].astype(np.int32), (starts[leaves:] - leaves).astype(np.int32)
        return cls(leaves, size, above, runs, tuple(steps))

    def sums(self, levels: Sequence[Sums]) -> Sums:
        """Return the sums of the squares of the leaves for every node above them, given what each level's edges carry."""
        part: Floats = np.empty(self.leaves + len(self.leaf))
        part[: self.leaves], last = 1.0, self.leaves
        for step, level in zip(self.steps, levels, strict=True):
            ways = level.weights[step.edge] * part[step.before]
            part[last : last + step.size] = add_up(step.entry, ways, step.size)
            last += step.size
        above = part[self.leaves :]
        return Sums(above * above, self.leaf, self.starts, self.size)
