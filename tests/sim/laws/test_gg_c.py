"""G/G/c: exact where theory is, Sakasegawa's published formula, and a simulated queue elsewhere."""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin.sim import queueing
from twin.sim.laws.gg_c import mean_wait, sojourn, sojourn_p99

SCV = st.floats(0, 8)


def one(value: float) -> np.ndarray:
    return np.array([value])


@pytest.mark.parametrize("cs2", [0.0, 0.3, 1.0, 4.0])
@pytest.mark.parametrize("rho", [0.1, 0.7, 0.95])
def test_one_worker_and_poisson_arrivals_is_pollaczek_and_khinchine(cs2: float, rho: float) -> None:
    assert mean_wait(1, one(rho), 1.0, cs2)[0] == pytest.approx(rho * (1 + cs2) / 2 / (1 - rho), rel=1e-12)


@pytest.mark.parametrize("c", [1, 2, 4, 8, 32])
def test_p99_of_the_markovian_queue_is_within_two_in_a_thousand(c: int) -> None:
    rho = np.linspace(0.0, 0.98, 50)
    assert np.max(np.abs(sojourn_p99(c, rho, 1.0, 1.0) / queueing.sojourn_p99(c, rho) - 1.0)) < 2e-3


@pytest.mark.parametrize(
    ("c", "rho", "off"), [(1, 0.5, 1e-12), (2, 0.7, 0.04), (4, 0.9, 0.02), (8, 0.9, 0.02), (32, 0.95, 0.01)]
)
@pytest.mark.parametrize("scv", [0.5, 1.0, 3.0])
def test_sakasegawas_formula_in_heavy_traffic(c: int, rho: float, off: float, scv: float) -> None:
    published = scv * rho ** (math.sqrt(2 * (c + 1)) - 1) / (c * (1 - rho))
    assert mean_wait(c, one(rho), scv, scv)[0] == pytest.approx(published, rel=off)


@given(
    rho=st.floats(0.01, 0.97),
    more=st.floats(1e-4, 0.02),
    c=st.integers(1, 64),
    ca2=SCV,
    cs2=SCV,
)
def test_more_load_and_more_variability_wait_longer(
    rho: float, more: float, c: int, ca2: float, cs2: float
) -> None:
    wait = mean_wait(c, one(rho), ca2, cs2)[0]
    assert wait <= mean_wait(c, one(rho + more), ca2, cs2)[0]
    assert wait <= mean_wait(c, one(rho), ca2 + 0.1, cs2)[0]
    assert sojourn(c, one(rho), ca2, cs2).mean[0] == pytest.approx(1.0 + wait, rel=1e-12)


Draw = Callable[[Random], float]


def clock(_: Random) -> float:
    return 1.0


def poisson(rng: Random) -> float:
    return rng.expovariate(1.0)


def erlang4(rng: Random) -> float:
    return rng.gammavariate(4.0, 0.25)


def bursts(rng: Random) -> float:
    """Hyperexponential with balanced means, variability 4."""
    p = 0.5 * (1.0 + math.sqrt(3.0 / 5.0))
    return rng.expovariate(2.0 * p) if rng.random() < p else rng.expovariate(2.0 * (1.0 - p))


# The last numbers are what the approximation is allowed to err, of mean wait and of p99: none where it is exact.
QUEUES = [
    (1, 0.8, poisson, 1.0, poisson, 1.0, 0.0, 0.0),
    (1, 0.8, poisson, 1.0, clock, 0.0, 0.0, 0.12),
    (3, 0.8, poisson, 1.0, erlang4, 0.25, 0.06, 0.06),
    (2, 0.85, bursts, 4.0, poisson, 1.0, 0.12, 0.12),
    (4, 0.9, poisson, 1.0, bursts, 4.0, 0.12, 0.12),
    (1, 0.8, erlang4, 0.25, poisson, 1.0, 0.20, 0.12),
]


@pytest.mark.slow
@pytest.mark.parametrize(("c", "rho", "come", "ca2", "serve", "cs2", "off_mean", "off_p99"), QUEUES)
def test_against_a_simulated_queue(
    c: int, rho: float, come: Draw, ca2: float, serve: Draw, cs2: float, off_mean: float, off_p99: float
) -> None:
    """Within the allowed error and four standard errors over independent runs."""
    runs = np.array([simulated(c, rho, come, serve, seed) for seed in range(16)])
    error = 4 * runs.std(axis=0, ddof=1) / math.sqrt(len(runs))
    mean, p99 = runs.mean(axis=0)
    assert abs(mean_wait(c, one(rho), ca2, cs2)[0] - mean) < off_mean * mean + error[0]
    assert abs(sojourn_p99(c, one(rho), ca2, cs2)[0] - p99) < off_p99 * p99 + error[1]


def simulated(c: int, rho: float, come: Draw, serve: Draw, seed: int) -> tuple[float, float]:
    """Mean wait and p99 of the sojourn of one run, first come first served."""
    rng, now, free = Random(seed), 0.0, [0.0] * c
    waits, stays = [], []
    for _ in range(30_000):
        now += come(rng) / (c * rho)
        begin = max(now, heapq.heappop(free))
        service = serve(rng)
        heapq.heappush(free, begin + service)
        waits.append(begin - now)
        stays.append(begin - now + service)
    return float(np.mean(waits[5_000:])), float(np.quantile(stays[5_000:], 0.99))
