"""Who is powered and who is connected: pure functions of which things are held down, remembered.

Worlds return to the same few states again and again (all well, one panel lost), so the last ones are kept: those of the
power chain, those of the network, and the routes of the backbone, each by what it depends on and no more.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np

from twin.graph.compile import Compiled
from twin.graph.levels import Bools, Floats
from twin.sim.fold import Fold
from twin.sim.network import Routes, find_routes, reachable
from twin.sim.power import RollUp
from twin.sim.state import State

KEPT = 24
Found = TypeVar("Found")


@dataclass(frozen=True)
class Chain:
    """The power chain in one state. `alive` and `share` are those of its nodes and edges."""

    alive: Bools
    share: Floats
    roll_up: RollUp
    rack_powered: Bools
    plant_alive: Bools
    switch_powered: Bools
    fold: Fold


@dataclass(frozen=True)
class Network:
    """The fabrics in one state, their racks folded as those of the power chain."""

    rack_reachable: Bools
    link_share: Floats
    fabric: RollUp


@dataclass(frozen=True)
class Topology(Chain, Network):
    """The power chain, the network and the backbone in one state."""

    switch_alive: Bools
    link_up: Bools
    routes: Routes


class Lately(Generic[Found]):
    """The last `KEPT` results of a pure function, by what it depends on."""

    def __init__(self) -> None:
        self._known: OrderedDict[Hashable, Found] = OrderedDict()

    def of(self, key: Hashable, find: Callable[[], Found]) -> Found:
        """Return what is known for a key, or find it."""
        if key not in self._known:
            self._known[key] = find()
            if len(self._known) > KEPT:
                self._known.popitem(last=False)
        self._known.move_to_end(key)
        return self._known[key]


class Topologies:
    """Finds topologies of one compiled fleet, and remembers their parts."""

    def __init__(self, compiled: Compiled) -> None:
        self._compiled = compiled
        self._fold = Fold.of(compiled)
        self._chains: Lately[Chain] = Lately()
        self._networks: Lately[Network] = Lately()
        self._routes: Lately[Routes] = Lately()

    def of(self, state: State) -> Topology:
        """Return the topology for what is held down, rides without feeders or is fed otherwise, and the metrics of links."""
        held = [state.holds[kind] != 0 for kind in ("power_units", "racks", "cooling_plants")]
        key = _bits(*held, state.ride > 0, state.feed_holds > 0), state.draw.tobytes()
        chain = self._chains.of(key, lambda: self._chain(state))
        switch_alive = chain.switch_powered & state.up("switches")
        link_up = state.up("links")
        network = self._networks.of(
            (_bits(switch_alive, link_up), chain.fold),
            lambda: self._network(switch_alive, link_up, chain.fold),
        )
        routes = self.routes_for(switch_alive, link_up, state.metric_s)
        return Topology(
            **vars(chain), **vars(network), switch_alive=switch_alive, link_up=link_up, routes=routes
        )

    def _chain(self, state: State) -> Chain:
        power = self._compiled.power
        closed = None if not state.feed_holds.any() else state.feed_holds == 0
        needs = power.levels.needs.copy()
        needs[power.unit_node[state.ride > 0]] = 0
        own = np.ones(power.levels.nodes, dtype=bool)
        own[power.unit_node], own[power.rack_node], own[power.plant_node] = (
            state.up("power_units"),
            state.up("racks"),
            state.up("cooling_plants"),
        )
        alive = power.levels.sweep(own, closed, needs)
        share = power.levels.shares(alive, closed)
        if (state.draw != 1.0).any():
            drawn = np.ones(power.levels.nodes)
            drawn[power.unit_node] = state.draw
            share = share * drawn[power.levels.child]
        fold = self._fold.apart(self._compiled, alive, share)
        racks, plants = alive[power.rack_node], alive[power.plant_node]
        switches = self._switch_powered(alive, racks)
        return Chain(alive, share, RollUp(fold.power, share), racks, plants, switches, fold)

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

    def _network(self, switch_alive: Bools, link_up: Bools, fold: Fold) -> Network:
        network = self._compiled.network
        racks_reach, shares = reachable(network, switch_alive, link_up)
        link_share = np.zeros(len(network.link_capacity_bps))
        link_share[network.inner_link] = shares[network.inner_edge]
        return Network(racks_reach, link_share, RollUp(fold.network, shares))

    def routes_for(self, switch_alive: Bools, link_up: Bools, metric_s: Floats) -> Routes:
        """The routes for a state of the backbone: they do not care about the switches inside a site."""
        network, sites = self._compiled.network, len(self._compiled.names["sites"])
        key = _bits(switch_alive[network.switch_is_border], link_up[network.backbone]), metric_s.tobytes()
        return self._routes.of(
            key, lambda: find_routes(network, switch_alive, link_up, sites, metric_s=metric_s)
        )


def _bits(*rows: Bools) -> bytes:
    return np.packbits(np.concatenate(rows)).tobytes()
