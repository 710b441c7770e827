"""Full and busy links inside a site: whose answers they lose, and how long answers wait in front of them.

A flow is what the services of one class (a tier) send from one server on ways that cross the same full links; flows share
those links max-min, the lowest tier first. Servers of a kind behind the same switches are alike: one flow with a weight.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from twin.graph.levels import Bools, Floats, Ints
from twin.sim.congestion import WAITING_FROM
from twin.sim.constants import Constants
from twin.sim.laws.link_delay import queueing_delay
from twin.sim.laws.maxmin import Hops, max_min
from twin.sim.network import left_bps
from twin.sim.power import RollUp
from twin.sim.servers import Servers, Supply
from twin.sim.services import Flows
from twin.sim.sparse import Sums, add_up
from twin.sim.state import State
from twin.sim.topology import Topology
from twin.sim.ways import Uplinks, Ways, ways_over


class Fabric:
    """Settles the traffic inside the sites, from the racks up to the borders."""

    def __init__(self, constants: Constants, state: State, servers: Servers) -> None:
        self._constants, self._compiled, self._state = constants, constants.compiled, state
        self._servers = servers
        buffer_s = self._compiled.network.link_buffer_s.copy()
        buffer_s[self._compiled.network.backbone] = 0.0
        self._buffered = np.flatnonzero(buffer_s)
        self._buffer_s = buffer_s[self._buffered, None]

    def first_full(self, link_load: Floats) -> int | None:
        """Return the first instant at which a link inside a site is offered more than it carries `[bit/s, (L, T)]`."""
        over: Bools = np.any(link_load > self._limit_bps()[:, None], axis=0)
        return int(over.argmax()) if over.any() else None

    def lost(self, flows: Flows, topology: Topology, supply: Supply, link_bps: Floats) -> Floats:
        """Share of the answers of each service at each site that full links lose, at one instant `[1, (K, S)]`.

        `link_bps` is what links are offered `[bit/s, (L,)]`. Cost: in proportion to the classes of racks at the sites of the
        full links, not to the fleet.
        """
        limit, services = self._limit_bps(), self._compiled.services
        full = link_bps > limit
        behind = np.flatnonzero(np.isin(topology.fold.site, self._compiled.network.link_site[full]))
        ways = ways_over(Uplinks.of(self._compiled.network, topology.fabric), behind, full)
        share, pair, leaf = self._spread(supply)
        entry = np.flatnonzero(np.isin(leaf, ways.leaf) & (supply.working > 0))
        count, share, pair = supply.working[entry], share[entry], pair[entry]
        sends_bps = self._bits(flows)[:, pair] * share / count
        gone = _gone(ways, leaf[entry], count, sends_bps, limit) * share
        pairs = len(supply.inverse_rs)
        of_pair = np.stack([add_up(pair, row, pairs + 1) for row in gone])
        return np.minimum(of_pair[self._constants.service_class[:, None], services.rs], 1.0)

    def waiting(
        self, link_load: Floats, topology: Topology, supplies: Sequence[tuple[int, Supply]]
    ) -> Floats | None:
        """Mean time that answers of each service at each site wait on their way to the border `[s, (T, K, S)]`; None: no time."""
        load, capacity = link_load[self._buffered], self._limit_bps()[self._buffered, None]
        queues = (load > WAITING_FROM * capacity) & (capacity > 0)
        if not queues.any():
            return None
        holds, buffer = (np.broadcast_to(each, load.shape)[queues] for each in (capacity, self._buffer_s))
        own = np.zeros_like(load)
        own[queues] = queueing_delay(load[queues] / holds, holds, buffer_s=buffer)
        delay = np.zeros_like(link_load)
        delay[self._buffered] = own
        uplinks = Uplinks.of(self._compiled.network, topology.fabric)
        of_class = _up_to_the_border(uplinks, topology.fabric, delay)[: topology.fold.classes]
        of_pair = np.zeros((len(supplies[0][1].inverse_rs) + 1, link_load.shape[1]))
        lasts = [first for first, _ in supplies[1:]] + [link_load.shape[1]]
        for (first, supply), last in zip(supplies, lasts, strict=True):
            of_pair[:-1, first:last] = self._by_pair(supply).of(of_class[:, first:last])
        return np.ascontiguousarray(np.moveaxis(of_pair[self._compiled.services.rs], -1, 0))

    def _limit_bps(self) -> Floats:
        """What each link inside a site can carry now `[bit/s, (L,)]`; infinite for those of the backbone."""
        left = left_bps(self._compiled.network.link_capacity_bps, self._state.bandwidth)
        left[self._compiled.network.backbone] = np.inf
        return left

    def _bits(self, flows: Flows) -> Floats:
        """What the services of each class send per (reservation, site) pair `[bit/s, (classes, P)]`."""
        passed, sites = flows.passed[:1].reshape(-1, 1), flows.passed.shape[-1]
        of_cell = np.repeat(self._constants.service_class, sites)[:, None]
        each = [np.where(of_cell == one, passed, 0.0) for one in range(self._constants.classes)]
        return np.stack([self._constants.bits.of(one)[:, 0] for one in each])

    def _spread(self, supply: Supply) -> tuple[Floats, Ints, Ints]:
        """Of each entry of servers: its share of what their (reservation, site) pair sends, the pair, and the class of racks."""
        places = self._servers.places
        pair = places.pair[places.columns]
        share = places.rru[places.columns] * supply.working * supply.inverse_rs[pair]
        return share, pair, np.repeat(np.arange(len(places.starts) - 1), np.diff(places.starts))

    def _by_pair(self, supply: Supply) -> Sums:
        """Means over the servers of each (reservation, site) pair of what classes of racks have."""
        share, pair, leaf = self._spread(supply)
        order = np.argsort(pair, kind="stable")
        starts = np.searchsorted(pair[order], np.arange(len(supply.inverse_rs) + 1))
        return Sums(share[order], leaf[order], starts, self._servers.places.fold.classes)


def _up_to_the_border(uplinks: Uplinks, fabric: RollUp, delay: Floats) -> Floats:
    """Mean delay from each node (classes of racks first) to the border `[s, (n, T)]`, from that of each link `[s, (L, T)]`."""
    total = np.zeros((fabric.graph.size, delay.shape[1]))
    # Nodes are numbered by level: all that is above a node stands behind it.
    levels = [0, *(level.parents.start for level in fabric.graph.levels), fabric.graph.size]
    for first, last in reversed(list(zip(levels, levels[1:], strict=False))):
        edges = slice(uplinks.starts[first], uplinks.starts[last])
        link, runs = uplinks.link[edges], uplinks.starts[first : last + 1] - uplinks.starts[first]
        if len(link):
            ahead = total[uplinks.parent[edges]] + np.where((link >= 0)[:, None], delay[link], 0.0)
            total[first:last] = Sums(uplinks.share[edges], np.arange(len(link)), runs, len(link)).of(ahead)
    return total


def _gone(ways: Ways, leaf: Ints, count: Floats, sends_bps: Floats, limit_bps: Floats) -> Floats:
    """Share that is lost of what servers of a kind send for each class of traffic `[1, (classes, E)]`.

    Parameters
    ----------
    leaf, count
        Class of racks that the servers of each entry are in, and how many they are `[(E,)]`.
    sends_bps
        What one of them sends, by class in the order of priority `[bit/s, (classes, E)]`.
    limit_bps
        What each link carries `[bit/s, (L,)]`.
    """
    first, last = (np.searchsorted(ways.leaf, leaf, side=side) for side in ("left", "right"))
    number = last - first
    entry = np.repeat(np.arange(len(leaf)), number)
    way = np.repeat(first - np.cumsum(number) + number, number) + np.arange(number.sum())
    priority, at = np.nonzero(sends_bps[:, entry] > 0)
    entry, way = entry[at], way[at]
    hops = ways.starts[way + 1] - ways.starts[way]
    flow = np.repeat(np.arange(len(way)), hops)
    link = ways.link[np.repeat(ways.starts[way] - np.cumsum(hops) + hops, hops) + np.arange(hops.sum())]
    weight = count[entry] * ways.part[way]
    wanted = sends_bps[priority, entry]
    rate = max_min(wanted, limit_bps, Hops(flow, link, weight[flow]), priority=priority)
    lost = np.maximum(1.0 - rate / wanted, 0.0) * ways.part[way]
    return add_up(priority * len(leaf) + entry, lost, sends_bps.size).reshape(sends_bps.shape)
