"""Where standby generators stand in the power chain: which loads call them, and which of them run in parallel.

A *bus* is a unit that only generators feed. A *point of transfer* is what a generator or a bus feeds and something else
too: a transfer switch, or a board with a utility and a generator. Its other feeders are the preferred ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heappush

import numpy as np

from twin.graph.compile import Compiled
from twin.graph.levels import Bools, Ints, Levels
from twin.sim.engine import Engine


@dataclass(frozen=True)
class Standby:
    """Points of transfer `[p]` of some generators `[n]`.

    `preferred` are the edges from the points to their preferred feeders, cut at `starts`; `edge`, `generator` and `point`
    name, in one row each, an edge from a point to a generator or bus, a generator behind it, and the point. `group` tells
    which generators share a bus; `prime` those that stand by for nothing: they run from the start.
    """

    points: tuple[str, ...]
    needs: Ints
    preferred: Ints
    starts: Ints
    edge: Ints
    generator: Ints
    point: Ints
    group: Ints
    prime: Bools

    def wanted(self, engine: Engine) -> tuple[Bools, Bools]:
        """Return which generators `[n]` are wanted, and which points `[p]` call because they lack preferred sources.

        A generator is wanted while one of its points lacks preferred sources, or still takes from it alone.
        """
        if not len(self.points):
            return self.prime, np.zeros(0, dtype=bool)
        parent = engine.compiled.power.levels.parent[self.preferred]
        calls = np.add.reduceat(engine.alive[parent].astype(np.int64), self.starts) < self.needs
        on_preferred = np.add.reduceat(engine.share[self.preferred], self.starts) > 0
        wants = calls[self.point] | (~on_preferred[self.point] & (engine.share[self.edge] > 0))
        return self.prime | (np.bincount(self.generator[wants], minlength=len(self.prime)) > 0), calls


def standby_of(compiled: Compiled, generators: Sequence[int]) -> Standby:
    """Walk down from generators (indices of units) to their points of transfer. Cost: one look at all feeds per node met."""
    levels = compiled.power.levels
    nodes = compiled.power.unit_node[np.array(generators, dtype=np.int64)]
    behind = {int(node): {i} for i, node in enumerate(nodes)}
    points: list[tuple[int, Ints]] = []
    # Nodes are numbered from the leaves: the highest first is parents before children.
    waiting = [-int(node) for node in nodes]
    heapify(waiting)
    met = set(behind)
    while waiting:
        node = -heappop(waiting)
        edges = np.flatnonzero(levels.child == node)
        above = [behind.get(int(p)) for p in levels.parent[edges]]
        if len(edges) and None in above:
            points.append((node, edges))
            continue
        behind.setdefault(node, set()).update(*(found for found in above if found))
        for below in levels.child[levels.parent == node].tolist():
            if below not in met:
                met.add(below)
                heappush(waiting, -below)
    return _standby(compiled, points, behind, nodes)


def _standby(
    compiled: Compiled, points: list[tuple[int, Ints]], behind: dict[int, set[int]], nodes: Ints
) -> Standby:
    levels = compiled.power.levels
    preferred = [[e for e in edges.tolist() if int(levels.parent[e]) not in behind] for _, edges in points]
    rows = [
        (e, generator, p)
        for p, (_, edges) in enumerate(points)
        for e in edges.tolist()
        for generator in sorted(behind.get(int(levels.parent[e]), ()))
    ]
    edge, generator, point = np.array(rows, dtype=np.int64).reshape(-1, 3).T
    return Standby(
        points=tuple(_node_name(compiled, node) for node, _ in points),
        needs=levels.needs[np.array([node for node, _ in points], dtype=np.int64)],
        preferred=np.array([e for row in preferred for e in row], dtype=np.int64),
        starts=np.cumsum([0, *(len(row) for row in preferred)])[:-1],
        edge=edge,
        generator=generator,
        point=point,
        group=_groups(levels, nodes),
        prime=~np.isin(np.arange(len(nodes)), generator),
    )


def _groups(levels: Levels, nodes: Ints) -> Ints:
    """Label of each generator: those that share a load, feeding one unit directly, have the same."""
    label = list(range(len(nodes)))
    place = {int(node): i for i, node in enumerate(nodes)}
    shares = np.isin(levels.parent, nodes) & ~levels.standby
    together: dict[int, list[int]] = {}
    for child, parent in zip(levels.child[shares].tolist(), levels.parent[shares].tolist(), strict=True):
        together.setdefault(child, []).append(place[parent])
    for sets in together.values():
        merged = {label[i] for i in sets}
        label = [min(merged) if old in merged else old for old in label]
    return np.array(label, dtype=np.int64)


def _node_name(compiled: Compiled, node: int) -> str:
    power = compiled.power
    for kind, nodes in (
        ("power_units", power.unit_node),
        ("racks", power.rack_node),
        ("cooling_plants", power.plant_node),
        ("switches", power.switch_node),
    ):
        found = np.flatnonzero(nodes == node)
        if len(found):
            return compiled.names[kind][int(found[0])]
    raise KeyError(node)
