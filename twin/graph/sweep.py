"""Who is up, for one state of the fleet or for 64 at a time: the dependency graph as level-ordered arrays.

Nodes are numbered so that each comes after all that it needs; the nodes of one level that follow one rule
lie side by side, so that a sweep is a few vector operations per level. A *packed* sweep carries 64 states
("worlds") in the bits of one word per node: any is OR, all is AND, k of n is counted in bit slices.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from functools import cached_property
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from twin.graph.dependency import Node, nodes_of
from twin.graph.levels import Bools, Ints
from twin.model.fleet import Fleet

Words = NDArray[np.uint64]
State = TypeVar("State", Bools, Words)
WORLDS = 64
NARROW = 8  # up to here a column per parent is 2 to 5 times faster than runs of edges
_ALL = np.uint64(2**64 - 1)


class Rule(IntEnum):
    """How many of its parents a node needs."""

    NONE, ANY, ALL, COUNT = range(4)


@dataclass(frozen=True)
class Part:
    """Nodes `[first, last)` of one level and one rule.

    `parents` is `[degree, nodes]` when all have the same number of parents; otherwise it is one run of edges
    per node, which start at `starts`.
    """

    first: int
    last: int
    rule: Rule
    needs: int
    parents: Ints
    starts: Ints | None


@dataclass(frozen=True)
class Sweep:
    """The compiled graph: `names`, `kinds`, `things`, `groups`, `needs` by node, edges sorted by child.

    `possible` is False for a node that needs more parents than it has.
    """

    names: tuple[str, ...]
    kinds: tuple[str, ...]
    things: tuple[str, ...]
    groups: tuple[str, ...]
    needs: Ints
    child: Ints
    parent: Ints
    possible: Bools
    parts: tuple[Part, ...] = field(repr=False)

    @cached_property
    def index(self) -> dict[str, int]:
        """Node name -> number."""
        return {name: node for node, name in enumerate(self.names)}

    @cached_property
    def nodes_of(self) -> dict[str, list[int]]:
        """Thing -> the nodes that go down with it: itself and its requirement nodes."""
        nodes: defaultdict[str, list[int]] = defaultdict(list)
        for node, thing in enumerate(self.things):
            nodes[thing].append(node)
        return dict(nodes)

    def of_kind(self, kind: str) -> Ints:
        """Return the nodes of one kind ("racks"), ascending."""
        return np.flatnonzero(np.array([k == kind for k in self.kinds], dtype=bool))

    def without(self, lost: Collection[str]) -> Bools:
        """Return which nodes `[n]` are up when the things in `lost` are lost. Cost: one sweep."""
        own = np.ones(len(self.names), dtype=bool)
        own[[node for thing in lost for node in self.nodes_of[thing]]] = False
        return self.up(own)

    def up(self, own: State) -> State:
        """Return which nodes `[n]` are up, given which are not lost themselves.

        Truth values are one state; words are 64 worlds: bit w of word i is node i in world w.
        """
        alive = np.where(self.possible, own, np.zeros_like(own))
        for part in self.parts:
            alive[part.first : part.last] &= _met(alive, part)
        return alive

    def worlds(self, losses: Sequence[Collection[str]]) -> Iterator[Words]:
        """Yield the packed state `[n]` after each loss (a collection of things), 64 losses at a time.

        Worlds beyond the last loss are worlds without any loss. Cost: one packed sweep per 64 losses.
        """
        for first in range(0, len(losses), WORLDS):
            own = np.full(len(self.names), _ALL, dtype=np.uint64)
            for world, lost in enumerate(losses[first : first + WORLDS]):
                nodes = [node for thing in lost for node in self.nodes_of[thing]]
                own[nodes] &= ~(np.uint64(1) << np.uint64(world))
            yield self.up(own)

    def after(self, losses: Sequence[Collection[str]], watched: Sequence[str]) -> Bools:
        """Return which watched nodes are up after each loss `[losses, watched]`."""
        nodes = np.array([self.index[name] for name in watched], dtype=np.int64)
        rows = [unpack(words[nodes]) for words in self.worlds(losses)]
        return np.concatenate([*rows, np.zeros((0, len(nodes)), dtype=bool)])[: len(losses)]


def sweep_of(fleet: Fleet) -> Sweep:
    """Compile the dependency graph of a fleet."""
    return compile_nodes(nodes_of(fleet))


def compile_nodes(nodes: Iterable[Node]) -> Sweep:
    """Compile the nodes of a dependency graph; raise ValueError when it has a circle.

    Cost: O(n + m) to read them, O(n log n) to order them, one pass over the edges per level.
    """
    rows = list(nodes)
    number = {row.name: i for i, row in enumerate(rows)}
    needs = np.array([row.needs for row in rows], dtype=np.int64)
    child = np.repeat(np.arange(len(rows)), [len(row.parents) for row in rows])
    parent = np.array([number[above] for row in rows for above in row.parents], dtype=np.int64)
    keys = _keys(_depth(len(rows), child, parent), np.bincount(child, minlength=len(rows)), needs)
    order = np.lexsort(keys[::-1])
    place = np.empty(len(rows), dtype=np.int64)
    place[order] = np.arange(len(rows))
    child, parent = place[child], place[parent]
    by_child = np.argsort(child, kind="stable")
    child, parent = child[by_child], parent[by_child]
    degree = np.bincount(child, minlength=len(rows))
    rows = [rows[old] for old in order]
    return Sweep(
        names=tuple(row.name for row in rows),
        kinds=tuple(row.kind for row in rows),
        things=tuple(row.thing for row in rows),
        groups=tuple(row.group for row in rows),
        needs=needs[order],
        child=child,
        parent=parent,
        possible=needs[order] <= degree,
        parts=tuple(_parts(keys[:, order], degree, parent)),
    )


def pack(rows: Bools) -> Words:
    """Return the words `[n]` of up to 64 worlds `[worlds, n]`; missing worlds are all zero."""
    full = np.zeros((WORLDS, rows.shape[1]), dtype=np.uint8)
    full[: len(rows)] = rows
    packed = np.packbits(full.T.copy(), axis=1, bitorder="little")
    return packed.view("<u8")[:, 0].astype(np.uint64)


def unpack(words: Words) -> Bools:
    """Return the 64 worlds `[64, n]` of words `[n]`."""
    bits = np.unpackbits(words.astype("<u8").view(np.uint8).reshape(-1, 8), axis=1, bitorder="little")
    return bits.T.astype(bool)


def _met(alive: State, part: Part) -> State:
    """Return for each node of a part whether enough of its parents are up."""
    live = alive[part.parents]
    if part.rule == Rule.COUNT:
        return _at_least(live, part.needs)
    reduce = np.bitwise_or if part.rule == Rule.ANY else np.bitwise_and
    if part.starts is None:
        return np.asarray(reduce.reduce(live, axis=0))
    return np.asarray(reduce.reduceat(live, part.starts))


def _at_least(live: State, needs: int) -> State:
    """Return where at least `needs` of the rows `[degree, nodes]` are up, by counting in bit slices."""
    # The counter of a world starts at 2^width - needs, so that it carries out at the needs-th parent that is
    # up. Digit b of the counters of all worlds of a node is one word of digits[b].
    width = needs.bit_length()
    start = 2**width - needs
    none = np.zeros_like(live[0])
    digits = [~none if start >> b & 1 else none for b in range(width)]
    reached = none
    for carry in live:
        for b in range(width):
            digits[b], carry = digits[b] ^ carry, digits[b] & carry
        reached = reached | carry
    return np.asarray(reached)


def _keys(depth: Ints, degree: Ints, needs: Ints) -> Ints:
    """Return what the nodes of a part have in common `[4, n]`: depth, rule, width, and the k of a k of n."""
    rule = np.select(
        [(needs < 1) | (needs > degree), needs == 1, needs == degree],
        [Rule.NONE, Rule.ANY, Rule.ALL],
        Rule.COUNT,
    )
    width = np.where((degree <= NARROW) | (rule == Rule.COUNT), degree, 0)
    return np.stack([depth, rule, width, np.where(rule == Rule.COUNT, needs, 0)])


def _parts(keys: Ints, degree: Ints, parent: Ints) -> Iterator[Part]:
    """Cut the nodes, sorted by key, into parts."""
    cuts = (np.flatnonzero((keys[:, 1:] != keys[:, :-1]).any(axis=0)) + 1).tolist()
    edge = np.r_[0, np.cumsum(degree)]
    for first, last in zip([0, *cuts], [*cuts, len(degree)], strict=True):
        _, rule, width, needs = keys[:, first].tolist() if last > first else (0, Rule.NONE, 0, 0)
        parents = parent[edge[first] : edge[last]]
        if rule == Rule.NONE:
            continue
        if width:
            columns = np.ascontiguousarray(parents.reshape(last - first, width).T)
            yield Part(first, last, Rule(rule), needs, columns, None)
        else:
            yield Part(first, last, Rule(rule), needs, parents, edge[first:last] - edge[first])


def _depth(nodes: int, child: Ints, parent: Ints) -> Ints:
    """Return the longest path from each node up to a root; edges are sorted by child."""
    depth = np.zeros(nodes, dtype=np.int64)
    if not len(child):
        return depth
    starts = np.flatnonzero(np.r_[True, child[1:] != child[:-1]])
    for _ in range(nodes):
        raised = np.maximum.reduceat(depth[parent], starts) + 1
        if np.array_equal(raised, depth[child[starts]]):
            return depth
        depth[child[starts]] = raised
    raise ValueError("the dependency graph has a circle")
