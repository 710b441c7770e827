"""Who is powered and who is connected: a pure function of which things are held down, remembered.

Worlds return to the same few states again and again (all well, one panel lost), so the last ones are kept.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

import numpy as np

from twin.graph.compile import Compiled
from twin.graph.levels import Bools, Floats
from twin.sim.fold import Fold
from twin.sim.network import Routes, find_routes, reachable
from twin.sim.power import RollUp
from twin.sim.state import HOLD_KINDS, State

KEPT = 24


@dataclass(frozen=True)
class Topology:
    """The power chain and the network in one state. `alive` and `share` are those of the power chain's nodes and edges."""

    alive: Bools
    share: Floats
    roll_up: RollUp
    rack_powered: Bools
    plant_alive: Bools
    switch_alive: Bools
    link_up: Bools
    rack_reachable: Bools
    link_share: Floats
    fabric: RollUp
    routes: Routes
    fold: Fold


class Topologies:
    """Finds topologies of one compiled fleet; remembers the last `KEPT`."""

    def __init__(self, compiled: Compiled) -> None:
        self._compiled = compiled
        self._fold = Fold.of(compiled)
        self._known: OrderedDict[tuple[bytes, bytes, bytes], Topology] = OrderedDict()
        self._routes: OrderedDict[bytes, Routes] = OrderedDict()

    def of(self, state: State) -> Topology:
        """Return the topology for what is held down, rides without feeders or is fed otherwise, and the metrics of links."""
        up = {kind: state.up(kind) for kind in HOLD_KINDS}
        bits = np.concatenate([*up.values(), state.ride > 0, state.feed_holds > 0])
        key = np.packbits(bits).tobytes(), state.draw.tobytes(), state.metric_s.tobytes()
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = self._find(up, state)
            if len(self._known) > KEPT:
                self._known.popitem(last=False)
        self._known.move_to_end(key)
        return found

    def _find(self, up: dict[str, Bools], state: State) -> Topology:
        power = self._compiled.power
        closed = None if not state.feed_holds.any() else state.feed_holds == 0
        needs = power.levels.needs.copy()
        needs[power.unit_node[state.ride > 0]] = 0
        own = np.ones(power.levels.nodes, dtype=bool)
        own[power.unit_node], own[power.rack_node], own[power.plant_node] = (
            up["power_units"],
            up["racks"],
            up["cooling_plants"],
        )
        alive = power.levels.sweep(own, closed, needs)
        share = power.levels.shares(alive, closed)
        if (state.draw != 1.0).any():
            drawn = np.ones(power.levels.nodes)
            drawn[power.unit_node] = state.draw
            share = share * drawn[power.levels.child]
        powered = alive[power.rack_node]
        switch_alive = self._switch_powered(alive, powered) & up["switches"]
        fold = self._fold.apart(self._compiled, alive, share)
        network = self._network(switch_alive, up["links"], fold)
        routes = self.routes_for(switch_alive, up["links"], state.metric_s)
        return Topology(
            alive,
            share,
            RollUp(fold.power, share),
            powered,
            alive[power.plant_node],
            switch_alive,
            up["links"],
            *network,
            routes,
            fold,
        )

    def _switch_powered(self, alive: Bools, rack_powered: Bools) -> Bools:
        """A switch runs on its own feeds, or on any powered rack that it serves."""
        network, power = self._compiled.network, self._compiled.power
        fed = power.switch_node >= 0
        powered = np.ones(len(fed), dtype=bool)
        powered[fed] = alive[power.switch_node[fed]]
        start = network.switch_rack_start
        serves = ~fed & (np.diff(start) > 0)
        counts = np.r_[0, np.cumsum(rack_powered[network.switch_racks])]
        powered[serves] = (counts[start[1:]] > counts[start[:-1]])[serves]
        return powered

    def _network(self, switch_alive: Bools, link_up: Bools, fold: Fold) -> tuple[Bools, Floats, RollUp]:
        """The fabric's part; taken from a known topology whose switches and links are in the same state."""
        for known in reversed(self._known.values()):
            same = np.array_equal(known.switch_alive, switch_alive) and np.array_equal(known.link_up, link_up)
            if same and known.fold is fold:
                return known.rack_reachable, known.link_share, known.fabric
        network = self._compiled.network
        racks_reach, shares = reachable(network, switch_alive, link_up)
        link_share = np.zeros(len(network.link_capacity_bps))
        link_share[network.inner_link] = shares[network.inner_edge]
        return racks_reach, link_share, RollUp(fold.network, shares)

    def routes_for(self, switch_alive: Bools, link_up: Bools, metric_s: Floats) -> Routes:
        """The routes for a state of the backbone: they do not care about the switches inside a site."""
        network = self._compiled.network
        state = np.r_[switch_alive[network.switch_is_border], link_up[network.backbone]]
        key = np.packbits(state).tobytes() + metric_s.tobytes()
        if key not in self._routes:
            sites = len(self._compiled.names["sites"])
            self._routes[key] = find_routes(network, switch_alive, link_up, sites, metric_s=metric_s)
            if len(self._routes) > KEPT:
                self._routes.popitem(last=False)
        return self._routes[key]
