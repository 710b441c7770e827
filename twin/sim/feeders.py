"""Which of some units have a live feed, read off the settled state with a few vector operations."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from twin.graph.compile import Compiled
from twin.graph.levels import Bools, Ints
from twin.sim.engine import Engine


class Feeders:
    """The feeds of some units `[n]`, each unit's in order of preference: `edges` of the power chain, cut at `starts`."""

    def __init__(self, compiled: Compiled, units: Sequence[int]) -> None:
        levels = compiled.power.levels
        self.node: Ints = compiled.power.unit_node[np.array(units, dtype=np.int64)]
        self.edges, self.starts = edges_of(compiled, self.node)
        self.widths: Ints = np.diff(np.append(self.starts, len(self.edges)))
        self.parent: Ints = levels.parent[self.edges]
        self._needs = levels.needs[self.node]

    def live(self, engine: Engine) -> Bools:
        """Return which units `[n]` have as many live feeds as they need: feeders alive, feeds not open."""
        fed = engine.alive[self.parent] & (engine.state.feed_holds[self.edges] == 0)
        return np.add.reduceat(fed.astype(np.int64), self.starts) >= self._needs


def edges_of(compiled: Compiled, nodes: Ints) -> tuple[Ints, Ints]:
    """Return the feeds of nodes that have some, node by node in order of preference, and where each node's begin."""
    child = compiled.power.levels.child
    edges = np.flatnonzero(np.isin(child, nodes))
    place = np.empty(compiled.power.levels.nodes, dtype=np.int64)
    place[nodes] = np.arange(len(nodes))
    # A node's feeds stand together, in order of preference, but nodes stand by their depth.
    edges = edges[np.argsort(place[child[edges]], kind="stable")]
    return edges, np.searchsorted(place[child[edges]], np.arange(len(nodes)))


def unit_names(compiled: Compiled) -> dict[int, str]:
    """Return the name of the unit at each node of the power chain that is a unit."""
    return dict(zip(compiled.power.unit_node.tolist(), compiled.names["power_units"], strict=True))
