"""What routers know of the backbone: which border switches and links are up, as they last heard.

Until they hear of a death, traffic follows routes that lead nowhere; until they hear of a return, it goes the long way.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from twin.graph.compile import Compiled
from twin.graph.levels import Bools, Floats
from twin.sim.network import Routes
from twin.sim.sparse import add_up
from twin.sim.state import State
from twin.sim.topology import Topologies, Topology


@dataclass(frozen=True)
class Paths:
    """The routes that routers know, those hops of them that work, and the share `[S, S]` of each pair that these carry.

    `reach` is None where all of them do.
    """

    routes: Routes
    live: Routes
    reach: Floats | None = None


class Routers:
    """Border switches and backbone links of one run, as they are (`up`) and as routers think they are (`known`).

    Unless somebody tells them (changes of kind `route`), routers know at once. At the start of a run they know the truth.
    """

    def __init__(self, compiled: Compiled, topologies: Topologies) -> None:
        network, names = compiled.network, compiled.names
        self._network, self._topologies = network, topologies
        self._borders = np.flatnonzero(network.switch_is_border)
        self.things = (
            *(names["switches"][i] for i in self._borders),
            *(names["links"][i] for i in network.backbone),
        )
        self.up: Bools = np.ones(len(self.things), dtype=bool)
        self.known = self.up
        self.at_rest = True
        self._start = self.up, np.zeros(len(self.things), dtype=np.int64)
        self._fresh = True

    def forget(self) -> None:
        """Start afresh: routers know the truth at the next settle."""
        self._fresh = True

    def paths(self, topology: Topology, state: State) -> Paths:
        """Return the ways that traffic takes, by what routers know."""
        network, borders = self._network, self._borders
        self.up = np.r_[topology.switch_alive[borders], topology.link_up[network.backbone]]
        heard = np.r_[state.heard["switches"][borders], state.heard["links"][network.backbone]]
        if self._fresh:
            self._start, self._fresh = (self.up, heard), False
        up_then, heard_then = self._start
        self.known = up_then + (heard - heard_then) > 0 if state.told else self.up
        self.at_rest = np.array_equal(self.known, self.up)
        if self.at_rest:
            return Paths(topology.routes, topology.routes)
        return self._wrong_paths(topology, state)

    def _wrong_paths(self, topology: Topology, state: State) -> Paths:
        network, borders, alive = self._network, self._borders, topology.switch_alive
        switches, links = alive.copy(), topology.link_up.copy()
        switches[borders], links[network.backbone] = np.split(self.known, [len(borders)])
        routes = self._topologies.routes_for(switches, links, state.metric_s)
        ends_alive = alive[network.backbone_a] & alive[network.backbone_b]
        return cut(routes, np.tile(topology.link_up[network.backbone] & ends_alive, 2))


def cut(routes: Routes, slot_up: Bools) -> Paths:
    """Leave out dead hops (`slot_up` `[2·B]`): what a pair sends over them is lost; one that reaches nothing sends nothing.

    Where routes lead over dead hops one after the other, each takes its part of the whole (the most that can be lost).
    """
    dead = ~slot_up[routes.slot]
    lost = add_up(routes.pair, np.where(dead, routes.part, 0.0), routes.rtt_s.size)
    reach = np.clip(1.0 - lost, 0.0, 1.0)
    works = ~dead & (reach[routes.pair] > 0)
    live = replace(routes, pair=routes.pair[works], slot=routes.slot[works], part=routes.part[works])
    return Paths(routes, live, reach.reshape(routes.rtt_s.shape))
