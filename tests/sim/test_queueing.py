"""M/M/c: closed forms, published Erlang-C values, and a discrete-event queue in plain SimPy."""

from __future__ import annotations

import math
from collections.abc import Generator
from random import Random
from typing import Any

import numpy as np
import pytest
import simpy

from tests.sim.naive_services import sojourn_p99 as naive_p99
from twin.sim.queueing import P99Table, erlang_c, sojourn_p99, sojourn_tail
from twin.sim.services import RHO_STATIONARY


def one(value: float) -> np.ndarray:
    return np.array([value])


@pytest.mark.parametrize("rho", [0.0, 0.3, 0.5, 0.9, 0.999])
def test_one_worker_has_an_exponential_sojourn(rho: float) -> None:
    """M/M/1, FCFS: P(T > t) = e^{-(mu - lambda) t}."""
    for t in (0.0, 0.1, 1.0, 5.0, 40.0):
        assert sojourn_tail(1, one(rho), one(t))[0] == pytest.approx(math.exp(-(1.0 - rho) * t), rel=1e-12)
    assert sojourn_p99(1, one(rho))[0] == pytest.approx(math.log(100.0) / (1.0 - rho), rel=1e-10)


@pytest.mark.parametrize(
    ("c", "load", "waits"),
    [
        # C(1, a) = a; C(2, a) = a² / (2 + a): Gross and Harris, section 2.3, worked by hand.
        (1, 0.7, 0.7),
        (2, 1.0, 1 / 3),
        (2, 1.5, 2.25 / 3.5),
        # C(3, 2) = 4/9: the eye clinic of Gross and Harris (6 patients/h, 3 doctors of 3/h), Lq = 8/9.
        (3, 2.0, 4 / 9),
        (4, 3.0, 27 / 53),
        # As in tables of Erlang C, to five digits.
        (10, 8.0, 0.40918),
        (5, 4.0, 0.55411),
    ],
)
def test_published_waiting_probabilities(c: int, load: float, waits: float) -> None:
    assert erlang_c(c, one(load / c))[0] == pytest.approx(waits, rel=2e-5)


@pytest.mark.parametrize(("c", "rho"), [(2, 0.5), (4, 0.75), (8, 0.875)])
def test_the_tail_has_no_hole_where_waiting_and_service_are_equally_fast(c: int, rho: float) -> None:
    """At c(1 - rho) = 1 the closed form divides by zero; its limit is continuous."""
    assert c * (1 - rho) == 1.0
    near = [sojourn_tail(c, one(rho + d), one(2.0))[0] for d in (-1e-6, 0.0, 1e-6)]
    assert near == pytest.approx([near[1]] * 3, rel=1e-4)


@pytest.mark.parametrize("c", [1, 2, 5, 8, 24])
@pytest.mark.parametrize("rho", [0.1, 0.6, 0.95])
def test_p99_agrees_with_the_textbook_sums(c: int, rho: float) -> None:
    assert sojourn_p99(c, one(rho))[0] == pytest.approx(naive_p99(c, rho), rel=1e-9)


@pytest.mark.parametrize("c", [1, 2, 3, 4, 6, 8, 16, 32, 64])
def test_interpolated_p99_is_within_one_in_ten_thousand(c: int) -> None:
    """On utilisations that are no grid points, up to where the table is used."""
    rho = np.append(np.linspace(0.0, RHO_STATIONARY, 2311), [1e-9, 0.97999])
    table = P99Table(np.array([c]), np.array([0.25]))
    exact = 0.25 * sojourn_p99(c, rho)
    assert np.max(np.abs(table.seconds(rho[None, :])[0] / exact - 1.0)) < 1e-4


@pytest.mark.parametrize(("c", "rho"), [(1, 0.7), (3, 0.8)])
def test_a_simulated_queue_has_that_sojourn(c: int, rho: float) -> None:
    """P(T > t) within four standard errors over independent runs; the runs, not the customers, are independent."""
    times = np.array([0.5, 1.5, 4.0])
    runs = np.array([simulated_tail(c, rho, times, seed) for seed in range(20)])
    expected = np.array([sojourn_tail(c, one(rho), one(t))[0] for t in times])
    error = runs.std(axis=0, ddof=1) / math.sqrt(len(runs))
    assert (error < 0.02).all()
    assert (np.abs(runs.mean(axis=0) - expected) < 4 * error).all()


def simulated_tail(
    c: int, rho: float, times: np.ndarray, seed: int, *, customers: int = 1500, warm_up: int = 200
) -> np.ndarray:
    """Return the shares of customers of a SimPy M/M/c that stay longer than `times` (in mean service times)."""
    env, rng, stays = simpy.Environment(), Random(seed), []
    desk = simpy.Resource(env, capacity=c)

    def customer() -> Generator[simpy.Event, Any, None]:
        came = env.now
        with desk.request() as turn:
            yield turn
            yield env.timeout(rng.expovariate(1.0))
        stays.append((came, env.now - came))

    def door() -> Generator[simpy.Event, Any, None]:
        for _ in range(customers):
            yield env.timeout(rng.expovariate(c * rho))
            env.process(customer())

    env.process(door())
    env.run()
    kept = np.array([stay for _, stay in sorted(stays)[warm_up:]])
    return (kept[:, None] > times).mean(axis=0)
