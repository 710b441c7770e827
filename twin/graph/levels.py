"""A dependency tree with shared feeds, as level-ordered arrays: who is alive, and how much flows where.

The same structure carries power (racks draw from panels, panels from switchboards …) and the fabric of a site
(racks send through top-of-rack switches to the border). Nodes are numbered so that each node comes after all
that draw from it (leaves first); an edge goes from a *child* (that draws) to a *parent* (that feeds).

One sweep or one roll-up is a handful of vector operations per level; no Python loop visits a node.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


def ints(values: Iterable[int]) -> Ints:
    """Return whole numbers as an array."""
    return np.fromiter(values, dtype=np.int64)


def floats(values: Iterable[float]) -> Floats:
    """Return reals as an array."""
    return np.fromiter(values, dtype=np.float64)


def joined(starts: Ints, widths: Ints) -> Ints:
    """Return the places in some runs, one run after the other: `starts[i]`, …, `starts[i] + widths[i] - 1`."""
    return np.arange(widths.sum()) + np.repeat(starts - np.cumsum(widths) + widths, widths)


@dataclass(frozen=True)
class Segment:
    """The edges of one level: slice of the edge order, starts of its runs, and the node of each run."""

    first: int
    last: int
    starts: Ints
    nodes: Ints


@dataclass(frozen=True)
class Levels:
    """Nodes `[n]` and edges `[m]` of a feed graph.

    Edges stand in child order (`child`, `parent`, `base`: authored share); `to_parent` permutes them into parent
    order. `down` are the segments of a sweep (parents before children, child order), `up` those of a roll-up
    (children before parents, parent order).
    """

    nodes: int
    child: Ints
    parent: Ints
    base: Floats
    whole: Floats
    standby: Bools
    needs: Ints
    run_starts: Ints
    run_of_edge: Ints
    to_parent: Ints
    down: tuple[Segment, ...]
    up: tuple[Segment, ...]

    def sweep(self, own: Bools, edge_up: Bools | None = None, needs: Ints | None = None) -> Bools:
        """Return which nodes `[n]` are alive: own state up, and at least `needs` live feeders (roots: none needed)."""
        alive = own.copy()
        needs = self.needs if needs is None else needs
        for part in self.down:
            live = alive[self.parent[part.first : part.last]]
            if edge_up is not None:
                live &= edge_up[part.first : part.last]
            # Runs are short: differences of a running count are several times faster than `reduceat`, and exact.
            count = np.append(0, np.cumsum(live))
            ends = np.append(part.starts[1:], len(live))
            alive[part.nodes] &= count[ends] - count[part.starts] >= needs[part.nodes]
        return alive

    def shares(self, alive: Bools, edge_up: Bools | None = None) -> Floats:
        """Return the part `[m]` of each child's load that each edge carries now (child order).

        Shared feeders split by their authored shares among the live ones (evenly when those are all 0); standby
        feeders: the first live one has all. Cost: a look at every edge; work for the children that lack a feed.
        """
        live = alive[self.parent] & alive[self.child]
        if edge_up is not None:
            live &= edge_up
        share, short = self.whole.copy(), np.zeros(len(self.run_starts), dtype=bool)
        short[self.run_of_edge[~live]] = True
        starts = self.run_starts[short]
        widths = np.append(self.run_starts, len(live))[1:][short] - starts
        edges = joined(starts, widths)
        share[edges] = _split(self.base[edges], self.standby[edges], widths, live[edges])
        return share


def _split(base: Floats, standby: Bools, widths: Ints, live: Bools) -> Floats:
    """Split the load of some children among their live feeds `[e]`, which stand in runs of `widths`."""
    run = np.repeat(np.arange(len(widths)), widths)
    weight = base * live
    total = np.bincount(run, weight)[run]
    if not total.all():
        # Only feeders of share 0 are left: they must carry all, evenly.
        weight = np.where(total > 0, weight, live)
        total = np.bincount(run, weight)[run]
    shared = np.divide(weight, total, out=np.zeros_like(weight), where=total > 0)
    if not standby.any():
        return shared
    count = np.cumsum(live)
    first = np.cumsum(widths) - widths
    before = (count[first] - live[first])[run]
    return np.where(standby, live & (count - before == 1), shared)


def build_levels(
    nodes: int, edges: Sequence[tuple[int, int, float]], standby: Bools, needs: Ints
) -> tuple[Levels, Ints]:
    """Compile edges (child, parent, share) of an acyclic graph; return the levels and the new number of each node.

    `standby` and `needs` are per old node. The order of a child's edges is kept (it is the order of preference).
    Cost: O(n + m log m).
    """
    child = np.array([edge[0] for edge in edges], dtype=np.int64)
    parent = np.array([edge[1] for edge in edges], dtype=np.int64)
    base = np.array([edge[2] for edge in edges], dtype=np.float64)
    height = _longest(nodes, child, parent)
    number = np.empty(nodes, dtype=np.int64)
    number[np.argsort(height, kind="stable")] = np.arange(nodes)
    child, parent = number[child], number[parent]
    new_standby, new_needs = np.empty(nodes, dtype=bool), np.empty(nodes, dtype=np.int64)
    new_standby[number], new_needs[number] = standby, needs
    depth = _longest(nodes, parent, child)
    order = (
        np.lexsort((np.arange(len(child)), child, depth[child]))
        if len(child)
        else np.zeros(0, dtype=np.int64)
    )
    child, parent, base = child[order], parent[order], base[order]
    new_height = np.sort(height, kind="stable")
    to_parent = (
        np.lexsort((np.arange(len(child)), parent, new_height[parent]))
        if len(child)
        else np.zeros(0, np.int64)
    )
    run_starts = _run_starts(child)
    widths = np.diff(run_starts, append=len(child))
    levels = Levels(
        nodes=nodes,
        child=child,
        parent=parent,
        base=base,
        whole=_split(base, new_standby[child], widths, np.ones(len(child), dtype=bool)),
        standby=new_standby[child],
        needs=new_needs,
        run_starts=run_starts,
        run_of_edge=_run_of_edge(run_starts, len(child)),
        to_parent=to_parent,
        down=_segments(child, depth),
        up=_segments(parent[to_parent], new_height),
    )
    return levels, number


def _longest(nodes: int, below: Ints, above: Ints) -> Ints:
    """Longest path length from a bottom to each node along edges below -> above; raise ValueError on a circle."""
    height = np.zeros(nodes, dtype=np.int64)
    for _ in range(nodes + 1):
        raised = height.copy()
        np.maximum.at(raised, above, height[below] + 1)
        if np.array_equal(raised, height):
            return height
        height = raised
    raise ValueError("the feeds form a circle")


def _run_starts(keys: Ints) -> Ints:
    return np.flatnonzero(np.r_[True, keys[1:] != keys[:-1]]) if len(keys) else np.zeros(0, dtype=np.int64)


def _run_of_edge(starts: Ints, edges: int) -> Ints:
    marks = np.zeros(edges, dtype=np.int64)
    marks[starts] = 1
    return np.cumsum(marks) - 1


def _segments(keys: Ints, level: Ints) -> tuple[Segment, ...]:
    """Cut the edges (sorted by the level of their key node, then by key) into one segment per level."""
    parts = []
    for first in _run_starts(level[keys]):
        last = int(np.searchsorted(level[keys], level[keys][first], side="right"))
        starts = _run_starts(keys[first:last])
        parts.append(Segment(int(first), last, starts, keys[first:last][starts]))
    return tuple(parts)
