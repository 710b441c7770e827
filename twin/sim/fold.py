"""Racks of one kind are one row: what units and switches carry needs only sums over racks.

Racks with the same feeds, shares and switches send every watt and every bit the same way, so that a *class* of racks
stands for them in the roll-ups. Nodes of a folded graph are the classes first, then all nodes that are not racks, in order.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from twin.graph.compile import Compiled
from twin.graph.compile_cooling import CoolingArrays
from twin.graph.levels import Bools, Floats, Ints, Levels
from twin.sim.sparse import Sums, group_sums
from twin.sim.swings import Swings


@dataclass(frozen=True)
class FoldedLevel:
    """One level of a roll-up: which edges it merges (`take`, in runs that begin at `merge`), and their sums by parent.

    `parents` are the parents' nodes in the folded graph, `nodes` the same ones in the graph as compiled.
    """

    take: Ints
    merge: Ints
    child: Ints
    starts: Ints
    parents: slice
    nodes: slice


@dataclass(frozen=True)
class FoldedGraph:
    """A feed graph whose racks are folded: its number of nodes, how far other nodes move down, and its levels."""

    size: int
    shift: int
    levels: tuple[FoldedLevel, ...]

    @classmethod
    def of(cls, levels: Levels, class_of: Ints, classes: int) -> FoldedGraph:
        """Fold a graph whose first nodes are the racks. Cost: O(m log m)."""
        racks = len(class_of)
        shift = racks - classes
        place = np.arange(len(levels.child)) - levels.run_starts[levels.run_of_edge]
        folded = []
        for part in levels.up:
            take = levels.to_parent[part.first : part.last]
            child = levels.child[take]
            child = np.where(child < racks, np.append(class_of, 0)[np.minimum(child, racks)], child - shift)
            rank = np.repeat(np.arange(len(part.nodes)), np.diff(np.append(part.starts, len(take))))
            order = np.lexsort((place[take], child, rank))
            take, child, rank = take[order], child[order], rank[order]
            keys = np.stack([rank, child, place[take]])
            merge = np.flatnonzero(np.r_[True, (keys[:, 1:] != keys[:, :-1]).any(axis=0)])
            starts = np.searchsorted(rank[merge], np.arange(len(part.nodes) + 1))
            # Nodes are numbered by level, and all of a level above the lowest are parents: they stand together.
            nodes = slice(int(part.nodes[0]), int(part.nodes[-1]) + 1)
            parents = slice(nodes.start - shift, nodes.stop - shift)
            folded.append(FoldedLevel(take, merge, child[merge], starts, parents, nodes))
        return cls(levels.nodes - shift, shift, tuple(folded))

    def sums(self, share: Floats) -> list[Sums]:
        """Return the sums by share, per level. Dead racks have no share and no load."""
        return [
            Sums(np.maximum.reduceat(share[level.take], level.merge), level.child, level.starts, self.size)
            for level in self.levels
        ]

    @cached_property
    def swings(self) -> Swings:
        """How the swings of the leaves arrive at the nodes above them, for any shares."""
        leaves = self.levels[0].parents.start if self.levels else self.size
        return Swings.of(leaves, self.size, [(level.child, level.starts) for level in self.levels])


@dataclass(frozen=True, eq=False)
class Fold:
    """Which class each rack belongs to `[R]`, the site of each class `[C]`, and both graphs with racks folded.

    `by_circuit` sums classes to the circuits that cool them and those that carry their heat.
    """

    class_of: Ints
    site: Ints
    power: FoldedGraph
    network: FoldedGraph
    by_site: Sums
    by_circuit: Sums

    @property
    def classes(self) -> int:
        """Number of classes."""
        return len(self.site)

    @classmethod
    def of(cls, compiled: Compiled) -> Fold:
        """Find the racks that have the same feeds, authored shares, switches, site and cooling."""
        power, network = compiled.power, compiled.network
        feeds: list[list[tuple[float, ...]]] = [[row] for row in _places(compiled)]
        racks = len(feeds)
        rows = [row.tolist() for row in (power.levels.child, power.levels.parent, power.levels.base)]
        for child, parent, base, standby in zip(*rows, power.levels.standby.tolist(), strict=True):
            if child < racks:
                feeds[child].append((parent, base, standby))
        for child, switch in zip(network.levels.child.tolist(), network.levels.parent.tolist(), strict=True):
            if child < racks:
                feeds[child].append((-1, switch))
        known: dict[tuple[tuple[float, ...], ...], int] = {}
        return cls._with(compiled, [known.setdefault(tuple(feed), len(known)) for feed in feeds])

    @classmethod
    def _with(cls, compiled: Compiled, class_of: list[int]) -> Fold:
        _, first, index = np.unique(
            np.array(class_of, dtype=np.int64), return_index=True, return_inverse=True
        )
        index = index.astype(np.int64)
        site = compiled.rack_site[first]
        return cls(
            index,
            site,
            FoldedGraph.of(compiled.power.levels, index, len(first)),
            FoldedGraph.of(compiled.network.levels, index, len(first)),
            group_sums(site, len(compiled.names["sites"])),
            _by_circuit(compiled.cooling, first),
        )

    def apart(self, compiled: Compiled, alive: Bools, share: Floats) -> Fold:
        """Return a fold in which live racks whose feeds carry other shares than their class's have classes of their own."""
        odd = np.zeros(len(self.class_of), dtype=bool)
        child = compiled.power.levels.child
        for level in self.power.levels:
            weights = share[level.take]
            most = np.repeat(
                np.maximum.reduceat(weights, level.merge), np.diff(np.append(level.merge, len(weights)))
            )
            racks = child[level.take[weights != most]]
            odd[racks[alive[racks]]] = True
        if not odd.any():
            return self
        own = np.where(odd, self.classes + np.arange(len(odd)), self.class_of)
        return Fold._with(compiled, own.tolist())


def _by_circuit(cooling: CoolingArrays, racks: Ints) -> Sums:
    """Sums of classes to circuits, given one rack of each class."""
    carried = np.flatnonzero(cooling.rack_carry[racks] >= 0)
    circuit = np.concatenate([cooling.rack_circuit[racks], cooling.rack_carry[racks[carried]]])
    row = np.concatenate([np.arange(len(racks)), carried])
    order = np.argsort(circuit, kind="stable")
    starts = np.searchsorted(circuit[order], np.arange(cooling.circuits + 1))
    return Sums(np.ones(len(row)), row[order], starts, len(racks))


def _places(compiled: Compiled) -> list[tuple[int, ...]]:
    """Site, needs and circuits of each rack."""
    power, cooling, racks = compiled.power, compiled.cooling, len(compiled.rack_site)
    if not np.array_equal(power.rack_node, np.arange(racks)):
        raise ValueError("racks are not the first nodes of the power chain")
    columns = (compiled.rack_site, power.levels.needs[:racks], cooling.rack_circuit, cooling.rack_carry)
    return list(zip(*(column.tolist() for column in columns), strict=True))
