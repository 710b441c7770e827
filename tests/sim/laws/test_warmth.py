"""Cache warmth: against a cache that is really filled, request by request."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin.sim.laws.lag import relaxed
from twin.sim.laws.warmth import joined, slowdown


def one(value: float) -> np.ndarray:
    return np.array([value])


def test_an_empty_cache_fills_exponentially() -> None:
    """Keys asked for with equal probability: the hit rate of an unbounded cache is 1 - e^{-t/tau}, tau = keys / rate."""
    rng, keys, runs = Random(7), 400, 200
    hits = np.zeros(1200)
    for _ in range(runs):
        known = set()
        for i in range(len(hits)):
            key = rng.randrange(keys)
            hits[i] += key in known
            known.add(key)
    for first in (0, 200, 400, 1000):
        seen = hits[first : first + 50].sum() / (50 * runs)
        expected = np.mean([relaxed(one(0.0), one(1.0), first + i, one(keys))[0] for i in range(50)])
        assert abs(seen - expected) < 4 * np.sqrt(seen * (1 - seen) / (50 * runs)) + 1e-3


def test_half_of_the_hits_missing_costs_half_of_the_difference() -> None:
    assert slowdown(one(0.0), one(3.0))[0] == 3.0
    assert slowdown(one(0.5), one(3.0))[0] == 2.0
    assert slowdown(one(1.0), one(3.0))[0] == 1.0


@pytest.mark.parametrize(
    ("warmth", "before", "now", "expected"),
    [
        (1.0, 4.0, 8.0, 0.5),  # four warm, four new
        (1.0, 8.0, 4.0, 1.0),  # those that stay know what they knew
        (0.6, 0.0, 5.0, 0.0),  # a restart
        (1.0, 5.0, 0.0, 0.0),
        (0.5, 2.0, 2.0, 0.5),
    ],
)
def test_those_that_come_are_cold(warmth: float, before: float, now: float, expected: float) -> None:
    assert joined(one(warmth), one(before), one(now))[0] == pytest.approx(expected)


@given(
    warmth=st.floats(0, 1),
    before=st.integers(1, 1000),
    steps=st.lists(st.integers(0, 50), min_size=1, max_size=6),
)
def test_coming_one_by_one_is_coming_together(warmth: float, before: int, steps: list[int]) -> None:
    apart, count = one(warmth), before
    for step in steps:
        apart, count = joined(apart, one(count), one(count + step)), count + step
    together = joined(one(warmth), one(before), one(count))
    assert apart[0] == pytest.approx(together[0], rel=1e-12)
    assert together[0] * count == pytest.approx(warmth * before)
