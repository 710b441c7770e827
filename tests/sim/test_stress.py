"""Cold caches, answer times with callees, variability and shedding, as a run plays them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from tests.sim.movers.busy import at, fleet, look, play
from twin.model.change import Change
from twin.sim import queueing
from twin.sim.engine import Engine

# One replica with one worker of 0.1 s serves ten a second.
RATE = 10.0


def capacity(engine: Engine) -> list[float]:
    """Capacity at each site: what flows over how busy it is."""
    flows = engine.flows
    assert flows is not None
    return np.divide(
        flows.arrivals[0], flows.rho[0], out=np.zeros_like(flows.rho[0]), where=flows.rho[0] > 0
    ).tolist()


def good(engine: Engine) -> float:
    assert engine.flows is not None
    return float(engine.flows.requests[0] - engine.flows.errors[0])


def p99(engine: Engine) -> list[float]:
    return [float(value) for value in engine.p99_s]


# Cold caches

WARM_UP_S, FACTOR = 300.0, 4.0
CACHED = {"name": "web", "warm_up_s": WARM_UP_S, "cold_factor": FACTOR, "max_wait_s": 0.0}


def warmed(since_start_s: float) -> float:
    """Capacity of a replica some time after a cold start, over that of a warm one."""
    return 1.0 / (1.0 + (FACTOR - 1.0) * math.exp(-since_start_s / WARM_UP_S))


def test_a_restart_is_cold_and_warms_up() -> None:
    restart = [(100.0, Change("state", "s-rack", -1.0)), (400.0, Change("state", "s-rack", 1.0))]
    one = fleet([{**CACHED, "failover_s": 0.0}], rate_per_s=5.0, replicas=10)
    _, samples = play(one, [*restart, *look(50.0, 500.0, 700.0, 3000.0)], 4000.0, capacity)
    assert at(samples, 50.0) == [pytest.approx(100.0)]
    assert at(samples, 200.0) == [0.0]
    # A step of a quarter of what is missing, held at its mean: within half a step of the curve.
    assert at(samples, 400.0)[0] == pytest.approx(100.0 * warmed(0.0), rel=0.12)
    assert at(samples, 500.0)[0] == pytest.approx(100.0 * warmed(100.0), rel=0.12)
    assert at(samples, 700.0)[0] == pytest.approx(100.0 * warmed(300.0), rel=0.12)
    assert at(samples, 3000.0) == [pytest.approx(100.0)]


def test_what_a_warm_up_costs_in_all() -> None:
    """Overloaded from the restart on, each request that is not served fails: errors are the missing capacity."""
    restart = [(100.0, Change("state", "s-rack", -1.0)), (400.0, Change("state", "s-rack", 1.0))]
    one = fleet([{**CACHED, "failover_s": 0.0}], rate_per_s=100.0, replicas=10)
    run, _ = play(one, restart, 4000.0, capacity)
    lost = 100.0 * sum(1.0 - warmed(t + 0.5) for t in range(3600)) + 300.0 * 100.0
    assert float(run.errors[0]) == pytest.approx(lost, rel=0.02)


def test_new_replicas_are_cold_and_dilute_the_warm_ones() -> None:
    """Ten warm and ten cold replicas: warmth of a half."""
    one = fleet([CACHED], rate_per_s=5.0, replicas=10)
    world = [(100.0, Change("replicas", "web", 10.0, "s"))]
    _, samples = play(one, world, 200.0, capacity)
    assert at(samples, 100.0)[0] == pytest.approx(200.0 / (1.0 + (FACTOR - 1.0) / 2.0), rel=0.12)


def test_users_of_a_lost_site_find_cold_caches_elsewhere() -> None:
    """Two sites with half of the users each; after the failover the one that remains has 75 % of the warmth missing: none."""
    one = fleet([{**CACHED, "failover_s": 30.0}], rate_per_s=50.0, replicas=10, sites=("a", "b"))
    world = [(100.0, Change("state", "a-rack", -1.0)), *look(50.0, 120.0, 131.0, 3000.0)]
    _, samples = play(one, world, 4000.0, capacity)
    assert at(samples, 50.0) == [pytest.approx(100.0), pytest.approx(100.0)]
    assert at(samples, 120.0)[1] == pytest.approx(100.0)  # nobody has noticed yet
    # The users have doubled: half of the hits are missing.
    assert at(samples, 131.0)[1] == pytest.approx(100.0 / (1.0 + (FACTOR - 1.0) / 2.0), rel=0.12)
    assert at(samples, 3000.0)[1] == pytest.approx(100.0)


def test_without_a_warm_up_a_restart_is_warm() -> None:
    restart = [(100.0, Change("state", "s-rack", -1.0)), (400.0, Change("state", "s-rack", 1.0))]
    one = fleet([{"name": "web", "failover_s": 0.0}], rate_per_s=5.0, replicas=10)
    _, samples = play(one, restart, 500.0, capacity)
    assert at(samples, 400.0) == [pytest.approx(100.0)]


# Answer times


def chain(fanout: str | None, calls: float = 1.0, **leaf: Any) -> list[dict[str, Any]]:
    return [
        {"name": "front", "callees": {"leaf": calls}, "fanout": fanout},
        {"name": "leaf", "service_time_s": 0.2, **leaf},
    ]


def settled_p99(services: list[dict[str, Any]], rate_per_s: float = 1e-6) -> float:
    one = fleet(services, rate_per_s=rate_per_s, replicas=10, servers=10_000)
    return at(play(one, look(5.0), 10.0, p99)[1], 5.0)[0]


def test_callees_are_left_out_unless_said() -> None:
    assert settled_p99(chain(None)) == pytest.approx(0.1 * math.log(100), rel=1e-3)


def test_one_call_after_another_adds_up() -> None:
    """Idle: exponential times of 0.1 s and 0.2 s; P(sum > t) = 2e^{-5t} - e^{-10t}."""
    t = settled_p99(chain("sequential"))
    assert 2 * math.exp(-5 * t) - math.exp(-10 * t) == pytest.approx(0.01, rel=0.02)


def test_a_hundred_calls_at_once_wait_for_the_slowest() -> None:
    """Own time next to nothing: p99 of the largest of a hundred exponential times of 0.2 s."""
    services = chain("parallel", 100.0)
    services[0]["service_time_s"] = 1e-4
    expected = -0.2 * math.log(-math.expm1(math.log(0.99) / 100))
    assert settled_p99(services) == pytest.approx(expected, rel=5e-3)


def test_a_busy_callee_makes_its_caller_slow() -> None:
    """M/M/1 at 80 %: the leaf's sojourn is exponential of mean 1 s, ten replicas of five a second."""
    services = chain("sequential")
    t = settled_p99(services, 40.0)
    rho = 40.0 / (10 * RATE)
    a, b = 1 / (0.1 / (1 - rho)), 1 / (0.2 / (1 - 0.8))
    late = (a * math.exp(-b * t) - b * math.exp(-a * t)) / (a - b)
    assert late == pytest.approx(0.01, rel=0.03)


@pytest.mark.parametrize(("ca2", "cs2"), [(1.0, 1.0), (4.0, 1.0), (1.0, 0.0)])
def test_variability_moves_the_tail(ca2: float, cs2: float) -> None:
    service = {"name": "web", "arrival_scv": ca2, "service_scv": cs2, "max_wait_s": 100.0}
    found = settled_p99([service], 80.0)
    plain = 0.1 * float(queueing.sojourn_p99(1, np.array([0.8]))[0])
    if ca2 == cs2 == 1.0:
        assert found == pytest.approx(plain, rel=1e-4)
    else:
        assert (found > 1.5 * plain) == (ca2 > 1.0)
        assert (found < 0.7 * plain) == (cs2 < 1.0)


# Shedding


def test_a_threshold_refuses_what_is_above_it_and_keeps_the_rest_fast() -> None:
    """Demand of twice the capacity of 100: 90 are served, and wait as at 90 %."""
    world = [(100.0, Change("demand", "web", 3.0, "*")), *look(600.0)]
    services = {"name": "web", "max_wait_s": 20.0}

    def seen(engine: Engine) -> tuple[float, float]:
        return good(engine), p99(engine)[0]

    kept = at(
        play(fleet([{**services, "shed_above": 0.9}], rate_per_s=50.0, replicas=10), world, 900.0, seen)[1],
        600.0,
    )
    assert kept[0] == pytest.approx(90.0)
    assert kept[1] == pytest.approx(0.1 * float(queueing.sojourn_p99(1, np.array([0.9]))[0]), rel=1e-3)
    full = at(play(fleet([services], rate_per_s=50.0, replicas=10), world, 900.0, seen)[1], 600.0)
    assert full[0] == pytest.approx(100.0)
    assert full[1] > 20.0


def test_a_share_is_refused_here_or_everywhere() -> None:
    one = fleet([{"name": "web"}], rate_per_s=50.0, replicas=10, sites=("a", "b"))
    _, here = play(one, [(100.0, Change("shed", "web", 0.4, "a")), *look(200.0)], 300.0, good)
    assert at(here, 200.0) == pytest.approx(40.0)
    _, everywhere = play(one, [(100.0, Change("shed", "web", 0.4, "*")), *look(200.0)], 300.0, good)
    assert at(everywhere, 200.0) == pytest.approx(30.0)


def test_callers_of_who_refuses_fail_with_it_and_do_not_load_it() -> None:
    one = fleet(chain(None), rate_per_s=20.0, replicas=10)
    world = [(100.0, Change("shed", "leaf", 0.5, "*")), *look(200.0)]

    def seen(engine: Engine) -> tuple[float, float]:
        assert engine.flows is not None
        return good(engine), float(engine.flows.passed[1].sum())

    assert at(play(one, world, 300.0, seen)[1], 200.0) == (pytest.approx(10.0), pytest.approx(10.0))


# Servers by tier


def tiers(*, by_tier: bool) -> Any:
    """Two services of different tiers, ten replicas each, on twenty servers of one reservation."""
    rows = [
        {"name": "gold", "tier": 0, "callees": {"bronze": 1e-6}},
        {"name": "bronze", "tier": 3},
    ]
    one = fleet(rows, rate_per_s=1.0, replicas=10, servers=20)
    reservation = one.reservations[0].model_copy(update={"by_tier": by_tier})
    return one.model_copy(update={"reservations": (reservation,)})


@pytest.mark.parametrize(("by_tier", "gold", "bronze"), [(True, 10.0, 4.0), (False, 7.0, 7.0)])
def test_short_of_servers_the_better_tier_keeps_its_own(by_tier: bool, gold: float, bronze: float) -> None:
    world = [
        (100.0, Change("failed", "s-g", 6.0)),
        (200.0, Change("failed", "s-g", -6.0)),
        *look(150.0, 250.0),
    ]
    _, samples = play(tiers(by_tier=by_tier), world, 300.0, lambda engine: engine.running[:, 0].tolist())
    assert at(samples, 150.0) == [pytest.approx(gold), pytest.approx(bronze)]
    assert at(samples, 250.0) == [10.0, 10.0]


# Brown-out: servers that are capped or hot are slower, and the service feels it


@pytest.mark.parametrize(
    ("change", "left"),
    [
        (Change("slow", "s-rack", 0.4), 0.6),
        # Ten of ten servers from 100 W to 200 W by 2u - u^1.4: 1500 W are half of the way, which is u = 0.378.
        (Change("cap", "s-rack", 1500.0, "controller"), 0.3783),
    ],
)
def test_a_brown_out_takes_capacity_and_gives_it_back(change: Change, left: float) -> None:
    one = fleet([{"name": "web", "max_wait_s": 0.0}], rate_per_s=80.0, replicas=10, servers=10)
    undo = Change(change.kind, change.target, math.inf if change.kind == "cap" else -change.value, change.key)
    world = [(100.0, change), (200.0, undo), *look(50.0, 150.0, 250.0)]

    def seen(engine: Engine) -> tuple[float, float]:
        return capacity(engine)[0], good(engine)

    _, samples = play(one, world, 300.0, seen)
    assert at(samples, 50.0) == (pytest.approx(100.0), pytest.approx(80.0))
    assert at(samples, 150.0) == (
        pytest.approx(100.0 * left, rel=0.01),
        pytest.approx(min(80.0, 100.0 * left), rel=0.01),
    )
    assert at(samples, 250.0) == (pytest.approx(100.0), pytest.approx(80.0))


def test_a_brown_out_can_start_a_retry_storm_that_stays() -> None:
    """Slow for a minute; with retries without a budget the service is still down an hour later."""
    service = {"name": "web", "slots": 10, "timeout_s": 1.0, "max_wait_s": 10.0, "retries": 3}
    for budget, stays in ((10.0, True), (0.1, False)):
        one = fleet([{**service, "retry_budget": budget}], rate_per_s=800.0, replicas=10, servers=10)
        world = [
            (100.0, Change("slow", "s-rack", 0.5)),
            (160.0, Change("slow", "s-rack", -0.5)),
            *look(3700.0),
        ]
        left = at(play(one, world, 3800.0, good)[1], 3700.0)
        assert (left < 8.0) == stays
        assert stays or left == pytest.approx(800.0)
