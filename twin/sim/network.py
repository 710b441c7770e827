"""Reachability, routes and link loads: the fabric of each site and the backbone between sites."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components, dijkstra

from twin.graph.compile import NetworkArrays
from twin.graph.levels import Bools, Floats, Ints
from twin.sim.power import RollUp
from twin.sim.sparse import Sums


@dataclass(frozen=True)
class Routes:
    """Routes between sites for one state of the backbone.

    `label[s]` is the connected part a site belongs to (-1: cut off; sites without border switches count as connected) and
    `rtt_s[S, S]` the round trip. (`pair`, `slot`) are the hops of all routes, sorted by pair = from·S + to; a slot is a
    backbone link and a direction: position for a to b, B + position for b to a.
    """

    label: Ints
    rtt_s: Floats
    pair: Ints
    slot: Ints

    @cached_property
    def by_slot(self) -> tuple[Ints, Sums]:
        """The slots that any route uses, and the sums of what the pairs of sites `[S·S]` send through each, in order."""
        order = np.argsort(self.slot, kind="stable")
        used, starts = np.unique(self.slot[order], return_index=True)
        pairs = self.pair[order]
        return used, Sums(np.ones(len(pairs)), pairs, np.append(starts, len(pairs)), self.rtt_s.size)


def reachable(network: NetworkArrays, switch_alive: Bools, link_up: Bools) -> tuple[Bools, Floats]:
    """Return which racks have a path to a live border switch, and the shares of the fabric's edges."""
    own = np.ones(network.levels.nodes, dtype=bool)
    own[network.switch_node] = switch_alive
    own[network.switch_node[network.isolated]] = False
    edge_up = np.where(network.edge_link >= 0, link_up[network.edge_link], True) if len(link_up) else None
    alive = network.levels.sweep(own, edge_up)
    return alive[network.rack_node], network.levels.shares(alive, edge_up)


def find_routes(network: NetworkArrays, switch_alive: Bools, link_up: Bools, sites: int) -> Routes:
    """Route every pair of sites over the live backbone by least latency (Dijkstra).

    The nodes are the live border switches and one node per site joined to its borders at no cost. Cost: O(S·E log S).
    """
    border_count = np.bincount(network.switch_site[network.switch_is_border], minlength=sites)
    alive = switch_alive & network.switch_is_border
    live_count = np.bincount(network.switch_site[alive], minlength=sites)
    if not len(network.backbone):
        label = np.where((border_count > 0) & (live_count == 0), -1, 0)
        return Routes(label, np.zeros((sites, sites)), _no_ints(), _no_ints())
    borders = np.flatnonzero(alive)
    node_of = np.full(len(alive), -1, dtype=np.int64)
    node_of[borders] = sites + np.arange(len(borders))
    usable = np.flatnonzero(link_up[network.backbone] & alive[network.backbone_a] & alive[network.backbone_b])
    links = network.backbone[usable]
    a, b = node_of[network.backbone_a[usable]], node_of[network.backbone_b[usable]]
    home, hop = network.switch_site[borders], np.full(len(borders), 1e-12)
    rows, columns = np.r_[a, b, node_of[borders], home], np.r_[b, a, home, node_of[borders]]
    weights = np.r_[network.link_latency_s[links], network.link_latency_s[links], hop, hop] + 1e-9
    slot = np.r_[usable, len(network.backbone) + usable, np.full(2 * len(borders), -1)]
    nodes = sites + len(borders)
    hops = _Hops.of(rows * nodes + columns, weights, slot)
    graph = csr_matrix((hops.weight, (hops.key // nodes, hops.key % nodes)), shape=(nodes, nodes))
    _, component = connected_components(graph, directed=False)
    _, label = np.unique(component[:sites], return_inverse=True)
    label = np.where((border_count > 0) & (live_count == 0), -1, label)
    distance, before = dijkstra(graph, indices=np.arange(sites), return_predecessors=True)
    latency = np.where(np.isfinite(distance[:, :sites]), distance[:, :sites], 0.0)
    return Routes(label, np.round(2.0 * latency, 6), *_walk(before, hops, sites, nodes))


@dataclass(frozen=True)
class _Hops:
    """The joined pairs of nodes (`key` = from·nodes + to, ascending), the least weight of each, and its lightest slots.

    Parallel links of equal latency stand together: `first` and `count` say where in `slots`.
    """

    key: Ints
    weight: Floats
    slots: Ints
    first: Ints
    count: Ints

    @classmethod
    def of(cls, key: Ints, weight: Floats, slot: Ints) -> _Hops:
        order = np.lexsort((slot, weight, key))
        key, weight, slot = key[order], weight[order], slot[order]
        starts = np.flatnonzero(np.r_[True, key[1:] != key[:-1]]) if len(key) else _no_ints()
        least = np.repeat(weight[starts], np.diff(np.r_[starts, len(key)]))
        lightest = weight == least
        before = np.r_[0, np.cumsum(lightest)]
        ends = np.r_[starts[1:], len(key)].astype(np.int64)
        return cls(key[starts], weight[starts], slot[lightest], before[starts], before[ends] - before[starts])


def _walk(before: Ints, hops: _Hops, sites: int, nodes: int) -> tuple[Ints, Ints]:
    """Unroll the predecessors of all pairs of sites at once into (pair, slot), one hop of each route per round."""
    pair = np.flatnonzero(~np.eye(sites, dtype=bool).ravel())
    node = pair % sites
    pairs, slots = [_no_ints()], [_no_ints()]
    while len(pair):
        previous = before[pair // sites, node].astype(np.int64)
        going = previous >= 0
        pair, node, previous = pair[going], node[going], previous[going]
        hop = np.searchsorted(hops.key, previous * nodes + node)
        slot = hops.slots[hops.first[hop] + pair % hops.count[hop]]
        pairs.append(pair[slot >= 0])
        slots.append(slot[slot >= 0])
        node = previous
    order = np.argsort(np.concatenate(pairs), kind="stable")
    return np.concatenate(pairs)[order], np.concatenate(slots)[order]


def backbone_loads(routes: Routes, traffic_bps: Floats, links: int) -> Floats:
    """Load of every backbone link `[bit/s, (2, B, ...)]` (towards b, towards a) from traffic between sites `[(S, S, ...)]`."""
    used, sums = routes.by_slot
    loads = np.zeros((2 * links, *traffic_bps.shape[2:]))
    loads[used] = sums.of(traffic_bps.reshape(sums.width, *traffic_bps.shape[2:]))
    return loads.reshape(2, links, *traffic_bps.shape[2:])


def delivered(routes: Routes, load_bps: Floats, capacity_bps: Floats, sites: int) -> Floats:
    """Share of each pair's traffic that gets through `[1, (S, S)]`: the least capacity / load along its route.

    This is a bound, not a sharing rule: every flow over an overloaded link loses the same share.
    """
    room = np.minimum(capacity_bps / np.maximum(load_bps, 1e-9), 1.0).ravel()
    share = np.ones(sites * sites)
    np.minimum.at(share, routes.pair, room[routes.slot])
    return share.reshape(sites, sites)


def fabric_loads(
    network: NetworkArrays, class_bps: Floats, link_share: Floats, sums: RollUp
) -> tuple[Floats, Floats]:
    """Load of every switch `[bit/s, (W, T)]` and every link inside a site `[bit/s, (L, T)]`, from the traffic of the racks.

    `class_bps` `[C, T]` is what the racks of each class send, `link_share` the share that each link inside a site carries
    of what its lower switch sends. Traffic splits evenly over the live uplinks of each node (ECMP).
    """
    shift = sums.graph.shift
    load = np.zeros((sums.graph.size, class_bps.shape[1]))
    load[: len(class_bps)] = class_bps
    sums.sum(load)
    inner = network.inner_link
    links = np.zeros((len(link_share), class_bps.shape[1]))
    links[inner] = load[network.link_child[inner] - shift] * link_share[inner][:, None]
    return load[network.switch_node - shift], links


def _no_ints() -> Ints:
    return np.zeros(0, dtype=np.int64)
