"""A backbone as foreign files give it, and what is made of it: names, two-way links, latencies, paths."""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import networkx as nx

from twin.model.errors import Problem
from twin.sync.account import Account

EARTH_KM = 6371.0
FIBRE_S_PER_KM = 4.9e-6
UNKNOWN_LATENCY_S = 1e-3
MAX_BPS = 1e15  # a thousand Tbit/s: no link and no demand is larger


@dataclass(frozen=True)
class Vertex:
    """A node of a backbone; `place` is (latitude, longitude) in degrees or None."""

    name: str
    place: tuple[float, float] | None


@dataclass(frozen=True)
class Edge:
    """A link between two vertices (by index); capacity per direction, latency None when the file has none."""

    a: int
    b: int
    capacity_bps: float
    latency_s: float | None = None


@dataclass(frozen=True)
class Topology:
    """A backbone: vertices, two-way edges, and the traffic between vertices [bit/s, by (from, to)]."""

    name: str
    source: str
    vertices: tuple[Vertex, ...]
    edges: tuple[Edge, ...]
    traffic_bps: dict[tuple[int, int], float]


def site_names(labels: Sequence[str], account: Account) -> list[str]:
    """Return a site name for each label: plain letters, without a leading number if it stays unique."""
    plain = [_plain(label) for label in labels]
    short = [re.sub(r"^\d+[_-]+", "", name) or name for name in plain]
    taken = Counter(short)
    names = [brief if taken[brief] == 1 else name for brief, name in zip(short, plain, strict=True)]
    again: Counter[str] = Counter()
    unique = []
    for name in names:
        again[name] += 1
        unique.append(name if again[name] == 1 else f"{name}-{again[name]}")
    changed = sum(name != label for name, label in zip(unique, labels, strict=True))
    if changed:
        account.inferred(changed, "names of sites", "labels without what a name may not hold")
    return unique


def geographic(vertices: Sequence[Vertex], account: Account) -> tuple[Vertex, ...]:
    """Return the vertices without places when these cannot be degrees, or are (0, 0)."""
    places = [vertex.place for vertex in vertices if vertex.place is not None]
    if any(abs(latitude) > 90 or abs(longitude) > 180 for latitude, longitude in places):
        account.dropped(len(places), "coordinates", "not latitude and longitude: points of a drawing")
        return tuple(replace(vertex, place=None) for vertex in vertices)
    nowhere = sum(place == (0.0, 0.0) for place in places)
    account.dropped(nowhere, "coordinates", "0, 0: the place is not known")
    account.read(len(places) - nowhere, "coordinates")
    return tuple(
        replace(vertex, place=None if vertex.place == (0.0, 0.0) else vertex.place) for vertex in vertices
    )


def two_way(edges: Sequence[Edge], account: Account) -> tuple[Edge, ...]:
    """Return full-duplex links.

    When every directed edge has its twin in the other direction, twins become one link (the k-th of one
    direction with the k-th of the other; the smaller capacity and the larger latency hold). Otherwise the
    file lists links, each of which is two-way as it stands.
    """
    forward: defaultdict[tuple[int, int], list[Edge]] = defaultdict(list)
    for edge in edges:
        forward[edge.a, edge.b].append(edge)
    directed = bool(edges) and all(len(forward[b, a]) == len(found) for (a, b), found in [*forward.items()])
    if not directed:
        return tuple(edges)
    links, uneven = [], 0
    for (a, b), found in forward.items():
        if a > b:
            continue
        for edge, twin in zip(found, forward[b, a], strict=True):
            uneven += (edge.capacity_bps, edge.latency_s) != (twin.capacity_bps, twin.latency_s)
            latencies = [one.latency_s for one in (edge, twin) if one.latency_s is not None]
            capacity_bps = min(edge.capacity_bps, twin.capacity_bps)
            links.append(Edge(a, b, capacity_bps, max(latencies, default=None)))
    account.inferred(len(links), "two-way links", f"of {len(edges)} one-way edges, each with its twin")
    if uneven:
        account.inferred(uneven, "of them with the weaker of two directions", "capacities or delays differ")
    return tuple(links)


def merge_demands(
    wanted: Sequence[tuple[tuple[int, int], float]], account: Account
) -> dict[tuple[int, int], float]:
    """Return the traffic of each pair; demands of one pair are added, empty ones dropped."""
    traffic: defaultdict[tuple[int, int], float] = defaultdict(float)
    real = [(pair, rate_bps) for pair, rate_bps in wanted if rate_bps > 0 and pair[0] != pair[1]]
    for pair, rate_bps in real:
        traffic[pair] += rate_bps
    account.dropped(len(wanted) - len(real), "demands", "of nothing, or of a node with itself")
    if len(traffic) < len(real):
        account.inferred(len(real) - len(traffic), "demands added to another one", "same source and target")
    return dict(traffic)


def check_rate(where: str, rate_bps: float, problems: list[Problem]) -> None:
    """Append a problem for a capacity or demand that nothing has."""
    if rate_bps > MAX_BPS:
        mend = "look at the number and at the unit"
        problems.append(Problem(where, f"{rate_bps:.3g} bit/s is more than any link carries", mend))


def with_latency(topology: Topology, account: Account) -> Topology:
    """Return the topology with a latency on every edge: its own, else of fibre along the great circle."""
    edges, counts = [], Counter[str]()
    for edge in topology.edges:
        ends = topology.vertices[edge.a].place, topology.vertices[edge.b].place
        if edge.latency_s is not None:
            counts["own"] += 1
            edges.append(edge)
        elif ends[0] is not None and ends[1] is not None:
            counts["fibre"] += 1
            edges.append(replace(edge, latency_s=great_circle_km(ends[0], ends[1]) * FIBRE_S_PER_KM))
        else:
            counts["unknown"] += 1
            edges.append(replace(edge, latency_s=UNKNOWN_LATENCY_S))
    if counts["own"]:
        account.read(counts["own"], "link delays")
    if counts["fibre"]:
        account.inferred(counts["fibre"], "link delays", "great circle x 4.9 µs/km of fibre")
    if counts["unknown"]:
        account.assumed(counts["unknown"], "link delays", "1 ms: neither a delay nor both places are known")
    return replace(topology, edges=tuple(edges))


def great_circle_km(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Return the distance of two places on the sphere [km] (haversine).

    >>> round(great_circle_km((52.52, 13.405), (48.137, 11.575)))
    504
    """
    lat_1, lon_1, lat_2, lon_2 = (math.radians(angle) for angle in (*one, *other))
    half = (
        math.sin((lat_2 - lat_1) / 2) ** 2
        + math.cos(lat_1) * math.cos(lat_2) * math.sin((lon_2 - lon_1) / 2) ** 2
    )
    return 2 * EARTH_KM * math.asin(math.sqrt(min(1.0, half)))


def busiest(topology: Topology) -> tuple[float, int, int] | None:
    """Return (load / capacity, from, to) of the fullest direction when all traffic takes the fastest path."""
    graph = nx.Graph()
    graph.add_nodes_from(range(len(topology.vertices)))
    for edge in topology.edges:
        before = graph.get_edge_data(edge.a, edge.b, {"capacity": 0.0, "latency": math.inf})
        latency = min(before["latency"], edge.latency_s or 0.0)
        graph.add_edge(edge.a, edge.b, capacity=before["capacity"] + edge.capacity_bps, latency=latency)
    load: defaultdict[tuple[int, int], float] = defaultdict(float)
    for start, wanted in _by_origin(topology.traffic_bps.items()).items():
        paths = nx.single_source_dijkstra_path(graph, start, weight="latency")
        for end, rate_bps in wanted:
            path = paths.get(end, [])
            for hop in zip(path, path[1:], strict=False):
                load[hop] += rate_bps
    if not load:
        return None
    (a, b), rate_bps = max(
        load.items(), key=lambda item: (item[1] / graph.edges[item[0]]["capacity"], item[0])
    )
    return rate_bps / graph.edges[a, b]["capacity"], a, b


def _by_origin(traffic: Iterable[tuple[tuple[int, int], float]]) -> dict[int, list[tuple[int, float]]]:
    found: defaultdict[int, list[tuple[int, float]]] = defaultdict(list)
    for (start, end), rate_bps in traffic:
        found[start].append((end, rate_bps))
    return found


def _plain(label: str) -> str:
    letters = unicodedata.normalize("NFKD", label).encode("ascii", "ignore").decode()
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", letters).strip("-._")
    return name[:80] or "site"
