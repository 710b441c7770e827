"""What a gate shows: the change against the reference, on the scale of its limit, beside which the limit stands."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from twin.gates.edges import Edge, Pair
from twin.gates.estimators import Assessment, assess
from twin.gates.looks import look_schedule
from twin.gates.probability import Probability
from twin.model.limits import parse_limit

LOOKS = look_schedule(20, 320)
SHARE = "(plan - reference) / reference"


def seen(name: str, plan: np.ndarray, reference: np.ndarray, limit: str, **more: object) -> Assessment:
    options = {"looks": LOOKS, "quantile": 0.9, **more}
    return assess(name, plan, reference, pass_limit=parse_limit(limit, "ms"), **options)


@pytest.mark.parametrize("name", ["mean", "quantile"])
def test_a_relative_limit_is_shown_as_a_share_of_the_reference(name: str) -> None:
    """Everywhere 3 % more, where 5 % more is allowed: no distance to the limit, which would read as "-2 ms"."""
    reference = np.linspace(80.0, 120.0, 160)
    shown = seen(name, 1.03 * reference, reference, "<= +5 % of reference, floor 1 ms")
    assert (shown.estimate.judged, shown.estimate.unit) == (SHARE, "1")
    ends = (shown.estimate.low, shown.estimate.value, shown.estimate.high)
    assert ends == pytest.approx((0.03, 0.03, 0.03))
    assert shown.pass_bound == pytest.approx(0.05)


@pytest.mark.parametrize("name", ["mean", "quantile"])
def test_where_the_floor_counts_the_change_is_in_the_unit_of_the_metric(name: str) -> None:
    reference = np.linspace(8.0, 12.0, 160)
    shown = seen(name, reference + 0.5, reference, "<= +5 % of reference, floor 1 ms", fail_limit=None)
    assert (shown.estimate.judged, shown.estimate.unit) == ("plan - reference", "")
    assert (shown.estimate.low, shown.estimate.high) == pytest.approx((0.5, 0.5))
    assert shown.pass_bound == pytest.approx(1.0)


@pytest.mark.parametrize("name", ["mean", "quantile"])
def test_a_limit_in_the_unit_of_the_metric_is_shown_in_it(name: str) -> None:
    reference = np.linspace(80.0, 120.0, 160)
    shown = seen(name, reference + 3.0, reference, "<= +5 ms of reference")
    assert (shown.estimate.judged, shown.estimate.value) == ("plan - reference", pytest.approx(3.0))
    assert shown.pass_bound == pytest.approx(5.0)


def test_where_share_and_floor_count_in_different_worlds_small_references_are_taken_as_larger() -> None:
    """5 % and 1 ms meet at 20 ms: 0.5 ms more than 10 ms counts as 2.5 % of 20 ms."""
    reference = np.tile([10.0, 100.0], 80)
    shown = seen(
        "quantile", reference + np.tile([0.5, 1.0], 80), reference, "<= +5 % of reference, floor 1 ms"
    )
    assert shown.estimate.judged == "(plan - reference) / max(reference, 20)"
    assert (shown.estimate.low, shown.estimate.high) == pytest.approx((0.025, 0.025))
    assert shown.pass_bound == pytest.approx(0.05)


LIMITS = (
    "<= +5 % of reference, floor 1 ms",
    "<= -5 % of reference, floor 1 ms",
    ">= -5 % of reference, floor 1 ms",
    "< +5 % of reference, floor 0 ms",
    "<= +2 ms of reference",
)


@given(seed=st.integers(0, 10**6), limit=st.sampled_from(LIMITS), size=st.sampled_from((5.0, 20.0, 200.0)))
def test_what_is_shown_of_a_quantile_is_what_is_decided(seed: int, limit: str, size: float) -> None:
    """Pass: the interval lies inside the limit beside it; fail: outside; else across it."""
    rng = np.random.default_rng(seed)
    reference = size * rng.lognormal(0.0, 0.5, 160)
    plan = reference * (1.0 + rng.normal(rng.uniform(-0.12, 0.12), 0.02, 160))
    shown = seen("quantile", plan, reference, limit)
    assert shown.pass_bound is not None
    low, high = shown.estimate.low - shown.pass_bound, shown.estimate.high - shown.pass_bound
    if limit.startswith(">"):
        low, high = -high, -low
    if max(abs(low), abs(high)) > 1e-9:
        assert shown.result == ("pass" if high <= 0 else "fail" if low > 0 else None)


@given(seed=st.integers(0, 10**6), change=st.floats(-0.2, 0.2))
def test_the_interval_of_a_mean_is_that_of_fieller(seed: int, change: float) -> None:
    """Worlds in mirrored pairs have no skewness, whatever is subtracted: Student's t, and a quadratic for the share."""
    rng = np.random.default_rng(seed)
    away = rng.normal(0.0, 1.0, (2, 80))
    mirrored = np.concatenate([away, -away], axis=1)
    reference = 100.0 + 10.0 * mirrored[0]
    plan = (1.0 + change) * reference + 3.0 * mirrored[1]
    shown = seen("mean", plan, reference, "<= +5 % of reference, floor 1 ms").estimate
    cov = np.cov(plan - reference, reference)
    spread = stats.t.ppf(1.0 - 0.05 / 2, 159) ** 2 / 160  # two of the looks (160, 320) may decide
    over, mean = np.mean(plan - reference), np.mean(reference)
    roots = np.roots(
        [
            mean**2 - spread * cov[1, 1],
            -2.0 * (over * mean - spread * cov[0, 1]),
            over**2 - spread * cov[0, 0],
        ]
    )
    assert (shown.low, shown.high) == pytest.approx(tuple(sorted(roots.real)), rel=1e-6, abs=1e-9)
    assert shown.low <= shown.value <= shown.high


def test_a_share_of_nearly_nothing_has_no_end() -> None:
    """The mean of the reference may be zero: no share can be ruled out; the estimate is still there."""
    rng = np.random.default_rng(5)
    reference = rng.normal(0.5, 30.0, 160)
    shown = seen(
        "mean", reference + rng.normal(0.0, 30.0, 160), reference, "<= +5 % of reference, floor 0 ms"
    ).estimate
    assert np.isfinite(shown.value)
    assert np.isinf(shown.low) or np.isinf(shown.high)


@pytest.mark.parametrize("limit", ["<= +50 % of reference, floor 1 %", "<= +50 % of reference, floor 0 %"])
def test_the_share_of_a_probability(limit: str) -> None:
    reference = (np.arange(320) % 10 == 0).astype(float)
    plan = np.maximum(reference, np.arange(320) % 40 == 5)
    shown = assess("probability", plan, reference, pass_limit=parse_limit(limit, "1"), looks=LOOKS)
    assert shown.estimate.value == pytest.approx(0.25)
    assert shown.estimate.low < 0.25 < shown.estimate.high
    for end, upper in ((shown.estimate.low, False), (shown.estimate.high, True)):
        edge = Edge(((1.0 + end, 0.0),))
        bound = Probability().bound(Pair(plan, reference, 320), edge, 0.05 / len(LOOKS), upper=upper)
        assert bound == pytest.approx(0.0, abs=1e-9)
    assert shown.pass_bound == pytest.approx(0.5)
