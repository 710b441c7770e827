"""Full links inside a site: connections one at a time over a graph of networkx, closed forms, what must hold for any fleet."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

from tests.sim.fleets import START, random_change
from tests.sim.helpers import SEEDS, naively, settled
from tests.sim.naive_services import Traffic
from tests.sim.test_network import busy_fleet
from twin.graph.compile import compile_fleet
from twin.model.change import Change, TimedChange
from twin.model.fleet import Fleet
from twin.sim.constants import Constants
from twin.sim.engine import Engine
from twin.sim.fabric import Fabric
from twin.sim.laws.link_delay import queueing_delay
from twin.sim.measure import violators
from twin.sim.run import Simulator
from twin.sim.ways import Uplinks, ways_over


def tight_fleet(seed: int) -> Fleet:
    """A random fleet whose links inside sites are narrow, so that some are full; the backbone carries everything."""
    fleet, rng = busy_fleet(seed), Random(seed + 3)
    site = {switch.name: switch.site for switch in fleet.switches}
    links = tuple(
        row.model_copy(
            update={"capacity_bps": rng.choice((1e3, 3e4, 1e5, 1e6)) if site[row.a] == site[row.b] else 1e15}
        )
        for row in fleet.links
    )
    services = tuple(row.model_copy(update={"tier": rng.randint(0, 2)}) for row in fleet.services)
    return fleet.model_copy(update={"links": links, "services": services})


def one_case(seed: int) -> tuple[Fleet, Engine, Traffic]:
    fleet, rng = tight_fleet(seed), Random(seed + 1)
    changes = [random_change(fleet, rng) for _ in range(rng.randint(0, 5))]
    inner = [row.name for row in fleet.links if not row.name.startswith("bb")]
    if inner:
        changes += [Change("bandwidth", rng.choice(inner), rng.choice((-0.4, -1.0)))]
    return fleet, settled(fleet, changes), naively(fleet, changes)


@given(seed=SEEDS)
@settings(max_examples=120)
def test_full_links_lose_what_connections_lose_one_by_one(seed: int) -> None:
    fleet, engine, naive = one_case(seed)
    assert engine.flows is not None
    for k, name in enumerate(engine.compiled.names["services"]):
        assert engine.flows.errors[k] == pytest.approx(naive.errors(name), rel=1e-9, abs=1e-9)
        if engine.flows.requests[k] > 0 and engine.flows.arrivals[k].sum() > 0:
            assert engine.network_failing[k] == pytest.approx(naive.fabric.failing(name), abs=1e-9)
    for link, carried in naive.fabric.carried.items():
        assert carried <= naive.fabric.capacity_bps(link) * (1 + 1e-9)


def test_random_fleets_do_have_full_links() -> None:
    """Else the test above says nothing."""
    lossy = [seed for seed in range(40) if one_case(seed)[1].network_failing.any()]
    assert len(lossy) > 8


@given(seed=SEEDS)
@settings(max_examples=80)
def test_ways_over_full_links_carry_what_ecmp_says(seed: int) -> None:
    """All that the ways of a class send over a link is its share of the link's load, whichever links count as full."""
    fleet, engine, _ = one_case(seed)
    topology, network = engine.topology, engine.compiled.network
    rng = np.random.default_rng(seed)
    full = rng.random(len(fleet.links)) < 0.5
    full[network.backbone] = False
    leaves = np.arange(topology.fold.classes)
    ways = ways_over(Uplinks.of(network, topology.fabric), leaves, full)
    send = rng.uniform(1.0, 2.0, len(leaves))
    load = np.zeros((topology.fabric.graph.size, 1))
    load[: len(leaves), 0] = send
    topology.fabric.sum(load)
    inner = network.inner_link
    expected = np.zeros(len(fleet.links))
    expected[inner] = (
        load[network.link_child[inner] - topology.fabric.graph.shift, 0] * topology.link_share[inner]
    )
    way = np.repeat(np.arange(len(ways.leaf)), np.diff(ways.starts))
    found = np.bincount(ways.link, weights=(ways.part * send[ways.leaf])[way], minlength=len(fleet.links))
    assert found == pytest.approx(np.where(full, expected, 0.0), rel=1e-12, abs=1e-12)
    assert (np.diff(ways.starts) > 0).all()
    assert np.bincount(ways.leaf, weights=ways.part, minlength=1).max(initial=0.0) <= 1 + 1e-12


@given(seed=SEEDS)
@settings(max_examples=60)
def test_a_better_tier_never_loses_more_of_what_the_same_servers_send(seed: int) -> None:
    fleet = tight_fleet(seed)
    alone = [row.model_copy(update={"callees": {}, "reservation": "red"}) for row in fleet.services]
    engine = settled(
        Fleet.model_validate({**fleet.model_dump(), "services": [row.model_dump() for row in alone]})
    )
    tier = {row.name: row.tier for row in alone}
    flows = engine.flows
    assert flows is not None
    block = replace(flows, passed=flows.passed[None])
    fabric = Fabric(Constants.of(engine.compiled), engine.state, engine._servers)
    lost = fabric.lost(block, engine.topology, engine.supply, engine.link_load)
    names = engine.compiled.names["services"]
    for i, one in enumerate(names):
        for j, other in enumerate(names):
            both = (flows.passed[i] > 0) & (flows.passed[j] > 0)
            if tier[one] < tier[other]:
                assert (lost[i] <= lost[j] + 1e-9)[both].all()


def one_site(**more: Any) -> Fleet:
    """Racks r1 and r2 behind a switch each, two fabric switches, one border; 100 requests/s of 10 kB from 10 servers each."""
    uplinks = [(f"t{t}", f"f{f}", f"t{t}-f{f}") for t in (1, 2) for f in (1, 2)]
    spine = [(f"f{f}", "b", f"f{f}-b") for f in (1, 2)]
    rows: dict[str, Any] = {
        "fleet": "one", "regions": [{"name": "r"}], "sites": [{"name": "s", "region": "r"}],
        "power_units": [{"name": "grid", "kind": "utility", "site": "s", "rated_va": 1e6}],
        "racks": [{"name": f"r{i}", "site": "s", "row": "x", "fed_by": ["grid"], "switches": [f"t{i}"]} for i in (1, 2)],
        "switches": [
            {"name": name, "site": "s", "tier": tier, "capacity_bps": 1e12}
            for name, tier in (("t1", "tor"), ("t2", "tor"), ("f1", "fabric"), ("f2", "fabric"), ("b", "border"))
        ],
        "links": [{"name": name, "a": a, "b": b, "capacity_bps": 1e12} for a, b, name in (*uplinks, *spine)],
        "server_types": [{"name": "t", "cores": 1, "idle_w": 100.0, "max_w": 200.0}],
        "reservations": [{"name": "o"}],
        "server_groups": [{"name": f"g{i}", "rack": f"r{i}", "type": "t", "owner": "o", "count": 10} for i in (1, 2)],
        "services": [{"name": "web", "tier": 0, "reservation": "o", "service_time_s": 0.01, "request_bytes": 1e4}],
        "deployments": [{"service": "web", "site": "s", "replicas": 10}],
        "demand": [{"service": "web", "region": "r", "rate_per_s": 200.0}],
    }  # fmt: skip
    return Fleet.model_validate({**rows, **more})


def narrowed(fleet: Fleet, **capacity_bps: float) -> Fleet:
    """The fleet with other capacities; `_` stands for `-` in the names of links."""
    links = [
        {
            **link.model_dump(),
            "capacity_bps": capacity_bps.get(link.name.replace("-", "_"), link.capacity_bps),
        }
        for link in fleet.links
    ]
    return Fleet.model_validate({**fleet.model_dump(), "links": links})


def error(engine: Engine, service: int = 0) -> float:
    assert engine.flows is not None
    return float(engine.flows.errors[service] / engine.flows.requests[service])


@pytest.mark.parametrize(
    ("capacity_bps", "lost"),
    [
        ({}, 0.0),
        ({"t1_f1": 4e6}, 0.0),  # 16 Mbit/s in all, 8 a rack, 4 a link: just room enough
        ({"t1_f1": 2e6}, 1 / 8),  # half of a quarter: connections over the other link lose nothing
        ({"t1_f1": 0.0}, 1 / 4),
        ({"f1_b": 4e6}, 1 / 4),  # half of the half that goes by f1
        (
            {"f1_b": 4e6, "t1_f1": 1e6},
            1 / 2 - 4 / 16,
        ),  # 1 by t1, so that 3 are left for t2: the link stays full
        ({"f1_b": 6e6, "t1_f1": 1e6}, 3 / 16),  # what t1 cannot send makes room for t2
        ({"f1_b": 0.0, "f2_b": 0.0}, 1.0),
    ],
)
def test_what_full_links_lose_by_hand(capacity_bps: dict[str, float], lost: float) -> None:
    engine = settled(narrowed(one_site(), **{name: max(bps, 1e-3) for name, bps in capacity_bps.items()}))
    assert error(engine) == pytest.approx(lost, abs=1e-6)
    assert engine.network_failing == pytest.approx([lost], abs=1e-6)
    loads = dict(zip(engine.compiled.names["links"], engine.link_load.tolist(), strict=True))
    assert loads["t1-f1"] == pytest.approx(4e6) and loads["f2-b"] == pytest.approx(8e6)  # what is offered


def test_half_the_bandwidth_of_an_uplink_loses_half_of_what_goes_over_it() -> None:
    fleet = narrowed(one_site(), t1_f1=4e6)
    assert error(settled(fleet, [Change("bandwidth", "t1-f1", -0.5)])) == pytest.approx(1 / 8)
    assert error(settled(fleet, [Change("bandwidth", "t1-f1", -1.0)])) == pytest.approx(1 / 4)
    both = [Change("bandwidth", "t1-f1", -0.5), Change("bandwidth", "t1-f1", 0.5)]
    assert error(settled(fleet, both)) == 0.0


def test_a_lost_uplink_moves_its_traffic_to_the_other_which_overflows() -> None:
    fleet = narrowed(one_site(), t1_f2=6e6)
    assert error(settled(fleet)) == 0.0
    assert error(settled(fleet, [Change("state", "t1-f1", -1.0)])) == pytest.approx(2 / 16)


def test_tiers_go_one_after_the_other() -> None:
    """8 Mbit/s each of tier 0 and tier 1 meet 10 Mbit/s: all of tier 0 gets through, a quarter of tier 1."""
    base = one_site().services[0].model_dump()
    fleet = one_site(
        services=[{**base, "name": "a"}, {**base, "name": "b", "tier": 1}],
        deployments=[{"service": name, "site": "s", "replicas": 5} for name in "ab"],
        demand=[{"service": name, "region": "r", "rate_per_s": 100.0} for name in "ab"],
    )
    engine = settled(narrowed(fleet, f1_b=5e6, f2_b=5e6))
    assert [error(engine, k) for k in (0, 1)] == pytest.approx([0.0, 6 / 8])
    engine = settled(narrowed(fleet, f1_b=2e6, f2_b=2e6))
    assert [error(engine, k) for k in (0, 1)] == pytest.approx([1 / 2, 1.0])


def test_who_calls_a_service_that_loses_its_answers_fails_as_well() -> None:
    """A quarter of all answers is lost, those of `leaf` twice for each request of `web`: (3/4)^3 survive."""
    base = one_site().services[0].model_dump()
    fleet = one_site(
        services=[{**base, "callees": {"leaf": 2.0}}, {**base, "name": "leaf"}],
        deployments=[{"service": name, "site": "s", "replicas": 10} for name in ("web", "leaf")],
        demand=[{"service": "web", "region": "r", "rate_per_s": 100.0}],
    )
    engine = settled(narrowed(fleet, f1_b=6e6))  # 24 Mbit/s in all, 12 by f1
    assert engine.compiled.names["services"] == ("web", "leaf")
    assert [error(engine, k) for k in (0, 1)] == pytest.approx([1 - (3 / 4) ** 3, 1 / 4])


@given(seed=SEEDS)
@settings(max_examples=30)
def test_a_single_bottleneck_delivers_what_it_carries_however_servers_and_tiers_differ(seed: int) -> None:
    """Conservation: bits delivered + bits lost = bits sent, and all that a full link can carry is used."""
    rng = np.random.default_rng(seed)
    base = one_site().services[0].model_dump()
    names = [f"s{i}" for i in range(4)]
    fleet = one_site(
        services=[{**base, "name": n, "tier": int(rng.integers(3)), "request_bytes": rng.uniform(1e3, 1e4)} for n in names],
        deployments=[{"service": n, "site": "s", "replicas": 2} for n in names],
        demand=[{"service": n, "region": "r", "rate_per_s": rng.uniform(10, 100)} for n in names],
        server_groups=[{**g.model_dump(), "count": int(rng.integers(4, 9))} for g in one_site().server_groups],
    )  # fmt: skip
    capacity_bps = rng.uniform(1e5, 1e7)
    engine = settled(narrowed(fleet, f1_b=capacity_bps), [Change("state", "f2", -1.0)])
    assert engine.flows is not None
    bits = 8.0 * engine.compiled.services.request_bytes
    sent, lost = (bits * engine.flows.requests).sum(), (bits * engine.flows.errors).sum()
    assert sent - lost == pytest.approx(min(sent, capacity_bps), rel=1e-9)


def test_answers_wait_in_front_of_a_busy_uplink() -> None:
    """Half of the answers of one rack of two cross an uplink at 80 %: the mean waits a quarter of what they wait."""
    fleet = narrowed(one_site(), t1_f1=5e6)
    rows = [{**link.model_dump(), "buffer_s": 0.1 if link.name == "t1-f1" else None} for link in fleet.links]
    busy = settled(Fleet.model_validate({**fleet.model_dump(), "links": rows}))
    each = float(queueing_delay(np.array([0.8]), np.array([5e6]), buffer_s=np.array([0.1]))[0])
    assert each > 1e-3
    assert busy.p99_s[0] - settled(fleet).p99_s[0] == pytest.approx(each / 4, rel=1e-6)


@given(seed=SEEDS)
@settings(max_examples=60)
def test_what_answers_wait_is_the_mean_over_all_connections(seed: int) -> None:
    fleet = tight_fleet(seed)
    links = [{**row.model_dump(), "buffer_s": 0.5} for row in fleet.links]
    waiting = Fleet.model_validate({**fleet.model_dump(), "links": links})
    engine, plain, naive = settled(waiting), settled(fleet), naively(fleet)
    loads = dict(zip(engine.compiled.names["links"], engine.link_load.tolist(), strict=True))

    def seconds(link: str) -> float:
        bps = np.array([naive.fabric.capacity_bps(link)])
        rho = np.array([loads[link]]) / bps
        return float(queueing_delay(rho, bps, buffer_s=np.array([0.5]))[0]) if rho[0] > 0.5 else 0.0

    for k, name in enumerate(engine.compiled.names["services"]):
        service, total, arrivals = naive.services[name], 0.0, 0.0
        for site in naive.sites:
            mine = [
                one for one in naive.fabric.connections
                if (one.tier, one.owner) == (service.tier, (service.reservation, site))
            ]  # fmt: skip
            sent = sum(one.weight * one.wants_bps for one in mine)
            linked = 1.0 - naive.fabric._without_links(service.reservation, site)
            mean = sum(one.weight * one.wants_bps * sum(map(seconds, one.links)) for one in mine)
            arrivals += naive.arrivals[name, site]
            total += naive.arrivals[name, site] * linked * (mean / sent if sent else 0.0)
        passed = [naive.passed(name, site) for site in naive.sites if naive.arrivals[name, site] > 0]
        if passed and min(passed) > 0:
            assert engine.p99_s[k] - plain.p99_s[k] == pytest.approx(total / arrivals, rel=1e-6, abs=1e-9)


def test_without_congestion_nothing_is_lost_and_nothing_waits() -> None:
    fleet = narrowed(one_site(), t1_f1=2e6)
    compiled = compile_fleet(fleet, start=START)
    for without, lost in (((), 1 / 8), (("congestion",), 0.0)):
        run = Simulator(compiled, without=without).run((), (), until_s=600.0)
        assert run.errors[0] / run.requests[0] == pytest.approx(lost)
        assert bool(violators(compiled, run, "link_overloads", {})) == bool(lost)


@given(seed=SEEDS)
@settings(max_examples=25)
def test_many_instants_at_once_are_one_after_the_other(seed: int) -> None:
    """Bit for bit, with demand that fills links at some knots and not at others, queues, and servers that break on the way."""
    rng = np.random.default_rng(seed)
    fleet = tight_fleet(seed)
    plain = fleet.model_dump()
    plain["links"] = [{**row, "buffer_s": 0.05} for row in plain["links"]]
    plain["series"] = [
        {**row, "step_s": 300.0, "values": rng.uniform(0.01, 1.0, 12).tolist()} for row in plain["series"]
    ]
    plain["demand"] = [{**row, "profile": plain["series"][0]["name"]} for row in plain["demand"]]
    compiled = compile_fleet(Fleet.model_validate(plain), start=START)
    groups = [row.name for row in fleet.server_groups if row.count]
    times = 300.0 * np.arange(12)
    faults: list[list[Change]] = [[] for _ in times]
    for j in rng.integers(1, 12, 3) if groups else ():
        faults[int(j)].append(Change("failed", groups[int(rng.integers(len(groups)))], 1.0))
    together, single, done = Engine(compiled), Engine(compiled), 0
    while done < len(times):
        for change in faults[done]:
            together.state.apply(change)
        block = together.block(times[done:], [[], *faults[done + 1 :]])
        for j in range(len(block)):
            for change in faults[done + j]:
                single.state.apply(change)
            alone = single.block(times[done + j : done + j + 1])
            for name in ("link_load", "network_failing", "p99_s", "unit_va"):
                assert np.array_equal(getattr(block, name)[..., j], getattr(alone, name)[..., 0]), name
            assert np.array_equal(block.flows.errors[j], alone.flows.errors[0])
        done += len(block)
        together.advance(300.0)
        single.advance(300.0)


def test_a_block_ends_before_the_first_full_link() -> None:
    series = [{"name": "day", "step_s": 300.0, "values": [0.1, 0.2, 0.9, 0.3, 1.0, 0.1], "start": START}]
    demand = [{"service": "web", "region": "r", "rate_per_s": 200.0, "profile": "day"}]
    engine = Engine(compile_fleet(narrowed(one_site(series=series, demand=demand), f1_b=5e6), start=START))
    times = 300.0 * np.arange(6)
    lengths, done = [], 0
    while done < len(times):
        block = engine.block(times[done:])
        assert (block.network_failing > 0).any() == (done in (2, 4))
        lengths.append(len(block))
        done += len(block)
    assert lengths == [2, 1, 1, 1, 1]


def test_the_narrator_names_the_full_link() -> None:
    fleet = narrowed(one_site(), t1_f2=6e6)
    world = [TimedChange(600.0, Change("state", "t1-f1", -1.0), "world:cut", "t1-f1 is cut")]
    run = Simulator(compile_fleet(fleet, start=START)).run((), world, until_s=1200.0)
    assert [(i.thing, i.start_s) for i in run.intervals if i.kind == "link_overloads"] == [("t1-f2", 600.0)]
    assert [(i.thing, i.start_s) for i in run.intervals if i.kind == "slo_violations"] == [("web", 600.0)]
