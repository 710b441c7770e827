"""Estimators: exact numbers where there are some, independent formulas, and sense at the edges."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from twin.gates.edges import Edge, Pair
from twin.gates.estimators import ESTIMATORS, Assessment, assess, can_ever_pass, impossible, required_runs
from twin.gates.looks import look_schedule
from twin.gates.mean import Mean, upper_bound
from twin.gates.probability import Probability, share_bound
from twin.gates.quantile import Quantile
from twin.model.limits import parse_limit

LOOKS = look_schedule(10, 640)


def _assess(
    name: str, plan: object, limit: str, *, unit: str = "ms", fail: str = "", **more: object
) -> Assessment:
    values = np.asarray(plan, dtype=float)
    reference = more.pop("reference", np.zeros_like(values))
    return assess(
        name,
        values,
        reference,
        pass_limit=parse_limit(limit, unit),
        fail_limit=parse_limit(fail, unit) if fail else None,
        **{"looks": LOOKS, **more},
    )


# --- runs needed -------------------------------------------------------------------------------------------


def test_one_percent_at_95_percent_with_six_looks_takes_477_clean_runs() -> None:
    six = look_schedule(10, 320)
    assert len(six) == 6
    assert required_runs("probability", parse_limit("<= 1 %", "1"), 0.95, six) == 477
    assert required_runs("probability", parse_limit(">= 99 %", "1"), 0.95, six) == 477


@settings(max_examples=25)
@given(st.floats(0.003, 0.5), st.floats(0.6, 0.99))
def test_clean_runs_follow_from_the_binomial(share: float, confidence: float) -> None:
    alpha = (1 - confidence) / len(LOOKS)
    limit = parse_limit(f"<= {100 * share} %", "1")
    expected = math.ceil(math.log(alpha) / math.log1p(-share) - 1e-9)
    assert required_runs("probability", limit, confidence, LOOKS) == expected
    quantile = required_runs("quantile", parse_limit("<= 5", "ms"), confidence, LOOKS, 1 - share)
    assert quantile == pytest.approx(expected, abs=1)


def test_a_mean_waits_for_what_is_rare() -> None:
    assert required_runs("mean", parse_limit("<= 5", "ms"), 0.95, LOOKS) == 160
    assert 0.98**160 < 0.05 * 0.8 <= 0.98**159


def test_what_can_never_pass_is_refused_with_the_budget_that_could() -> None:
    limit, short = parse_limit("<= 1 %", "1"), look_schedule(10, 160)
    assert can_ever_pass("probability", limit, 0.95, LOOKS) is None
    assert can_ever_pass("probability", limit, 0.95, short) == 640
    assert "replications: {max: 640}" in impossible("probability", pass_limit=limit, looks=short)
    assert impossible("probability", pass_limit=limit, looks=LOOKS) == ""


@pytest.mark.parametrize(
    ("name", "limit", "fail", "unit", "complaint"),
    [
        ("probability", "<= 0 %", "", "1", "any number of runs"),
        ("probability", "<= 2", "", "1", "does not bound a probability"),
        ("probability", ">= 0 %", "", "1", "does not bound a probability"),
        ("mean", "none", "", "ms", "needs a limit with a number"),
        ("mean", "<= 5", "> 4", "ms", "must lie beyond"),
        ("mean", "<= 5", "<= 9", "ms", "must lie beyond"),
        ("mean", "<= 5", ">= 5", "ms", "must lie beyond"),
        ("mean", "<= +5 % of reference, floor 1", "> +9 % of reference, floor 0.5", "ms", "must lie beyond"),
        ("mean", "<= +5 % of reference, floor 1", "> 9", "ms", "compare with the same"),
        ("mean", "<= +5 % of reference, floor 1", "> +9 % of reference, floor 1", "ms", ""),
        ("mean", ">= 5", "< 4", "ms", ""),
        ("mean", "<= 5", "> 5", "ms", ""),
    ],
)
def test_senseless_gates_are_named(name: str, limit: str, fail: str, unit: str, complaint: str) -> None:
    said = impossible(
        name,
        pass_limit=parse_limit(limit, unit),
        looks=LOOKS,
        fail_limit=parse_limit(fail, unit) if fail else None,
    )
    assert complaint in said if complaint else said == ""


# --- probability -------------------------------------------------------------------------------------------


@settings(max_examples=50)
@given(st.integers(1, 300), st.data(), st.floats(1e-4, 0.2))
def test_share_bounds_are_clopper_pearson(n: int, data: st.DataObject, alpha: float) -> None:
    hits = data.draw(st.integers(0, n))
    exact = stats.binomtest(hits, n).proportion_ci(1 - 2 * alpha, method="exact")
    assert share_bound(hits, n, alpha, upper=False) == pytest.approx(exact.low, abs=1e-9)
    assert share_bound(hits, n, alpha, upper=True) == pytest.approx(exact.high, abs=1e-9)


def test_between_the_limits_is_a_warning() -> None:
    hits = (np.arange(640) % 29 == 0).astype(float)
    wide = dict(unit="1", fail="> 10 %")
    assert _assess("probability", hits, "<= 1 %", **wide).result == "warn"
    assert _assess("probability", hits, "<= 10 %", unit="1", fail="> 20 %").result == "pass"
    assert _assess("probability", hits, "<= 0.5 %", unit="1", fail="> 1 %").result == "fail"
    assert _assess("probability", hits, "<= 3 %", unit="1", fail="> 4 %").result is None


def test_events_that_hit_both_arms_do_not_count_as_a_change() -> None:
    shared = (np.arange(640) % 3 == 0).astype(float)
    paired = _assess("probability", shared, "<= +3 pp of reference", unit="1", reference=shared)
    shuffled = _assess("probability", shared, "<= +3 pp of reference", unit="1", reference=np.roll(shared, 1))
    assert paired.result == "pass"
    assert paired.estimate.judged == "plan - reference"
    assert paired.pass_bound == pytest.approx(0.03)
    assert shuffled.result is None


def test_the_size_of_an_event_does_not_matter_to_its_probability() -> None:
    hits = (np.arange(160) % 20 == 0).astype(float)
    assert (
        _assess("probability", 17.0 * hits, "<= 2 %", unit="1").estimate
        == _assess("probability", hits, "<= 2 %", unit="1").estimate
    )


# --- quantile ----------------------------------------------------------------------------------------------


@settings(max_examples=50)
@given(st.integers(1, 2000), st.floats(0.02, 0.995), st.floats(1e-3, 0.2))
def test_ranks_cover_the_quantile_and_no_closer_ranks_do(n: int, q: float, alpha: float) -> None:
    pair = Pair(np.arange(1.0, n + 1), np.zeros(n), n)
    upper = Quantile(q).bound(pair, Edge(), alpha, upper=True)
    lower = Quantile(q).bound(pair, Edge(), alpha, upper=False)
    below = stats.binom(n, q)
    if math.isfinite(upper):
        assert below.cdf(upper - 1) >= 1 - alpha - 1e-12
        assert below.cdf(upper - 2) < 1 - alpha + 1e-12
    else:
        assert q**n > alpha - 1e-12
    if math.isfinite(lower):
        assert below.cdf(lower - 1) <= alpha + 1e-12
    else:
        assert (1 - q) ** n >= alpha - 1e-12


def test_quantile_of_a_change_is_judged_world_by_world() -> None:
    reference = np.linspace(10, 1000, 640)
    worse = reference * np.where(np.arange(640) % 100 == 7, 1.5, 1.04)
    gate = "<= +5 % of reference, floor 0.1 ms"
    assert _assess("quantile", worse, gate, reference=reference, quantile=0.9).result == "pass"
    assert _assess("quantile", worse, gate, reference=reference, quantile=0.985).result is None
    assert _assess("quantile", reference * 1.06, gate, reference=reference, quantile=0.9).result == "fail"


# --- mean --------------------------------------------------------------------------------------------------


def test_symmetric_samples_get_student() -> None:
    values = np.concatenate([np.linspace(-1, 1, 321)])
    expected = stats.ttest_1samp(values, 0.0).confidence_interval(0.98).high
    assert upper_bound(values, values.size, 0.01) == pytest.approx(expected, rel=1e-6)


def test_the_bound_solves_halls_cubic() -> None:
    values = np.random.default_rng(3).lognormal(size=200)
    alpha, n = 0.01, 200
    scale = np.std(values, ddof=1) / math.sqrt(n)
    skewness = 2 * np.mean(((values - values.mean()) / np.std(values, ddof=1)) ** 3)
    studentised = (values.mean() - upper_bound(values, n, alpha)) / scale
    cubic = (
        studentised
        + skewness / (3 * math.sqrt(n)) * studentised**2
        + skewness**2 / (27 * n) * studentised**3
        + skewness / (6 * math.sqrt(n))
    )
    assert cubic == pytest.approx(-stats.t.ppf(1 - alpha, n - 1))


def test_skewness_widens_the_tail_side_only() -> None:
    values = np.random.default_rng(4).exponential(size=320)
    student = stats.ttest_1samp(values, 0.0).confidence_interval(0.98)
    assert upper_bound(values, 320, 0.01) > student.high
    assert -upper_bound(-values, 320, 0.01) == pytest.approx(student.low)


@given(st.integers(0, 10_000), st.floats(-50, 50), st.floats(0.01, 100))
def test_the_bound_moves_with_units(seed: int, shift: float, factor: float) -> None:
    values = np.random.default_rng(seed).exponential(size=40)
    moved = upper_bound(shift + factor * values, 40, 0.01)
    assert moved == pytest.approx(shift + factor * upper_bound(values, 40, 0.01), rel=1e-6, abs=1e-6)


def test_ten_equal_runs_decide_nothing_and_160_do() -> None:
    gate = "<= +5 % of reference, floor 0.01 %"
    for n, result in ((10, None), (80, None), (160, "pass")):
        seen = _assess("mean", np.zeros(n), gate, unit="1")
        assert seen.result == result
    early = _assess("mean", np.zeros(10), gate, unit="1")
    assert (early.more_runs, early.smallest_effect) == (150, None)
    assert _assess("mean", np.ones(80), gate, unit="1").result is None
    assert _assess("mean", np.ones(160), gate, unit="1").result == "fail"


def test_a_floor_forgives_a_change_of_nearly_nothing() -> None:
    reference = np.random.default_rng(5).exponential(0.1, 160)
    plan = reference * 1.5
    gate = "<= +10 % of reference, floor "
    assert _assess("mean", plan, gate + "1 ms", reference=reference).result == "pass"
    assert _assess("mean", plan, gate + "0.001 ms", reference=reference).result == "fail"


def test_pairing_sees_through_the_noise_of_the_worlds() -> None:
    rng = np.random.default_rng(6)
    reference = rng.lognormal(3, 0.5, 160)
    plan = reference * 1.02
    gate = "<= +3 % of reference, floor 0.01 ms"
    assert _assess("mean", plan, gate, reference=reference).result == "pass"
    assert _assess("mean", plan, gate, reference=rng.permutation(reference)).result is None


def test_a_claimed_band() -> None:
    rng = np.random.default_rng(7)
    reference = rng.normal(1000, 100, 160)
    band = "-3 % ± 1 % of reference"
    assert _assess("mean", reference * 0.97, band, reference=reference, unit="kWh").result == "pass"
    assert _assess("mean", reference * 0.985, band, reference=reference, unit="kWh").result == "fail"
    assert _assess("mean", reference * 0.95, band, reference=reference, unit="kWh").result == "fail"
    blurred = reference * 0.98 + rng.normal(0, 5, 160)
    assert _assess("mean", blurred, band, reference=reference, unit="kWh").result is None


# --- all of them -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ESTIMATORS)
def test_far_inside_passes_and_far_outside_fails(name: str) -> None:
    low, high = np.zeros(640), np.ones(640)
    assert _assess(name, low, "<= 50 %", unit="1").result == "pass"
    assert _assess(name, high, "<= 50 %", unit="1").result == "fail"
    assert _assess(name, high, ">= 50 %", unit="1").result == "pass"
    assert _assess(name, low, ">= 50 %", unit="1").result == "fail"


@pytest.mark.parametrize("name", ESTIMATORS)
@pytest.mark.parametrize("limit", ["<= 2 %", "<= +1 pp of reference", "<= +5 % of reference, floor 1 %"])
def test_the_interval_holds_the_estimate_and_the_bounds_of_the_metric(name: str, limit: str) -> None:
    rng = np.random.default_rng(8)
    plan, reference = (rng.random((2, 160)) < 0.1).astype(float)
    seen = _assess(name, plan, limit, unit="1", reference=reference, bounds=(0.0, 1.0))
    estimate = seen.estimate
    assert estimate.low <= estimate.value <= estimate.high
    assert estimate.judged != "plan" or (estimate.low >= 0 and estimate.high <= 1)
    assert (estimate.estimator, estimate.n, estimate.confidence) == (name, 160, 0.95)


def test_only_looks_are_judged_and_only_numbers() -> None:
    with pytest.raises(ValueError, match="not one of the looks"):
        _assess("mean", np.zeros(11), "<= 5")
    with pytest.raises(ValueError, match="plan has no finite value in world 3"):
        _assess("mean", [0, 0, 0, math.nan, *[0] * 6], "<= 5")
    with pytest.raises(ValueError, match="rows of the same worlds"):
        _assess("mean", np.zeros(10), "<= 5", reference=np.zeros(20))
    with pytest.raises(ValueError, match="use one of probability, mean, quantile"):
        _assess("median", np.zeros(10), "<= 5")


def test_more_runs_names_a_look_at_which_runs_like_these_decide() -> None:
    hits = (np.arange(160) % 100 == 50).astype(float)
    seen = _assess("probability", hits, "<= 3 %", unit="1", looks=look_schedule(10, 160))
    assert seen.result is None
    total = 160 + (seen.more_runs or 0)
    assert total in look_schedule(10, 10_000)
    again = np.tile(hits, total // 160)
    assert _assess("probability", again, "<= 3 %", unit="1", looks=look_schedule(10, total)).result == "pass"
    shorter = look_schedule(10, total // 2)
    assert _assess("probability", again[: total // 2], "<= 3 %", unit="1", looks=shorter).result is None


@pytest.mark.parametrize("estimator", [Mean(), Probability(), Quantile(0.5)])
def test_more_runs_narrow_the_interval(estimator: Mean | Probability | Quantile) -> None:
    values = (np.random.default_rng(9).random(160) < 0.4).astype(float) * np.linspace(1, 2, 160)
    widths = [
        estimator.bound(Pair(values, values, n), Edge(), 0.01, upper=True)
        - estimator.bound(Pair(values, values, n), Edge(), 0.01, upper=False)
        for n in (160, 640, 2560)
    ]
    assert widths[0] >= widths[1] >= widths[2]
