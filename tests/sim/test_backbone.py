"""Traffic between sites: the table of traffic, classes on full links, lost bandwidth, queues; in blocks or one by one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

from tests.sim.fleets import START
from tests.sim.helpers import SEEDS, settled
from tests.sim.test_network import backbone_fleet, two_sites
from twin.graph.compile import compile_fleet
from twin.model.change import Change, TimedChange
from twin.model.fleet import Fleet
from twin.sim.engine import Engine
from twin.sim.laws.link_delay import queueing_delay
from twin.sim.measure import measure, violators
from twin.sim.run import Simulator


def two_tiers(capacity_bps: float, **more: Any) -> Fleet:
    """East's users ask the west: 8 Mbit/s of tier 0, 8 Mbit/s of tier 2; and 4 Mbit/s of traffic of tier 1 beside them."""
    plain = two_sites(capacity_bps)
    rows = plain.model_dump()
    base = {**rows["services"][0], "callees": {}, "request_bytes": 1e4}
    rows["services"] = [{**base, "name": "first", "tier": 0}, {**base, "name": "last", "tier": 2}]
    rows["deployments"] = [{"service": s, "site": "w1", "replicas": 20} for s in ("first", "last")]
    rows["demand"] = [{"service": s, "region": "east", "rate_per_s": 100.0} for s in ("first", "last")]
    rows["traffic"] = [
        {"source": "e1", "target": "w1", "tier": 1, "rate_bps": 4e6},
        {"source": "w1", "target": "e1", "tier": 9, "rate_bps": 5e6},
    ]
    return Fleet.model_validate({**rows, **more})


def lost(engine: Engine) -> list[float]:
    """Share of the requests of tier 0 and tier 2, and of each row of traffic, that is lost."""
    assert engine.flows is not None
    at = {name: i for i, name in enumerate(engine.compiled.names["services"])}
    share = engine.flows.errors / engine.flows.requests
    rows = engine.traffic_lost_bps / engine.traffic_bps
    return [float(share[at["first"]]), float(share[at["last"]]), *rows.tolist()]


@pytest.mark.parametrize(
    ("capacity_bps", "first", "traffic", "last"),
    [
        (20e6, 0.0, 0.0, 0.0),
        (16e6, 0.0, 0.0, 0.5),  # 4 Mbit/s are left for the 8 of tier 2
        (10e6, 0.0, 0.5, 1.0),
        (6e6, 0.25, 1.0, 1.0),
    ],
)
def test_the_lowest_tier_goes_first_on_a_full_link(
    capacity_bps: float, first: float, traffic: float, last: float
) -> None:
    """The other direction has room for all of its 5 Mbit/s: links are full duplex."""
    engine = settled(two_tiers(capacity_bps))
    assert lost(engine) == pytest.approx([first, last, traffic, 0.0], abs=1e-9)
    assert engine.link_load == pytest.approx([20e6])  # what is offered


def test_a_link_that_loses_bandwidth_is_full_sooner_and_says_so() -> None:
    whole = settled(two_tiers(20e6))
    half = settled(two_tiers(20e6), [Change("bandwidth", "sea", -0.5)])
    assert lost(half) == pytest.approx([0.0, 1.0, 0.5, 0.0], abs=1e-9)
    back = settled(two_tiers(20e6), [Change("bandwidth", "sea", -0.5), Change("bandwidth", "sea", 0.5)])
    assert lost(back) == lost(whole)


def test_traffic_follows_its_series_and_growth() -> None:
    """1 Gbit/s at half an hour each of 100 % and 40 %; a row that doubles in a year."""
    fleet = two_tiers(1e12, services=[], deployments=[], demand=[], traffic=[
        {"source": "e1", "target": "w1", "rate_bps": 1e9, "profile": "steps"},
        {"source": "w1", "target": "e1", "rate_bps": 1e9, "growth_per_year": 1.0},
    ], series=[{"name": "steps", "step_s": 1800.0, "values": [1.0, 0.4], "start": START}])  # fmt: skip
    year_s = 31557600.0
    for now_s, forth, back in ((0.0, 1e9, 1e9), (1800.0, 0.4e9, 1e9), (year_s, 1e9, 2e9)):
        engine = settled(fleet, now_s=now_s)
        assert engine.traffic_bps == pytest.approx([forth, back], rel=1e-3 if now_s else 1e-12)
        assert engine.link_load == pytest.approx([max(engine.traffic_bps)])


def test_queues_in_front_of_a_busy_link_add_to_the_round_trip() -> None:
    """20 of 21 Mbit/s to the west, 5 of 21 back: only what goes west waits."""
    plain = two_tiers(21e6)
    links = [{**link.model_dump(), "buffer_s": 0.05} for link in plain.links]
    calm, queued = settled(plain), settled(two_tiers(21e6, links=links))
    wait_s = queueing_delay(np.array([20 / 21]), np.array([21e6]), buffer_s=np.array([0.05]))
    assert queued.p99_s - calm.p99_s == pytest.approx([wait_s[0]] * 2, rel=1e-9)
    full = settled(two_tiers(10e6, links=[{**row, "capacity_bps": 10e6} for row in links]))
    assert full.p99_s - calm.p99_s == pytest.approx([0.05] * 2, rel=0.05)


def test_traffic_that_finds_no_way_is_lost() -> None:
    engine = settled(two_tiers(1e12), [Change("state", "sea", -1.0)])
    assert engine.traffic_lost_bps.tolist() == [4e6, 5e6] and engine.link_load.tolist() == [0.0]


@given(seed=SEEDS)
@settings(max_examples=30)
def test_many_instants_at_once_are_one_after_the_other(seed: int) -> None:
    """Bit for bit, with full links, classes and queues; a block ends where a link is full."""
    rng = np.random.default_rng(seed)
    plain = backbone_fleet(seed).model_dump()
    names = [site["name"] for site in plain["sites"]]
    plain["links"] = [{**link, "buffer_s": 0.02, "capacity_bps": 1e9} for link in plain["links"]]
    plain["series"] = [
        {"name": f"p{i}", "step_s": 300.0, "values": rng.uniform(0, 1, 12).tolist(), "start": START}
        for i in range(3)
    ]
    plain["traffic"] = [
        {"source": a, "target": b, "tier": tier, "rate_bps": rng.uniform(0.1, 6e8), "profile": f"p{rng.integers(3)}"}
        for a in names for b in names if a != b for tier in rng.choice(10, 2, replace=False).tolist()
    ]  # fmt: skip
    compiled = compile_fleet(Fleet.model_validate(plain), start=START)
    times = 300.0 * np.arange(12)
    together, single = Engine(compiled), Engine(compiled)
    done = 0
    while done < len(times):
        block = together.block(times[done:])
        for j in range(len(block)):
            alone = single.block(times[done + j : done + j + 1])
            for field in ("link_load", "traffic_bps", "traffic_lost_bps", "p99_s"):
                assert np.array_equal(getattr(block, field)[..., j], getattr(alone, field)[..., 0])
        done += len(block)


def test_the_metric_counts_lost_bits_by_tier_and_origin() -> None:
    """Half of tier 1 is lost from the half of the hour on; the other direction loses nothing."""
    compiled = compile_fleet(two_tiers(20e6), start=START)
    world = [TimedChange(1800.0, Change("bandwidth", "sea", -0.5), "world:test")]
    run = Simulator(compiled).run((), world, until_s=3600.0)
    for where, expected in (
        ({}, 0.5 * 2e6 / 9e6),
        ({"tier": 1}, 0.25),
        ({"tier": [1, 9], "site": "e1"}, 0.25),
        ({"region": "west"}, 0.0),
        ({"tier": 3}, 0.0),
    ):
        assert measure(compiled, run, "traffic_loss", where) == pytest.approx(expected)
    overloaded = [(i.kind, i.thing, i.start_s) for i in run.intervals if i.kind == "link_overloads"]
    assert overloaded == [("link_overloads", "sea", 1800.0)]


def test_a_partition_makes_sites_unreachable_and_not_dead() -> None:
    """The cut sea leaves both sides up: each serves its own users alone, draws power and says so."""
    plain = two_sites(1e9).model_dump()
    plain["services"] = [{**plain["services"][0], "name": "both", "callees": {}}]
    plain["deployments"] = [{"service": "both", "site": site, "replicas": 20} for site in ("e1", "w1")]
    plain["demand"] = [
        {"service": "both", "region": region, "rate_per_s": rate}
        for region, rate in (("east", 30.0), ("west", 10.0))
    ]
    fleet = Fleet.model_validate(plain)
    whole, parted = settled(fleet), settled(fleet, [Change("state", "sea", -1.0)])
    assert whole.flows is not None and parted.flows is not None
    assert whole.flows.arrivals.tolist() == [[20.0, 20.0]] and whole.link_load.tolist() == [15.0 * 8e4]
    assert parted.flows.arrivals.tolist() == [[30.0, 10.0]] and parted.link_load.tolist() == [0.0]
    assert parted.flows.errors.tolist() == [0.0]
    assert parted.rack_powered.all() and parted.rack_reachable.all() and parted.site_ok.all()
    assert (parted.it_w > 0).all() and parted.group_active.tolist() == whole.group_active.tolist()


def test_a_site_without_its_border_is_powered_and_serves_nobody() -> None:
    engine = settled(two_sites(1e9), [Change("state", "w1-b", -1.0)])
    west = engine.compiled.index["sites"]["w1"]
    assert engine.rack_powered.all() and engine.it_w[west] > 0
    assert not engine.site_ok[west] and engine.running[:, west].sum() > 0
    assert engine.flows is not None and engine.flows.errors == pytest.approx([100.0, 200.0])


def test_links_that_lost_all_bandwidth_carry_nothing_and_without_congestion_nothing_is_lost() -> None:
    compiled = compile_fleet(two_tiers(10e6), start=START)
    for without, change, expected in (((), -1.0, 1.0), (("congestion",), -0.5, 0.0)):
        world = [TimedChange(0.0, Change("bandwidth", "sea", change), "world:test")]
        run = Simulator(compiled, without=without).run((), world, until_s=60.0)
        assert measure(compiled, run, "traffic_loss", {}) == expected
        assert bool(violators(compiled, run, "link_overloads", {})) == bool(expected)


def test_who_waits_for_a_lost_call_fails_as_well() -> None:
    """`front` calls `mid` one and a half times at its own site, which calls `back` twice over the full sea.

    75 of 300 calls are lost: `mid` has both answers with a chance of (3/4)^2 = 9/16, and `front` of 9/16 x (1 + 9/16)/2.
    """
    plain = two_sites(18e6).model_dump()
    one, back = plain["services"]
    plain["services"] = [{**one, "callees": {"mid": 1.5}}, {**one, "name": "mid"}, back]
    plain["deployments"] = [*plain["deployments"], {"service": "mid", "site": "e1", "replicas": 20}]
    engine = settled(Fleet.model_validate(plain))
    assert engine.flows is not None and engine.compiled.names["services"] == ("front", "mid", "back")
    assert engine.flows.requests == pytest.approx([100.0, 150.0, 300.0])
    expected = [100.0 * (1 - 9 / 16 * (1 + 9 / 16) / 2), 150.0 * 7 / 16, 75.0]
    assert engine.flows.errors == pytest.approx(expected)
