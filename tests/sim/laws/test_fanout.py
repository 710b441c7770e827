"""Fan-out: closed forms of maxima and sums, published numbers, and Monte Carlo."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin.sim.laws.cumulants import Cumulants
from twin.sim.laws.fanout import all_at_once, one_after_the_other, slow_share

FIRST = np.array([0])
MEANS = st.floats(1e-3, 1e2)


def exponential(*means: float) -> Cumulants:
    mean = np.array(means)
    return Cumulants(mean, mean**2, 2.0 * mean**3)


def test_sixty_three_percent_of_requests_are_slow() -> None:
    """Dean and Barroso 2013: 100 servers, each slow once in a hundred requests."""
    assert slow_share(np.array([0.01]), np.array([100]))[0] == pytest.approx(0.634, abs=5e-4)
    assert slow_share(np.array([1e-4]), np.array([2000]))[0] == pytest.approx(0.181, abs=1e-3)


@pytest.mark.parametrize("n", [1, 2, 10, 100, 10_000])
def test_the_largest_of_exponential_times(n: int) -> None:
    """Rényi: mean Σ1/i, variance Σ1/i², third cumulant 2Σ1/i³, all exact; p99 = -ln(1 - 0.99^(1/n)) within 0.4 %."""
    found = all_at_once(exponential(1.0), np.array([float(n)]), FIRST)
    i = np.arange(1, n + 1)
    assert found.mean[0] == pytest.approx((1 / i).sum(), rel=1e-3)
    assert found.variance[0] == pytest.approx((1 / i**2).sum(), rel=4e-3)
    assert found.third[0] == pytest.approx(2 * (1 / i**3).sum(), rel=2e-2)
    assert found.quantile(0.99)[0] == pytest.approx(-math.log(-math.expm1(math.log(0.99) / n)), rel=4e-3)


@pytest.mark.parametrize("n", [1, 2, 5, 40])
def test_exponential_times_in_turn_are_erlang(n: int) -> None:
    found = one_after_the_other(exponential(0.5), np.array([float(n)]), FIRST).quantile(0.99)[0]
    late = math.exp(-2 * found) * sum((2 * found) ** k / math.factorial(k) for k in range(n))
    assert late == pytest.approx(0.01, rel=1e-9)


def test_a_time_that_does_not_vary_stays_itself() -> None:
    fixed = Cumulants(np.array([0.3]), np.zeros(1), np.zeros(1))
    assert all_at_once(fixed, np.array([7.0]), FIRST).mean[0] == pytest.approx(0.3, rel=1e-4)
    assert one_after_the_other(fixed, np.array([7.0]), FIRST).quantile(0.99)[0] == pytest.approx(
        2.1, rel=1e-4
    )


CALLS = [
    ((0.1, 1.0), (5.0, 3.0)),
    ((0.01, 0.3, 1.0), (100.0, 20.0, 1.0)),
    ((1.0,), (2.4,)),
    ((0.2, 0.1), (0.3, 6.5)),
]


@pytest.mark.parametrize(("means", "calls"), CALLS)
@pytest.mark.parametrize("parallel", [False, True])
def test_against_monte_carlo(means: tuple[float, ...], calls: tuple[float, ...], *, parallel: bool) -> None:
    """Caller's own exponential time and all its calls: p99 within 1.5 % and four standard errors."""
    rng, runs, size = np.random.default_rng(5), 40, 5_000
    seen = []
    for _ in range(runs):
        parts = [draw(rng, m, n, size) for m, n in zip(means, calls, strict=True)]
        together = np.concatenate(parts, axis=1)
        spent = together.max(axis=1) if parallel else together.sum(axis=1)
        seen.append(np.quantile(spent + rng.exponential(0.2, size), 0.99))
    error = 4 * np.std(seen, ddof=1) / math.sqrt(runs)
    combine = all_at_once if parallel else one_after_the_other
    found = combine(exponential(*means), np.array(calls), FIRST).plus(exponential(0.2)).quantile(0.99)[0]
    assert abs(found - np.mean(seen)) < 0.015 * found + error


def draw(rng: np.random.Generator, mean: float, calls: float, size: int) -> np.ndarray:
    """Times of the calls of `size` requests, one column for each call; zero where the last is not made."""
    whole = math.ceil(calls)
    times = rng.exponential(mean, (size, whole))
    times[:, -1] *= rng.random(size) < calls - math.floor(calls) if calls % 1 else 1.0
    return times


@given(
    means=st.lists(MEANS, min_size=1, max_size=4), calls=st.lists(st.floats(0.1, 50), min_size=4, max_size=4)
)
def test_at_once_is_never_slower_than_in_turn_and_never_faster_than_one_call(
    means: list[float], calls: list[float]
) -> None:
    edges, counts = exponential(*means), np.array(calls[: len(means)])
    together = all_at_once(edges, counts, FIRST)
    assert together.mean[0] <= one_after_the_other(edges, counts, FIRST).mean[0] * (1 + 1e-3)
    made = counts >= 1
    if made.any():
        assert together.quantile(0.99)[0] >= 0.99 * edges.quantile(0.99)[made].max()


@given(means=st.lists(MEANS, min_size=4, max_size=4))
def test_callers_do_not_mix(means: list[float]) -> None:
    edges, calls = exponential(*means), np.array([1.0, 2.0, 3.0, 0.5])
    for combine in (all_at_once, one_after_the_other):
        both = combine(edges, calls, np.array([0, 3]))
        assert both.mean[0] == pytest.approx(
            combine(exponential(*means[:3]), calls[:3], FIRST).mean[0], rel=1e-12
        )
        assert both.mean[1] == pytest.approx(
            combine(exponential(*means[3:]), calls[3:], FIRST).mean[0], rel=1e-12
        )
