"""The ways from racks up to the borders of their site, told apart by the full links that they cross.

Traffic splits evenly over the live uplinks of each switch because each of its many connections is hashed to one of them: a
connection has one way and meets the links on it, whatever happens on the others.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from twin.graph.compile import NetworkArrays
from twin.graph.levels import Bools, Floats, Ints
from twin.sim.power import RollUp
from twin.sim.sparse import add_up


@dataclass(frozen=True)
class Uplinks:
    """The edges of a fabric whose racks are folded, sorted by child: where they lead, their share, and their link (-1: none)."""

    child: Ints
    parent: Ints
    share: Floats
    link: Ints
    starts: Ints

    @classmethod
    def of(cls, network: NetworkArrays, fabric: RollUp) -> Uplinks:
        """Read the edges of one state of a fabric. Cost: O(m log m)."""
        rows = [(np.zeros(0, np.int64),) * 2 + (np.zeros(0), np.zeros(0, np.int64))]
        for level, sums in zip(fabric.graph.levels, fabric.sums, strict=True):
            parent = np.repeat(np.arange(level.parents.start, level.parents.stop), np.diff(level.starts))
            rows.append((level.child, parent, sums.weights, network.edge_link[level.take[level.merge]]))
        child, parent, share, link = (np.concatenate(column) for column in zip(*rows, strict=True))
        order = np.argsort(child, kind="stable")
        order = order[share[order] > 0]
        starts = np.searchsorted(child[order], np.arange(fabric.graph.size + 1))
        return cls(child[order], parent[order], share[order], link[order], starts)


@dataclass(frozen=True)
class Ways:
    """Part `part[w]` of what a class of racks `leaf[w]` sends crosses the full links `link[starts[w]:starts[w + 1]]` on its way.

    Sorted by class; what crosses no full link is not listed.
    """

    leaf: Ints
    part: Floats
    starts: Ints
    link: Ints


def ways_over(uplinks: Uplinks, leaves: Ints, full: Bools) -> Ways:
    """Follow what some classes of racks send up to the borders, one hop per round; `full` `[L]` says which links matter.

    Ways that crossed the same full links up to the same switch are one from there on. Cost: rounds x classes x (switches
    above them) x (sets of full links that can be crossed together), not the number of ways.
    """
    leaf, node, part, past = leaves, leaves, np.ones(len(leaves)), np.zeros(len(leaves), dtype=np.int64)
    before, crossed = [0], [-1]  # of a set of links: the set without its last one, and the last one
    done = [(past[:0], part[:0], past[:0])]
    while len(leaf):
        count = uplinks.starts[node + 1] - uplinks.starts[node]
        over = (count == 0) & (past > 0)
        done.append((leaf[over], part[over], past[over]))
        edge = np.repeat(uplinks.starts[node] - np.cumsum(count) + count, count) + np.arange(count.sum())
        leaf, past = np.repeat(leaf, count), np.repeat(past, count)
        part = np.repeat(part, count) * uplinks.share[edge]
        link = uplinks.link[edge]
        meets = np.flatnonzero((link >= 0) & full[link]) if len(full) else np.zeros(0, dtype=np.int64)
        keys, which = np.unique(past[meets] * len(full) + link[meets], return_inverse=True)
        past[meets] = len(before) + which
        before += (keys // max(1, len(full))).tolist()
        crossed += (keys % max(1, len(full))).tolist()
        state = np.stack([leaf, uplinks.parent[edge], past])
        (leaf, node, past), same = np.unique(state, axis=1, return_inverse=True)
        part = add_up(same.ravel(), part, len(leaf))
    leaf, part, past = (np.concatenate(column) for column in zip(*done, strict=True))
    order = np.argsort(leaf, kind="stable")
    return Ways(leaf[order], part[order], *_links(past[order], np.array(before), np.array(crossed)))


def _links(past: Ints, before: Ints, crossed: Ints) -> tuple[Ints, Ints]:
    """The links of each set, as runs: where they start, and the links."""
    rows, links = [], []
    row = np.arange(len(past))
    while len(row):
        rows.append(row)
        links.append(crossed[past])
        past = before[past]
        row, past = row[past > 0], past[past > 0]
    row = np.concatenate(rows) if rows else np.zeros(0, dtype=np.int64)
    order = np.argsort(row, kind="stable")
    count = np.bincount(row, minlength=len(rows[0]) if rows else 0)
    return np.append(0, np.cumsum(count)), (np.concatenate(links) if links else row)[order]
