"""Calls over the network: closed forms, a request played many times, a walk over every caller and every site that answers."""

from __future__ import annotations

import math
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

from tests.sim.fleets import START
from tests.sim.helpers import SEEDS, settled
from tests.sim.test_network import backbone_fleet, two_sites
from twin.graph.compile import compile_fleet
from twin.model.change import Change
from twin.model.fleet import Fleet
from twin.sim.engine import Engine
from twin.sim.laws.link_delay import queueing_delay
from twin.sim.network import find_routes
from twin.sim.routing import route
from twin.sim.trips import Trips

RTT_S = 0.04  # over the sea
TAIL = math.log(100)  # p99 of an exponential time over its mean


def asking(fanout: str | None, **more: Any) -> Fleet:
    """`front` in the east calls `back` in the west; 1 ms of service each, next to nothing waits."""
    rows = two_sites(1e12).model_dump(mode="json")
    calls = more.pop("calls", 1.0)
    rows["services"] = [{**row, "service_time_s": 1e-3, "slots": 8} for row in rows["services"]]
    rows["services"][0] |= {"fanout": fanout, "callees": {"back": calls}}
    rows["demand"] = [{**rows["demand"][0], "rate_per_s": 1.0}]
    return Fleet.model_validate({**rows, **more})


def p99(engine: Engine, service: str = "front") -> float:
    return float(engine.p99_s[engine.compiled.names["services"].index(service)])


def beside(fleet: Fleet) -> Fleet:
    """The same fleet with `back` where `front` is."""
    rows = fleet.model_dump(mode="json")
    rows["deployments"] = [{**row, "site": "e1"} for row in rows["deployments"]]
    return Fleet.model_validate(rows)


def test_without_fanout_nothing_changes() -> None:
    assert p99(settled(asking(None))) == pytest.approx(1e-3 * TAIL, rel=1e-3)
    assert p99(settled(asking("sequential")), "back") == p99(settled(asking(None)), "back")


def test_calls_in_turn_add_their_round_trips() -> None:
    for calls in (1.0, 2.0, 5.0):
        one = asking("sequential", calls=calls)
        assert p99(settled(one)) - p99(settled(beside(one))) == pytest.approx(calls * RTT_S, rel=1e-6)


def test_calls_at_once_take_one_round_trip() -> None:
    for calls in (1.0, 2.0, 50.0):
        one = asking("parallel", calls=calls)
        assert p99(settled(one)) - p99(settled(beside(one))) == pytest.approx(RTT_S, rel=5e-3)


def test_a_call_that_every_other_request_makes_costs_it_the_round_trip() -> None:
    """Half of the requests take 40 ms and an exponential time longer: far more than 1 %, so that the p99 is theirs."""
    rng = np.random.default_rng(5)
    called = (rng.random(400_000) < 0.5) * (RTT_S + rng.exponential(1e-3, 400_000))
    played = float(np.quantile(called + rng.exponential(1e-3, 400_000), 0.99))
    assert p99(settled(asking("sequential", calls=0.5))) == pytest.approx(played, rel=0.03)


def test_two_callees_at_once_wait_for_the_far_one() -> None:
    rows = asking("parallel").model_dump(mode="json")
    rows["services"][0]["callees"] = {"back": 1.0, "near": 1.0}
    rows["services"].append({**rows["services"][1], "name": "near"})
    rows["deployments"].append({"service": "near", "site": "e1", "replicas": 20})
    both = settled(Fleet.model_validate(rows))
    assert p99(both) == pytest.approx(p99(settled(asking("parallel"))), rel=5e-3)


def test_calls_of_calls_go_further() -> None:
    """`front` in the east, `mid` in the west, which calls `back` in the east: there and back, twice."""
    rows = asking("sequential").model_dump(mode="json")
    front, back = rows["services"]
    rows["services"] = [
        {**front, "callees": {"mid": 1.0}},
        {**front, "name": "mid"},
        back,
    ]
    rows["deployments"] = [
        {"service": name, "site": site, "replicas": 20}
        for name, site in (("front", "e1"), ("mid", "w1"), ("back", "e1"))
    ]
    far = Fleet.model_validate(rows)
    assert p99(settled(far)) - p99(settled(beside(far))) == pytest.approx(2 * RTT_S, rel=1e-6)


def test_a_callee_at_both_sites_answers_next_door_until_it_is_lost_there() -> None:
    rows = asking("sequential").model_dump(mode="json")
    rows["deployments"].append({"service": "back", "site": "e1", "replicas": 20})
    both = Fleet.model_validate(rows)
    near, far = p99(settled(beside(asking("sequential")))), p99(settled(asking("sequential")))
    assert p99(settled(both)) == pytest.approx(near, rel=1e-3)
    lost = settled(both, [Change("replicas", "back", -20.0, "e1")])
    assert p99(lost) == pytest.approx(far, rel=1e-3)


def test_queues_in_both_directions_and_detours_count() -> None:
    """A busy sea makes calls wait, on the way that is busy; with a longer cable they take what that one takes."""
    quiet = asking("sequential")
    rows = quiet.model_dump(mode="json")
    rows["links"] = [{**rows["links"][0], "capacity_bps": 1e7, "buffer_s": 0.1}]
    rows["traffic"] = [{"source": "w1", "target": "e1", "rate_bps": 8e6}]
    busy = settled(Fleet.model_validate(rows))
    each = float(queueing_delay(np.array([0.8]), np.array([1e7]), buffer_s=np.array([0.1]))[0])
    assert each > 1e-3
    assert p99(busy) - p99(settled(quiet)) == pytest.approx(each, rel=1e-4)
    rows = quiet.model_dump(mode="json")
    rows["links"].append({**rows["links"][0], "name": "long", "latency_s": 0.1})
    cut = settled(Fleet.model_validate(rows), [Change("state", "sea", -1.0)])
    assert p99(cut) - p99(settled(quiet)) == pytest.approx(2 * 0.1 - RTT_S, rel=1e-6)


def test_answers_that_wait_inside_their_site_make_callers_wait() -> None:
    """`back` behind an uplink at 80 %: what its answers wait there is on the way of the call."""
    rows = asking("sequential").model_dump(mode="json")
    rows["switches"].append({"name": "w1-t", "site": "w1", "tier": "tor", "capacity_bps": 1e12})
    rows["links"].append({"name": "up", "a": "w1-t", "b": "w1-b", "capacity_bps": 1e5, "buffer_s": 2.0})
    rows["racks"] = [{**row, "switches": ["w1-t"]} if row["site"] == "w1" else row for row in rows["racks"]]
    busy = settled(Fleet.model_validate(rows))
    each = float(queueing_delay(np.array([0.8]), np.array([1e5]), buffer_s=np.array([2.0]))[0])
    assert busy.link_load[busy.compiled.index["links"]["up"]] == pytest.approx(8e4)
    assert each > 0.1
    assert p99(busy) - p99(settled(asking("sequential"))) == pytest.approx(each, rel=1e-4)


@pytest.mark.parametrize(
    ("fanout", "calls"), [("sequential", 1), ("sequential", 10), ("parallel", 2), ("parallel", 20)]
)
@pytest.mark.parametrize("far", [0.1, 0.5, 0.8])
def test_answers_from_near_and_far_by_weight_against_requests_played(
    fanout: str, calls: int, far: float
) -> None:
    """Callees at two far sites of 10 and 40 ms; 200 000 requests played."""
    rng = np.random.default_rng(11)
    found = p99(settled(three_sites(fanout, calls, far)))
    distant = rng.random((200_000, calls)) < far
    took = np.where(distant, 0.04, 0.01) + rng.exponential(1e-3, distant.shape)
    called = took.sum(axis=1) if fanout == "sequential" else took.max(axis=1)
    played = float(np.quantile(called + rng.exponential(1e-3, len(called)), 0.99))
    assert found == pytest.approx(played, rel=0.07)


def three_sites(fanout: str, calls: int, far: float) -> Fleet:
    """`front` at e1 calls `back` at w1 (round trip 10 ms) and, for a share of `far`, at w2 (40 ms)."""
    rows = asking(fanout, calls=float(calls)).model_dump(mode="json")
    rows["sites"].append({"name": "w2", "region": "west"})
    for kind in ("power_units", "racks", "switches", "server_groups"):
        text = [row for row in rows[kind] if row["name"].startswith("w1")]
        for row in text:
            swapped = {
                key: value.replace("w1", "w2") if isinstance(value, str) else value
                for key, value in row.items()
            }
            if "fed_by" in row:
                swapped["fed_by"] = [name.replace("w1", "w2") for name in row["fed_by"]]
            rows[kind].append(swapped)
    rows["links"] = [
        {"name": f"sea{i}", "a": "e1-b", "b": f"w{i}-b", "capacity_bps": 1e12, "latency_s": latency_s}
        for i, latency_s in ((1, 0.005), (2, 0.02))
    ]
    rows["deployments"] = [
        {"service": name, "site": site, "replicas": 20, "weight": weight}
        for name, site, weight in (("front", "e1", 1.0), ("back", "w1", 1.0 - far), ("back", "w2", far))
    ]
    return Fleet.model_validate(rows)


@given(seed=SEEDS)
@settings(max_examples=40)
def test_times_of_calls_are_those_of_all_sites_that_may_answer(seed: int) -> None:
    """Caller by caller and site by site, with queues and answers that wait: the mean, and the variance, at the worst site."""
    rows, rng = backbone_fleet(seed).model_dump(), np.random.default_rng(seed)
    names, pick = [site["name"] for site in rows["sites"]], Random(seed)
    rows["reservations"] = [{"name": "o"}]
    rows["services"] = [
        {"name": f"s{i}", "tier": 0, "reservation": "o", "service_time_s": 1.0} for i in range(4)
    ]
    rows["deployments"] = [
        {"service": f"s{i}", "site": site, "replicas": 1.0, "weight": pick.choice((1.0, 3.0))}
        for i in range(4)
        for site in pick.sample(names, pick.randint(1, len(names)))
    ]
    compiled = compile_fleet(Fleet.model_validate(rows), start=START)
    up = np.ones(len(rows["switches"]), bool), np.ones(len(rows["links"]), bool)
    routes = find_routes(compiled.network, *up, len(names))
    weight = compiled.services.weight
    routing = route(compiled, weight, weight > 0, routes)
    reached = np.any([part.sites for part in routing.parts], axis=0)  # elsewhere nobody spreads calls
    sites, instants = len(names), 3
    queues = rng.uniform(0, 0.01, (sites, sites, instants))
    queues[np.arange(sites), np.arange(sites)] = 0.0
    answers = rng.uniform(0, 0.01, (instants, 4, sites))
    callee, calling = np.array([0, 1, 2, 3, 3]), rng.random((instants, 5, sites)) < 0.6
    found, farthest = Trips(routes.rtt_s, queues, answers).of_calls(routing, callee, calling)
    for t in range(instants):
        for e, k in enumerate(callee.tolist()):
            worst = (-1.0, 0.0, 0.0)
            for s in np.flatnonzero(calling[t, e]).tolist():
                joined = [j for j in range(sites) if routes.label[j] == routes.label[s]]
                chance = {j: weight[k, j] for j in joined if weight[k, j] > 0}
                if weight[k, s] > 0:
                    chance = {s: 1.0}
                elif not reached[s]:
                    chance = {}
                total = sum(chance.values())
                took = {j: routes.rtt_s[s, j] + queues[s, j, t] + answers[t, k, j] for j in chance}
                mean = sum(n / total * took[j] for j, n in chance.items()) if chance else 0.0
                square = sum(n / total * took[j] ** 2 for j, n in chance.items()) if chance else 0.0
                worst = max(worst, (mean, square - mean**2, max(took.values(), default=0.0)))
            if calling[t, e].any():
                assert found.mean[t, e] == pytest.approx(worst[0], rel=1e-9, abs=1e-12)
                assert found.variance[t, e] == pytest.approx(worst[1], rel=1e-6, abs=1e-12)
                assert farthest[t, e] == pytest.approx(worst[2], abs=1e-12)
