"""Reachability, routes and link loads: the fabric of each site and the backbone between sites."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components, dijkstra

from twin.graph.compile import NetworkArrays
from twin.graph.levels import Bools, Floats, Ints
from twin.sim.power import RollUp
from twin.sim.sparse import add_up


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
    usable = link_up[network.backbone] & alive[network.backbone_a] & alive[network.backbone_b]
    positions, links = np.flatnonzero(usable), network.backbone[usable]
    a, b = network.backbone_a[usable] + sites, network.backbone_b[usable] + sites
    borders = np.flatnonzero(alive)
    home = network.switch_site[borders]
    cost = network.link_latency_s[links] + 1e-9
    hop = np.full(len(borders), 1e-12)
    rows, columns = np.r_[a, b, borders + sites, home], np.r_[b, a, home, borders + sites]
    weights = np.r_[cost, cost, hop, hop]
    nodes = sites + len(alive)
    rows, columns, weights = _lightest(rows, columns, weights, nodes)
    graph = csr_matrix((weights, (rows, columns)), shape=(nodes, nodes))
    _, component = connected_components(graph, directed=False)
    _, label = np.unique(component[:sites], return_inverse=True)
    label = np.where((border_count > 0) & (live_count == 0), -1, label)
    distance, before = dijkstra(graph, indices=np.arange(sites), return_predecessors=True)
    pair, slot = _walk(before, _slots_between(a, b, positions, cost, len(network.backbone)), sites)
    latency = np.where(np.isfinite(distance[:, :sites]), distance[:, :sites], 0.0)
    return Routes(label, np.round(2.0 * latency, 8), pair, slot)


def _lightest(rows: Ints, columns: Ints, weights: Floats, nodes: int) -> tuple[Ints, Ints, Floats]:
    """Keep the lightest of parallel edges (a sparse matrix would add them up)."""
    order = np.lexsort((weights, rows * nodes + columns))
    key = (rows * nodes + columns)[order]
    first = np.r_[True, key[1:] != key[:-1]] if len(key) else np.zeros(0, dtype=bool)
    kept = order[first]
    return rows[kept], columns[kept], weights[kept]


def _slots_between(
    a: Ints, b: Ints, positions: Ints, cost: Floats, links: int
) -> dict[tuple[int, int], list[int]]:
    """The lightest links of each pair of border switches; parallel links of equal latency share the traffic by pair."""
    found: dict[tuple[int, int], list[tuple[float, int]]] = {}
    for u, v, position, weight in zip(a.tolist(), b.tolist(), positions.tolist(), cost.tolist(), strict=True):
        found.setdefault((u, v), []).append((weight, position))
        found.setdefault((v, u), []).append((weight, links + position))
    return {
        ends: [slot for weight, slot in sorted(rows) if weight == min(rows)[0]]
        for ends, rows in found.items()
    }


def _walk(before: Ints, slots: dict[tuple[int, int], list[int]], sites: int) -> tuple[Ints, Ints]:
    """Unroll the predecessors into (pair, slot) hops."""
    pairs: list[int] = []
    chosen: list[int] = []
    for start, row in enumerate(before.tolist()):
        for end in range(sites):
            node = end
            while start != end and row[node] >= 0:
                choice = slots.get((row[node], node))
                if choice:
                    pairs.append(start * sites + end)
                    chosen.append(choice[(start * sites + end) % len(choice)])
                node = row[node]
    return np.array(pairs, dtype=np.int64), np.array(chosen, dtype=np.int64)


def backbone_loads(routes: Routes, traffic_bps: Floats, links: int) -> Floats:
    """Load of every backbone link `[bit/s, (2, B)]` (towards b, towards a) from the traffic between sites `[bit/s, (S, S)]`."""
    flow = traffic_bps.ravel()[routes.pair]
    loads: Floats = add_up(routes.slot, flow, 2 * links)
    return loads.reshape(2, links)


def delivered(routes: Routes, load_bps: Floats, capacity_bps: Floats, sites: int) -> Floats:
    """Share of each pair's traffic that gets through `[1, (S, S)]`: the least capacity / load along its route.

    This is a bound, not a sharing rule: every flow over an overloaded link loses the same share.
    """
    room = np.minimum(capacity_bps / np.maximum(load_bps, 1e-9), 1.0).ravel()
    share = np.ones(sites * sites)
    np.minimum.at(share, routes.pair, room[routes.slot])
    return share.reshape(sites, sites)


def fabric_loads(
    network: NetworkArrays, rack_bps: Floats, link_share: Floats, sums: RollUp
) -> tuple[Floats, Floats]:
    """Load of every switch `[bit/s]` and every link inside a site `[bit/s]`, from the traffic of the racks.

    `link_share` is the share that each link inside a site carries of what its lower switch sends. Traffic splits evenly
    over the live uplinks of each node (ECMP).
    """
    load = np.zeros(network.levels.nodes)
    load[network.rack_node] = rack_bps
    sums.sum(load)
    return load[network.switch_node], load[network.link_child] * link_share


def _no_ints() -> Ints:
    return np.zeros(0, dtype=np.int64)
