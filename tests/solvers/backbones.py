"""Backbones for made-up capacity problems: sites on a ring with chords, users at every site, links with little room.

Routes are shortest paths by latency, found by networkx and not by the code that is tested. Users live where they like, not
where servers are: a plan without regard to the backbone has to carry them over links that cannot.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import networkx as nx
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import block_diag, csr_array

from solvers.problem import Backbone, CapacityProblem

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Style:
    """What part of a demand users ask, which reservations survive a site or are served anywhere, and the room of links.

    `roomy` is in what a link carries on average if every region is served evenly by all sites.
    """

    asked: float = 0.8
    survives_site: float = 0.3
    anywhere: float = 0.7
    roomy: float = 0.4


def on_a_ring(
    problem: CapacityProblem, family: int, seed: int = 0, style: Style | None = None
) -> CapacityProblem:
    """Return the problem with a backbone between the domains of a family; each is a region of users as well."""
    style, rng = style or Style(), np.random.default_rng([seed, problem.reservations])
    sites, size = problem.families[family], len(problem.families[family].domains)
    graph = ring(rng, size)
    links = list(graph.edges)
    cuts = [(-1, -1)] + [(s, -1) for s in range(size)] + [(-1, k) for k in range(len(links))]
    share = 0.5 / size + 0.5 * rng.dirichlet(np.ones(size), problem.reservations)
    asked = style.asked * problem.demand[:, None] * share
    bits = rng.uniform(0.5, 1.5, problem.reservations)
    anywhere = rng.random(problem.reservations) < style.anywhere
    survives = rng.random(problem.reservations) < style.survives_site
    flows, shares = [], []
    for number, (lost, cut) in enumerate(cuts):
        used, reach = ways(graph, lost, cut)
        who = survives if lost >= 0 else np.ones(problem.reservations, dtype=bool)
        may = who[:, None, None] & (asked > 0)[:, :, None] & reach[None]
        r, g, s = np.nonzero(may & (anywhere[:, None, None] | np.eye(size, dtype=bool)[None]))
        flows.append(np.stack([r, g, s, np.full(len(r), number)]))
        shares.append(used[:, g, s] * bits[r])
    even = (ways(graph, -1, -1)[0] * (bits @ asked)[None, :, None]).sum(axis=(1, 2)) / size
    share_of = _diagonal(shares)
    kept = np.flatnonzero(np.diff(share_of.indptr))
    names = [
        "",
        *(
            f"after the loss of {name}"
            for name in (*sites.domains, *(f"link {k}" for k in range(len(links))))
        ),
    ]
    rows = [
        f"link {k} {way} {name}".strip()
        for name in names
        for way in ("there", "back")
        for k in range(len(links))
    ]
    r, g, s, w = np.concatenate(flows, axis=1)
    backbone = Backbone(
        tuple(names), sites.domains, sites.domains, r, g, s, w, asked,
        csr_array(share_of[kept]), tuple(rows[i] for i in kept), np.full(len(kept), style.roomy * even.mean()),
    )  # fmt: skip
    return replace(problem, backbone=backbone, site_of_cell=np.maximum(sites.of_cell, 0))


def ring(rng: np.random.Generator, size: int) -> nx.Graph:
    """Return sites on a ring and half as many chords, with latencies that make every shortest path the only one."""
    graph = nx.Graph()
    graph.add_nodes_from(range(size))
    pairs = [(s, (s + 1) % size) for s in range(size) if size > 1]
    pairs += [tuple(rng.choice(size, 2, replace=False).tolist()) for _ in range(size // 2) if size > 3]
    for a, b in pairs:
        graph.add_edge(a, b, latency=float(rng.uniform(1.0, 3.0)))
    return graph


def ways(graph: nx.Graph, lost: int, cut: int) -> tuple[Array, NDArray[np.bool_]]:
    """Return which directions of links lie on the way between two sites `[L, G, S]`, and which sites are reached `[G, S]`.

    The users of a site that is lost come in at the next one.
    """
    links, size = list(graph.edges), len(graph)
    left = graph.copy()
    left.remove_edges_from([links[cut]] if cut >= 0 else [])
    left.remove_nodes_from([lost] if lost >= 0 else [])
    number = {pair: k for k, pair in enumerate(links)} | {
        (b, a): len(links) + k for k, (a, b) in enumerate(links)
    }
    used, reach = np.zeros((2 * len(links), size, size)), np.zeros((size, size), dtype=bool)
    for g in range(size):
        start = g if g != lost else (g + 1) % size
        if start not in left:
            continue
        for s, path in nx.single_source_dijkstra_path(left, start, weight="latency").items():
            reach[g, s] = True
            for hop in zip(path[1:], path[:-1], strict=True):  # answers go from the site to its users
                used[number[hop], g, s] = 1.0
    return used, reach


def _diagonal(blocks: list[Array]) -> csr_array:
    """Return the matrix with these blocks on its diagonal, as only what is not zero."""
    made = csr_array(block_diag([csr_array(block) for block in blocks]))
    made.eliminate_zeros()
    return made
