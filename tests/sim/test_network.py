"""Reachability, routes and link loads against networkx and a naive recursion."""

from __future__ import annotations

from collections import Counter, defaultdict
from random import Random
from typing import Any

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings

from tests.sim.fleets import START, random_change, random_fleet
from tests.sim.helpers import SEEDS, naively, settled
from twin.graph.compile import compile_fleet
from twin.graph.sweep import sweep_of
from twin.model.change import Change
from twin.model.fleet import Fleet
from twin.sim.engine import Engine
from twin.sim.network import backbone_loads, find_routes


def backbone_fleet(seed: int) -> Fleet:
    """Return two to six sites with one or two border switches each and random links, parallel ones among them."""
    rng = Random(seed)
    sites = [f"s{i}" for i in range(rng.randint(2, 6))]
    borders = [(f"{s}-b{i}", s) for s in sites for i in range(rng.randint(1, 2))]
    pairs = [(a, b) for a, s in borders for b, t in borders if s < t]
    links = [
        {
            "name": f"l{i}",
            "a": ends[0],
            "b": ends[1],
            "capacity_bps": 1e9,
            "latency_s": rng.uniform(1e-3, 0.1),
        }
        for i, pair in enumerate(rng.choices(pairs, k=rng.randint(1, 10)))
        for ends in [rng.sample(pair, 2)]
    ]
    return Fleet.model_validate(
        {
            "fleet": "backbone",
            "regions": [{"name": "r"}],
            "sites": [{"name": s, "region": "r"} for s in sites],
            "switches": [
                {"name": name, "site": s, "tier": "border", "capacity_bps": 1e12} for name, s in borders
            ],
            "links": links,
            "server_types": [{"name": "t", "cores": 1, "idle_w": 1.0, "max_w": 1.0}],
        }
    )


def live_graph(fleet: Fleet, lost: set[str]) -> nx.Graph:
    """Return sites and live border switches joined by live links."""
    graph = nx.Graph()
    graph.add_nodes_from(site.name for site in fleet.sites)
    graph.add_edges_from(((s.name, s.site) for s in fleet.switches if s.name not in lost), latency=0.0)
    for link in fleet.links:
        if not {link.name, link.a, link.b} & lost:
            known = graph.get_edge_data(link.a, link.b, {"latency": np.inf})["latency"]
            graph.add_edge(link.a, link.b, latency=min(known, link.latency_s))
    return graph


@given(seed=SEEDS)
@settings(max_examples=150)
def test_parts_and_round_trips_are_those_of_networkx(seed: int) -> None:
    """Round trips are kept to the microsecond."""
    fleet, rng = backbone_fleet(seed), Random(seed + 1)
    things = [row.name for row in (*fleet.links, *fleet.switches)]
    lost = set(rng.sample(things, rng.randint(0, len(things) // 2)))
    compiled = compile_fleet(fleet, start=START)
    up = {
        kind: np.array([row.name not in lost for row in fleet.rows(kind)]) for kind in ("switches", "links")
    }
    routes = find_routes(compiled.network, up["switches"], up["links"], len(fleet.sites))
    graph, sites = live_graph(fleet, lost), compiled.names["sites"]
    latency = dict(nx.all_pairs_dijkstra_path_length(graph, weight="latency"))
    for i, one in enumerate(sites):
        alive = any(s.site == one and s.name not in lost for s in fleet.switches)
        assert (routes.label[i] >= 0) == alive
        for j, other in enumerate(sites):
            if alive and routes.label[j] >= 0:
                assert (routes.label[i] == routes.label[j]) == nx.has_path(graph, one, other)
            expected = 2.0 * latency[one].get(other, 0.0)
            assert routes.rtt_s[i, j] == pytest.approx(expected, abs=6e-7)
            mine = routes.pair == i * len(sites) + j
            hops = list(zip(routes.slot[mine].tolist(), routes.part[mine].tolist(), strict=True))
            walk_back(fleet, compiled.network.backbone, hops, ends=(one, other), latency_s=expected / 2)


def walk_back(
    fleet: Fleet, backbone: Any, hops: list[tuple[int, float]], *, ends: tuple[str, str], latency_s: float
) -> None:
    """The hops of a pair, laid in their directions and weighed by their parts, lead from end to end in the least time."""
    site, seconds = {s.name: s.site for s in fleet.switches}, 0.0
    flow: defaultdict[str, float] = defaultdict(float)
    for slot, part in hops:
        link = fleet.links[backbone[slot % len(backbone)]]
        a, b = (link.a, link.b) if slot < len(backbone) else (link.b, link.a)
        flow[site[a]] -= part
        flow[site[b]] += part
        seconds += part * link.latency_s
    assert seconds == pytest.approx(latency_s, abs=6e-7)
    if hops:
        assert {s: n for s, n in flow.items() if abs(n) > 1e-9} == pytest.approx({ends[0]: -1, ends[1]: 1})


@given(seed=SEEDS)
@settings(max_examples=60)
def test_link_loads_are_the_sum_of_the_routes_that_use_them(seed: int) -> None:
    """Traffic enters at its origin and leaves at its end: at every site, out - in over all links is sent - received."""
    fleet, rng = backbone_fleet(seed), np.random.default_rng(seed)
    compiled = compile_fleet(fleet, start=START)
    n, network = len(fleet.sites), compiled.network
    routes = find_routes(network, np.ones(len(fleet.switches), bool), np.ones(len(fleet.links), bool), n)
    joined = (routes.label[:, None] == routes.label) & ~np.eye(n, dtype=bool)
    traffic = rng.uniform(0, 1e9, (n, n)) * joined
    forth, back = backbone_loads(routes, traffic, len(network.backbone))
    balance = np.zeros(n)
    ends = [network.switch_site[network.backbone_a], network.switch_site[network.backbone_b]]
    np.add.at(balance, ends[0], forth - back)
    np.add.at(balance, ends[1], back - forth)
    assert balance == pytest.approx(traffic.sum(axis=1) - traffic.sum(axis=0), rel=1e-9, abs=1.0)


def two_ways(latencies_s: tuple[float, float, float]) -> Fleet:
    """Two sites with two border switches each and three links between them: l0 and l1 in parallel, l2 between the others."""
    fleet = backbone_fleet(1)
    ends = [("a1", "b1"), ("b1", "a1"), ("a2", "b2")]
    return Fleet.model_validate(
        fleet.model_dump()
        | {
            "sites": [{"name": s, "region": "r"} for s in "ab"],
            "switches": [
                {"name": f"{s}{i}", "site": s, "tier": "border", "capacity_bps": 1e12}
                for s in "ab"
                for i in (1, 2)
            ],
            "links": [
                {"name": f"l{i}", "a": a, "b": b, "capacity_bps": 1e9, "latency_s": latency_s}
                for i, ((a, b), latency_s) in enumerate(zip(ends, latencies_s, strict=True))
            ],
        }
    )


@pytest.mark.parametrize(
    ("latencies_s", "forth"),
    [
        ((1e-3, 1e-3, 2e-3), [3.0, 3.0, 0.0]),  # parallel and equal: half each, whichever end is called a
        ((1e-3, 2e-3, 2e-3), [6.0, 0.0, 0.0]),  # the fastest alone
        ((2e-3, 2e-3, 1e-3), [0.0, 0.0, 6.0]),
        ((1e-3, 1e-3, 1e-3), [1.5, 1.5, 3.0]),  # half by each border switch, then half over each link
    ],
)
def test_equal_ways_carry_equal_parts(latencies_s: tuple[float, float, float], forth: list[float]) -> None:
    """Equal-cost multipath: the many flows of a pair split evenly wherever the way forks."""
    network = compile_fleet(two_ways(latencies_s), start=START).network
    routes = find_routes(network, np.ones(4, bool), np.ones(3, bool), 2)
    loads = backbone_loads(routes, np.array([[0.0, 6.0], [0.0, 0.0]]), 3)
    # l1 stands the other way round: from a to b is its second direction.
    assert (loads[0] + loads[1]).tolist() == forth and loads[1, 1] == forth[1]


@given(seed=SEEDS)
@settings(max_examples=60)
def test_traffic_forks_evenly_at_every_node_of_the_shortest_paths(seed: int) -> None:
    """Against a walk over networkx, with whole microseconds so that many ways are equally short; of these, fewest hops."""
    fleet, rng = backbone_fleet(seed), Random(seed)
    links = tuple(link.model_copy(update={"latency_s": rng.randint(1, 3) * 1e-6}) for link in fleet.links)
    fleet = fleet.model_copy(update={"links": links})
    network, n = compile_fleet(fleet, start=START).network, len(fleet.sites)
    routes = find_routes(network, np.ones(len(fleet.switches), bool), np.ones(len(links), bool), n)
    graph = nx.MultiGraph()
    graph.add_nodes_from(site.name for site in fleet.sites)
    graph.add_edges_from(((s.name, s.site) for s in fleet.switches), cost=1)
    for link in links:
        graph.add_edge(link.a, link.b, link.name, cost=round(link.latency_s * 1e6) * 10_000 + 1)
    names = compile_fleet(fleet, start=START).names["sites"]
    for j, target in enumerate(names):
        left = nx.single_source_dijkstra_path_length(graph, target, weight="cost")
        for i, source in enumerate(names):
            carried = Counter[str]()

            def send(node: str, part: float, left: Any = left, carried: Any = carried) -> None:
                forks = [
                    (key, end)
                    for _, end, key, cost in graph.edges(node, keys=True, data="cost")
                    if left[node] == left[end] + cost
                ]
                for key, end in forks:
                    carried[key] += part / len(forks)
                    send(end, part / len(forks))

            if i != j and source in left:
                send(source, 1.0)
            mine = routes.pair == i * n + j
            found = Counter[str]()
            for slot, part in zip(routes.slot[mine], routes.part[mine], strict=True):
                found[links[network.backbone[slot % len(links)]].name] += part
            expected = {key: part for key, part in carried.items() if isinstance(key, str)}
            assert dict(found) == pytest.approx(expected)


@given(seed=SEEDS)
@settings(max_examples=60)
def test_a_metric_changes_the_way_and_not_how_long_a_link_takes(seed: int) -> None:
    """Against a walk over networkx: the cheapest ways by latency and metric, and the latency met on them."""
    fleet, rng = backbone_fleet(seed), Random(seed)
    links = tuple(link.model_copy(update={"latency_s": rng.randint(1, 3) * 1e-3}) for link in fleet.links)
    fleet = fleet.model_copy(update={"links": links})
    metric_s = np.array([rng.randint(-1, 3) * 1e-3 * (rng.random() < 0.6) for _ in links])
    compiled, n = compile_fleet(fleet, start=START), len(fleet.sites)
    up = np.ones(len(fleet.switches), bool), np.ones(len(links), bool)
    routes = find_routes(compiled.network, *up, n, metric_s=metric_s)
    graph = nx.MultiGraph()
    graph.add_nodes_from(site.name for site in fleet.sites)
    graph.add_edges_from(((s.name, s.site) for s in fleet.switches), cost=1, took_s=0.0)
    for link, more_s in zip(links, metric_s.tolist(), strict=True):
        cost = round((link.latency_s + more_s) * 1e3) * 10_000 + 1
        graph.add_edge(link.a, link.b, link.name, cost=cost, took_s=link.latency_s)
    for j, target in enumerate(compiled.names["sites"]):
        left = nx.single_source_dijkstra_path_length(graph, target, weight="cost")

        def took_s(node: str, left: Any = left) -> float:
            forks = [
                (end, row["took_s"])
                for _, end, row in graph.edges(node, data=True)
                if left[node] == left[end] + row["cost"]
            ]
            return sum(more_s + took_s(end, left) for end, more_s in forks) / max(1, len(forks))

        for i, source in enumerate(compiled.names["sites"]):
            if source in left and i != j:
                back = nx.single_source_dijkstra_path_length(graph, source, weight="cost")
                expected = took_s(source) + took_s(target, back)
                assert routes.rtt_s[i, j] == pytest.approx(expected, abs=6e-7)


def busy_fleet(seed: int) -> Fleet:
    """A random fleet whose requests have a size."""
    fleet = random_fleet(seed, failover=False)
    services = [
        row.model_copy(update={"request_bytes": 1000.0 * (i + 1)}) for i, row in enumerate(fleet.services)
    ]
    return fleet.model_copy(update={"services": tuple(services)})


@given(seed=SEEDS)
@settings(max_examples=100)
def test_the_fabric_carries_what_the_racks_send(seed: int) -> None:
    fleet, rng = busy_fleet(seed), Random(seed + 1)
    changes = [random_change(fleet, rng) for _ in range(rng.randint(0, 6))]
    engine, naive = settled(fleet, changes), naively(fleet, changes)
    network, switch, link = naive.at.network, Counter[str](), Counter[str]()

    def send(name: str, bps: float) -> None:
        """A switch passes traffic on evenly over its live uplinks."""
        switch[name] += bps  # type: ignore[assignment]
        uplinks = network.uplinks(name) if network.switches[name].tier != "border" else []
        for up, far in uplinks:
            link[up.name] += bps / len(uplinks)  # type: ignore[assignment]
            send(far, bps / len(uplinks))

    for rack in fleet.racks:
        doors = [name for name in rack.switches if network.reaches(name)]
        for name in doors if rack.name in naive.at.powered else []:
            send(name, rack_bps(naive, rack) / len(doors))
    assert dict(zip(engine.compiled.names["switches"], engine.switch_load, strict=True)) == pytest.approx(
        {s.name: switch[s.name] for s in fleet.switches}, rel=1e-9, abs=1e-6
    )
    inner = {row.name for row in fleet.links if network.inside(row)}
    found = {
        name: load
        for name, load in zip(engine.compiled.names["links"], engine.link_load, strict=True)
        if name in inner
    }
    assert found == pytest.approx({name: link[name] for name in inner}, rel=1e-9, abs=1e-6)


def rack_bps(naive: Any, rack: Any) -> float:
    """What a rack sends: its part of the relative resource units behind each answer."""
    total = 0.0
    for group in (g for g in naive.at.fleet.server_groups if g.rack == rack.name):
        rru = naive.at.standing(group)[0] * naive.at.worth(group) * naive.at.throttle(group)
        for row in naive.services.values():
            if row.reservation == group.owner and rru > 0:
                share = rru / naive.at.capacity_rru(group.owner, rack.site)
                total += naive.passed(row.name, rack.site) * 8 * row.request_bytes * share
    return total


@given(seed=SEEDS)
@settings(max_examples=150)
def test_the_dependency_graph_and_the_simulator_agree(seed: int) -> None:
    """Racks up in the sweep of the dependency graph = powered and reachable in the simulator; units and plants too."""
    fleet, rng = random_fleet(seed), Random(seed + 1)
    things = [
        row.name
        for kind in ("power_units", "cooling_plants", "racks", "switches", "links")
        for row in fleet.rows(kind)
    ]
    lost = rng.sample(things, rng.randint(0, min(6, len(things))))
    engine = Engine(compile_fleet(fleet, start=START))
    for name in lost:
        engine.state.apply(Change("state", name, -1.0))
    engine.settle(0.0)
    graph = sweep_of(fleet)
    up = dict(zip(graph.names, graph.without(lost), strict=True))
    names, power = engine.compiled.names, engine.compiled.power
    works = engine.rack_powered & engine.rack_reachable
    assert {r: up[r] for r in names["racks"]} == dict(zip(names["racks"], works, strict=True))
    assert {u: up[u] for u in names["power_units"]} == dict(
        zip(names["power_units"], engine.alive[power.unit_node], strict=True)
    )
    assert {p: up[p] for p in names["cooling_plants"]} == dict(
        zip(names["cooling_plants"], engine.plant_alive, strict=True)
    )
    assert {s: up[s] for s in names["storage"]} == dict(zip(names["storage"], engine.storage_ok, strict=True))


def two_sites(capacity_bps: float) -> Fleet:
    """Users in the east, `front` in the east and `back`, which it calls twice, in the west: 10 kB each."""
    sites = [("east", "e1"), ("west", "w1")]
    common = {"tier": 0, "reservation": "o", "service_time_s": 0.01, "request_bytes": 1e4, "replica_rru": 1.0}
    return Fleet.model_validate({
        "fleet": "sea", "regions": [{"name": region} for region, _ in sites],
        "sites": [{"name": site, "region": region} for region, site in sites],
        "power_units": [{"name": f"{s}-grid", "kind": "utility", "site": s, "rated_va": 1e6} for _, s in sites],
        "racks": [{"name": f"{s}-rack", "site": s, "row": "x", "fed_by": [f"{s}-grid"]} for _, s in sites],
        "switches": [{"name": f"{s}-b", "site": s, "tier": "border", "capacity_bps": 1e12} for _, s in sites],
        "links": [{"name": "sea", "a": "w1-b", "b": "e1-b", "capacity_bps": capacity_bps, "latency_s": 0.02}],
        "server_types": [{"name": "t", "cores": 1, "idle_w": 100.0, "max_w": 200.0}], "reservations": [{"name": "o"}],
        "server_groups": [{"name": f"{s}-g", "rack": f"{s}-rack", "type": "t", "owner": "o", "count": 50} for _, s in sites],
        "services": [{"name": "front", "callees": {"back": 2.0}, **common}, {"name": "back", **common}],
        "deployments": [{"service": "front", "site": "e1", "replicas": 20}, {"service": "back", "site": "w1", "replicas": 20}],
        "demand": [{"service": "front", "region": "east", "rate_per_s": 100.0}],
    })  # fmt: skip


def test_a_full_link_loses_what_it_cannot_carry() -> None:
    """200 calls/s x 10 kB = 16 Mbit/s from east to west; over 10 Mbit/s three calls of eight are lost.

    A request makes two calls: it has both answers with a chance of (5/8)^2.
    """
    wide, narrow = settled(two_sites(16.1e6)), settled(two_sites(10e6))
    assert wide.flows is not None and narrow.flows is not None
    assert wide.link_load == pytest.approx([16e6])
    assert wide.flows.errors.tolist() == [0.0, 0.0]
    assert narrow.link_load == pytest.approx([16e6])  # what is offered
    assert wide.compiled.names["services"] == ("front", "back")
    assert narrow.flows.errors == pytest.approx([100.0 * (1 - (5 / 8) ** 2), 200.0 * 6 / 16])
    assert wide.p99_s[1] == pytest.approx(narrow.p99_s[1])


def test_a_cut_link_leaves_the_calls_without_an_answer() -> None:
    """Then every front request fails: its calls find nobody."""
    engine = settled(two_sites(1e9), [Change("state", "sea", -1.0)])
    assert engine.flows is not None
    assert engine.flows.errors == pytest.approx([100.0, 200.0])
    assert engine.link_load.tolist() == [0.0]


def test_a_switch_without_feeds_draws_from_its_racks_unless_it_is_out_of_service() -> None:
    fleet = two_sites(1e12)
    switches = tuple(row.model_copy(update={"power_w": 60.0}) for row in fleet.switches)
    racks = tuple(row.model_copy(update={"switches": (f"{row.site}-b",)}) for row in fleet.racks)
    fleet = fleet.model_copy(
        update={"switches": switches, "racks": racks, "services": (), "deployments": (), "demand": ()}
    )
    assert settled(fleet).rack_w.tolist() == [50 * 100.0 + 60.0] * 2
    assert settled(fleet, [Change("state", "w1-b", -1.0)]).rack_w.tolist() == [5060.0, 5000.0]
    assert settled(fleet, [Change("state", "w1-rack", -1.0)]).rack_w.tolist() == [5060.0, 0.0]


def test_users_far_away_pay_the_round_trip() -> None:
    fleet = two_sites(1e9)
    moved = fleet.model_copy(
        update={"demand": tuple(d.model_copy(update={"region": "west"}) for d in fleet.demand)}
    )
    here, there = settled(fleet), settled(moved)
    assert there.p99_s[0] - here.p99_s[0] == pytest.approx(0.04, abs=1e-6)
