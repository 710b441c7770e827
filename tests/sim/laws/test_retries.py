"""Retries: against counting every attempt, and the fixed points of a service that its own retries keep down."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin.sim.laws.retries import (
    failed_share,
    largest_cured_rate,
    late,
    retried_share,
    retry_rate,
    tries_again,
)

SHARES = st.floats(0, 1)
RETRIES = st.integers(0, 10)
BUDGETS = st.floats(0, 12)
UNLIMITED = 10.0  # ten retries for each first try are more than any service makes


def one(value: float) -> np.ndarray:
    return np.array([float(value)])


@pytest.mark.parametrize("p", [0.0, 0.3, 0.9, 0.999999, 1.0])
@pytest.mark.parametrize("retries", [0, 1, 3, 10])
def test_the_sum_of_the_generations(p: float, retries: int) -> None:
    assert tries_again(one(p), one(retries))[0] == pytest.approx(
        sum(p**i for i in range(1, retries + 1)), rel=1e-5
    )


@pytest.mark.parametrize(("p", "retries"), [(0.2, 2), (0.7, 3), (0.5, 0)])
def test_against_requests_that_try_one_by_one(p: float, retries: int) -> None:
    rng, requests = Random(3), 20_000
    again = failed = 0
    for _ in range(requests):
        for attempt in range(retries + 1):
            again += attempt > 0
            if rng.random() >= p:
                break
        else:
            failed += 1
    expected = failed_share(one(p), one(retries), one(UNLIMITED))[0]
    assert abs(failed / requests - expected) < 4 * np.sqrt(expected * (1 - expected) / requests)
    rate = retry_rate(one(1.0), one(p), one(retries), one(UNLIMITED))[0]
    assert again / requests == pytest.approx(rate, rel=0.05)


@given(p=SHARES, retries=RETRIES, budget=BUDGETS)
def test_every_attempt_fails_or_answers_a_request(p: float, retries: int, budget: float) -> None:
    """(1 + retries per request)(1 - p) = requests answered; no more retries than the budget, and none without failures."""
    again = retry_rate(one(1.0), one(p), one(retries), one(budget))[0]
    failed = failed_share(one(p), one(retries), one(budget))[0]
    assert (1 + again) * (1 - p) == pytest.approx(1 - failed, abs=2e-8)
    assert -1e-12 <= again <= min(budget, retries) + 1e-9
    assert p ** (retries + 1) - 1e-9 <= failed <= p + 1e-12
    assert 0 <= retried_share(one(p), one(retries), one(budget))[0] <= 1


@pytest.mark.parametrize(
    ("rate", "budget", "stays_down"),
    [
        (80, UNLIMITED, True),
        (72, UNLIMITED, True),
        (26, UNLIMITED, True),
        (24, UNLIMITED, False),
        (80, 0.1, False),
    ],
)
def test_a_collapsed_service_is_held_down_by_its_own_retries(
    rate: float, budget: float, *, stays_down: bool
) -> None:
    """Capacity 100, three retries: collapsed, four times the demand arrives; 25 = 100 / (1 + 3) is the edge."""
    arriving = rate + retry_rate(one(rate), one(1.0), one(3), one(budget))[0]
    assert (arriving > 100) == stays_down
    assert (rate > largest_cured_rate(one(100), one(3), one(budget))[0]) == stays_down
    assert (
        rate + retry_rate(one(rate), one(0.0), one(3), one(budget))[0] < 100
    )  # the healthy state is one, too
    assert largest_cured_rate(one(100), one(3), one(UNLIMITED))[0] == 25.0


def test_on_the_edge_the_direction_decides_and_then_the_past() -> None:
    edge, yes, no = one(50.0), np.array([True]), np.array([False])
    assert late(edge, edge, one(+1.0), no)[0]
    assert not late(edge, edge, one(-1.0), yes)[0]
    assert late(edge, edge, one(0.0), yes)[0]
    assert not late(edge, edge, one(0.0), no)[0]
    assert late(one(51.0), edge, one(-1.0), no)[0]
    assert not late(one(49.0), edge, one(+1.0), yes)[0]
