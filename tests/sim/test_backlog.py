"""The fluid backlog of an overloaded service: when it fills, what fails, how long requests wait, when it is gone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.sim.fleets import START
from twin.graph.compile import compile_fleet
from twin.model.change import Change, TimedChange
from twin.model.fleet import Fleet
from twin.sim.queueing import sojourn_p99
from twin.sim.run import simulate

# One replica of 10 workers on 10 servers serves 100/s; 60/s are asked, and 150/s during the surge.
# 20 s of waiting hold 2000 requests.
RATE, SURGED, CAPACITY, MAX_WAIT_S = 60.0, 150.0, 100.0, 20.0
FULL = CAPACITY * MAX_WAIT_S
SURGE = Change("demand", "web", 1.5, "*")
END_SURGE = Change("demand", "web", -1.5, "*")


def fleet() -> Fleet:
    return Fleet.model_validate(
        {
            "fleet": "queue",
            "regions": [{"name": "r"}],
            "sites": [{"name": "s", "region": "r"}],
            "power_units": [{"name": "grid", "site": "s", "kind": "utility", "rated_va": 1e5}],
            "racks": [{"name": "rack", "site": "s", "row": "x", "fed_by": ["grid"]}],
            "server_types": [{"name": "t", "cores": 1, "idle_w": 100.0, "max_w": 200.0, "exponent": 1.0}],
            "reservations": [{"name": "o"}],
            "server_groups": [{"name": "g", "rack": "rack", "type": "t", "owner": "o", "count": 10}],
            "services": [
                {
                    "name": "web",
                    "tier": 0,
                    "reservation": "o",
                    "service_time_s": 0.1,
                    "slots": 10,
                    "replica_rru": 10.0,
                    "max_wait_s": MAX_WAIT_S,
                    "retries": 2,
                    "retry_budget": 0.1,
                }
            ],
            "deployments": [{"service": "web", "site": "s", "replicas": 1}],
            "demand": [{"service": "web", "region": "r", "rate_per_s": RATE}],
        }
    )


def play(
    world: list[tuple[float, Change]], until_s: float = 1000.0
) -> tuple[Any, list[tuple[float, float, float, float]]]:
    """Return the run and (time, backlog, p99, errors per second) at every settle."""
    seen: list[tuple[float, float, float, float]] = []

    def look(now: float, engine: Any, *_: object) -> None:
        seen.append(
            (now, float(engine.services.backlog[0, 0]), float(engine.p99_s[0]), float(engine.flows.errors[0]))
        )

    changes = [TimedChange(at_s, change, "world:test") for at_s, change in world]
    return simulate(compile_fleet(fleet(), start=START), (), changes, until_s=until_s, observe=look), seen


def at(seen: list[tuple[float, float, float, float]], time_s: float) -> tuple[float, float, float, float]:
    """The last state settled at or before a time."""
    return [row for row in seen if row[0] <= time_s + 1e-6][-1]


def test_a_surge_fills_the_queue_overflows_and_drains() -> None:
    run, seen = play([(100.0, SURGE), (300.0, END_SURGE)])
    full_s = 100.0 + FULL / (SURGED - CAPACITY)  # after 40 s
    empty_s = 300.0 + FULL / (CAPACITY - RATE)  # 50 s after the surge
    times = [row[0] for row in seen]
    assert min(abs(t - full_s) for t in times) < 1e-6
    assert min(abs(t - empty_s) for t in times) < 1e-6
    assert at(seen, full_s - 1)[3] == 0.0  # nothing fails while there is room
    assert at(seen, full_s)[3] == pytest.approx(SURGED - CAPACITY)
    assert at(seen, 299.0)[1] == pytest.approx(FULL)
    assert at(seen, empty_s)[1] == 0.0
    assert run.errors[0] == pytest.approx((SURGED - CAPACITY) * (300.0 - full_s), rel=1e-9)
    assert run.requests[0] == pytest.approx(RATE * 800.0 + SURGED * 200.0, rel=1e-12)
    # Busy at full power while it is overloaded and until the queue is gone.
    busy_s = empty_s - 100.0
    assert run.it_j[0] == pytest.approx(2000.0 * busy_s + 1600.0 * (1000.0 - busy_s), rel=1e-9)


def test_the_wait_is_the_queue_over_the_capacity() -> None:
    _, seen = play([(100.0, SURGE), (300.0, END_SURGE)])
    sojourn_s = 0.1 * sojourn_p99(10, np.array([0.98]))[0]
    idle_s = 0.1 * sojourn_p99(10, np.array([0.0]))[0]
    half_s = 100.0 + FULL / 2 / (SURGED - CAPACITY)
    time_s, backlog, p99_s, _ = at(seen, half_s)
    assert (time_s, backlog) == (pytest.approx(half_s), pytest.approx(FULL / 2))
    assert p99_s == pytest.approx(sojourn_s + MAX_WAIT_S / 2, rel=1e-4)
    # At the bound nobody waits longer than max_wait.
    assert at(seen, 200.0)[2] == pytest.approx(idle_s + MAX_WAIT_S, rel=1e-4)


def test_a_short_surge_costs_time_and_no_errors() -> None:
    """30 s of surge leave 1500 waiting, which takes 37.5 s to drain."""
    run, seen = play([(100.0, SURGE), (130.0, END_SURGE)])
    assert run.errors[0] == 0.0
    assert at(seen, 130.0)[1] == pytest.approx(1500.0)
    assert any(row[0] == pytest.approx(167.5) and row[1] == 0.0 for row in seen)


def test_every_request_is_served_failed_or_still_waiting() -> None:
    """Also when half of the servers vanish, and with them the time in which the queue could be served."""
    served = 0.0
    last: tuple[float, float] | None = None

    def look(now: float, engine: Any, *_: object) -> None:
        nonlocal served, last
        served += (now - last[0]) * last[1] if last else 0.0
        last = now, float(engine.flows.passed.sum())
        state["waiting"] = float(engine.services.backlog.sum())

    state = {"waiting": 0.0}
    changes = [
        (100.0, SURGE),
        (135.0, Change("failed", "g", 5.0)),
        (200.0, END_SURGE),
        (400.0, Change("state", "rack", -1.0)),
        (420.0, Change("state", "rack", 1.0)),
        (425.0, Change("failed", "g", -5.0)),
    ]
    world = [TimedChange(at_s, change, "world:test") for at_s, change in changes]
    run = simulate(compile_fleet(fleet(), start=START), (), world, until_s=1000.0, observe=look)
    assert last is not None
    served += (1000.0 - last[0]) * last[1]
    assert state["waiting"] == 0.0
    assert run.errors[0] > 0.0
    assert run.requests[0] == pytest.approx(served + run.errors[0], rel=1e-9)


def test_retries_stay_within_their_budget() -> None:
    run, _ = play([(0.0, SURGE)], until_s=400.0)
    assert run.retries[0] == pytest.approx(
        0.1 * SURGED * 360.0, rel=1e-9
    )  # 50 failures/s would be tried twice: 100/s
