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
from twin.sim.sparse import Sums, add_up

# Paths whose latencies differ by less are equally short (a hop more makes 1e-9 s of difference).
SAME_S = 1e-12


@dataclass(frozen=True)
class Routes:
    """Routes between sites for one state of the backbone.

    `label[s]` is the connected part a site belongs to (-1: cut off; sites without border switches count as connected) and
    `rtt_s[S, S]` the round trip. (`pair`, `slot`) are the hops of all routes, sorted by pair = from·S + to; a slot is a
    backbone link and a direction: position for a to b, B + position for b to a. `part` of what a pair sends takes this hop
    (equal-cost multipath: its many flows are spread over all shortest paths).
    """

    label: Ints
    rtt_s: Floats
    pair: Ints
    slot: Ints
    part: Floats

    @cached_property
    def by_slot(self) -> tuple[Ints, Sums]:
        """The slots that any route uses, and the sums of what the pairs of sites `[S·S]` send through each, in order."""
        order = np.argsort(self.slot, kind="stable")
        used, starts = np.unique(self.slot[order], return_index=True)
        pairs = self.pair[order]
        return used, Sums(self.part[order], pairs, np.append(starts, len(pairs)), self.rtt_s.size)


def reachable(network: NetworkArrays, switch_alive: Bools, link_up: Bools) -> tuple[Bools, Floats]:
    """Return which racks have a path to a live border switch, and the shares of the fabric's edges."""
    own = np.ones(network.levels.nodes, dtype=bool)
    own[network.switch_node] = switch_alive
    own[network.switch_node[network.isolated]] = False
    edge_up = np.where(network.edge_link >= 0, link_up[network.edge_link], True) if len(link_up) else None
    alive = network.levels.sweep(own, edge_up)
    return alive[network.rack_node], network.levels.shares(alive, edge_up)


def find_routes(
    network: NetworkArrays, switch_alive: Bools, link_up: Bools, sites: int, *, metric_s: Floats | None = None
) -> Routes:
    """Route every pair of sites over the live backbone by least latency (Dijkstra), evenly over all shortest paths.

    `metric_s` `[s, (L,)]` is added to the latency for the choice, and takes no time. The nodes are the live border switches
    and one node per site joined to its borders at no cost. Cost: O(S·E log S).
    """
    border_count = np.bincount(network.switch_site[network.switch_is_border], minlength=sites)
    alive = switch_alive & network.switch_is_border
    live_count = np.bincount(network.switch_site[alive], minlength=sites)
    if not len(network.backbone):
        label = np.where((border_count > 0) & (live_count == 0), -1, 0)
        return Routes(label, np.zeros((sites, sites)), _no_ints(), _no_ints(), np.zeros(0))
    borders = np.flatnonzero(alive)
    node_of = np.full(len(alive), -1, dtype=np.int64)
    node_of[borders] = sites + np.arange(len(borders))
    usable = np.flatnonzero(link_up[network.backbone] & alive[network.backbone_a] & alive[network.backbone_b])
    links = network.backbone[usable]
    a, b = node_of[network.backbone_a[usable]], node_of[network.backbone_b[usable]]
    home, hop = network.switch_site[borders], np.full(len(borders), 1e-12)
    nodes = sites + len(borders)
    slot = np.r_[usable, len(network.backbone) + usable, np.full(2 * len(borders), -1)]
    cost = network.link_latency_s[links]
    if metric_s is not None:
        cost = np.maximum(cost + metric_s[links], 0.0)
    weight = np.r_[cost, cost, hop, hop] + 1e-9
    edges = _Edges.of(np.r_[a, b, node_of[borders], home], np.r_[b, a, home, node_of[borders]], weight, slot)
    graph = edges.graph(nodes)
    _, component = connected_components(graph, directed=False)
    _, label = np.unique(component[:sites], return_inverse=True)
    label = np.where((border_count > 0) & (live_count == 0), -1, label)
    distance = dijkstra(graph, indices=np.arange(sites))
    pair, slot, part = _spread(edges, distance)
    latency = np.where(np.isfinite(distance[:, :sites]), distance[:, :sites], 0.0)
    if metric_s is not None and metric_s.any():
        took = np.tile(network.link_latency_s[network.backbone], 2)[slot] * part
        there = add_up(pair, took, sites * sites).reshape(sites, sites)
        latency = (there + there.T) / 2.0
    return Routes(label, np.round(2.0 * latency, 6), pair, slot, part)


@dataclass(frozen=True)
class _Edges:
    """Directed hops between nodes, sorted by where they begin and end, the lightest first; slot -1: inside a site."""

    start: Ints
    end: Ints
    weight: Floats
    slot: Ints

    @classmethod
    def of(cls, start: Ints, end: Ints, weight: Floats, slot: Ints) -> _Edges:
        order = np.lexsort((slot, weight, end, start))
        return cls(start[order], end[order], weight[order], slot[order])

    def graph(self, nodes: int) -> csr_matrix:
        """The lightest hop between each two nodes."""
        key = self.start * nodes + self.end
        first = np.flatnonzero(np.r_[True, key[1:] != key[:-1]]) if len(key) else _no_ints()
        ends = self.start[first], self.end[first]
        return csr_matrix((self.weight[first], ends), shape=(nodes, nodes))


def _spread(edges: _Edges, distance: Floats) -> tuple[Ints, Ints, Floats]:
    """Follow all pairs of sites at once along their shortest paths, one hop per round: (pair, slot, part), sorted by pair.

    At every node what is under way to a site is split evenly over the hops that are as short as any (equal-cost multipath).
    `distance` is that of each site to every node `[S, nodes]`.
    """
    sites, nodes = distance.shape
    with np.errstate(invalid="ignore"):
        longer = distance[:, edges.end] + edges.weight - distance[:, edges.start]
    target, edge = np.nonzero(np.abs(longer) < SAME_S)
    here = target * nodes + edges.start[edge]
    pair = np.flatnonzero(~np.eye(sites, dtype=bool).ravel())
    node, part = pair // sites, np.ones(len(pair))
    pairs, slots, parts = [_no_ints()], [_no_ints()], [np.zeros(0)]
    while len(pair):
        first, last = (
            np.searchsorted(here, pair % sites * nodes + node, side=side) for side in ("left", "right")
        )
        count = last - first
        one = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
        taken = edge[np.repeat(first, count) + one]
        pair, part = np.repeat(pair, count), np.repeat(part / np.maximum(count, 1), count)
        outside = edges.slot[taken] >= 0
        pairs.append(pair[outside])
        slots.append(edges.slot[taken][outside])
        parts.append(part[outside])
        key, of_key = np.unique(pair * nodes + edges.end[taken], return_inverse=True)
        pair, node, part = key // nodes, key % nodes, add_up(of_key, part, len(key))
    order = np.argsort(np.concatenate(pairs), kind="stable")
    return np.concatenate(pairs)[order], np.concatenate(slots)[order], np.concatenate(parts)[order]


def backbone_loads(routes: Routes, traffic_bps: Floats, links: int) -> Floats:
    """Load of every backbone link `[bit/s, (2, B, ...)]` (towards b, towards a) from traffic between sites `[(S, S, ...)]`."""
    used, sums = routes.by_slot
    loads = np.zeros((2 * links, *traffic_bps.shape[2:]))
    loads[used] = sums.of(traffic_bps.reshape(sums.width, *traffic_bps.shape[2:]))
    return loads.reshape(2, links, *traffic_bps.shape[2:])


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


def left_bps(capacity_bps: Floats, left: Floats) -> Floats:
    """What links can carry `[bit/s, (L,)]` of which a share is left `[1]`; nothing where none is, however wide they were."""
    return np.multiply(capacity_bps, np.minimum(left, 1.0), out=np.zeros_like(capacity_bps), where=left > 0)


def _no_ints() -> Ints:
    return np.zeros(0, dtype=np.int64)
