"""Queueing delay of a link against the stationary distribution, its limits, and queues played packet by packet."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin.sim.laws.link_delay import PACKET_BITS, queueing_delay

PACKET_S = 1e-3
CAPACITY = np.array([PACKET_BITS / PACKET_S])


def wait_s(rho: float, places: int) -> float:
    """The law, for a link that takes a millisecond a packet and holds `places` with the one that it sends."""
    return float(queueing_delay(np.array([rho]), CAPACITY, buffer_s=np.array([(places - 1) * PACKET_S]))[0])


def balance_s(rho: float, places: int) -> float:
    """The same from the balance equations of the states: p[n] ~ rho^n; who arrives and finds n waits for n."""
    weight = [rho ** (n if rho <= 1 else n - places) for n in range(places + 1)]
    entering = weight[:places]
    return PACKET_S * sum(n * w for n, w in enumerate(entering)) / sum(entering)


@given(rho=st.one_of(st.floats(1e-6, 3.0), st.floats(0.9999, 1.0001)), places=st.integers(1, 400))
def test_the_wait_is_that_of_the_stationary_distribution(rho: float, places: int) -> None:
    assert wait_s(rho, places) == pytest.approx(balance_s(rho, places), rel=1e-6, abs=1e-9 * PACKET_S)


def test_limits() -> None:
    """Nothing waits on an empty link; M/M/1 with a large buffer; half the places at a load of 1; all of them far above it."""
    assert wait_s(0.0, 50) == 0.0
    assert wait_s(0.8, 100_000) == pytest.approx(PACKET_S * 0.8 / 0.2, rel=1e-9)
    assert wait_s(1.0, 41) == pytest.approx(PACKET_S * 20.0, rel=1e-9)
    assert wait_s(1e9, 41) == pytest.approx(PACKET_S * 40.0, rel=1e-6)


@given(a=st.floats(0.0, 5.0), b=st.floats(0.0, 5.0), buffer_s=st.floats(1e-7, 1.0))
def test_more_load_waits_longer_and_never_longer_than_the_buffer(a: float, b: float, buffer_s: float) -> None:
    low, high = sorted([a, b])
    waits = queueing_delay(np.array([low, high]), np.full(2, 1e11), buffer_s=np.full(2, buffer_s))
    assert 0.0 <= waits[0] <= waits[1] * (1 + 1e-6) + 1e-12 and waits[1] <= buffer_s


@pytest.mark.parametrize("rho", [0.6, 0.95, 1.3])
def test_packets_one_by_one_wait_as_long(rho: float) -> None:
    """Poisson arrivals, exponential sizes, first come first served, 12 places, 80 000 packets: within 5 %."""
    rng, places = Random(7), 12
    now, leaving, waits = 0.0, list[float](), list[float]()
    for _ in range(80_000):
        now += rng.expovariate(rho / PACKET_S)
        while leaving and leaving[0] <= now:
            leaving.pop(0)
        if len(leaving) < places:
            start = max(now, leaving[-1] if leaving else now)
            waits.append(start - now)
            leaving.append(start + rng.expovariate(1.0 / PACKET_S))
    assert sum(waits) / len(waits) == pytest.approx(wait_s(rho, places), rel=0.05)
