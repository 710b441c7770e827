"""Gates err no more often than they say, with the truth at the limit, skewed data and optional stopping."""

import math

import pytest

from tests.gates import miss_rates as miss

BY_NAME = {case.name: case for case in miss.CASES}
FAST = (
    "P = 2 %",
    "P, +5 pp, paired",
    "q90, change, lognormal 1.5",
    "change, lognormal, sigma 1.5",
    "change, 2 % of worlds 50 x",
    "mean, zero but in 5 %, lognormal",
)
STANDARD_ERRORS = 3.0


def _most(evaluations: int) -> float:
    nominal = miss.NOMINAL
    return float(nominal + STANDARD_ERRORS * math.sqrt(nominal * (1 - nominal) / evaluations))


@pytest.mark.parametrize("name", FAST)
def test_misses_stay_nominal_in_short(name: str) -> None:
    seen = miss.rates(BY_NAME[name], 200)
    assert max(seen.passed, seen.failed) <= _most(200)


def test_an_ordinary_interval_looked_at_repeatedly_does_not_stay_nominal() -> None:
    assert miss.naive_rate(400) > 2 * miss.NOMINAL


def test_an_uncorrected_t_misses_skewed_data(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("twin.gates.mean.SKEWNESS_FACTOR", 0.0)
    assert miss.rates(BY_NAME["mean, lognormal, sigma 1.5"], 200).passed > _most(200)


def test_deciding_before_rare_events_were_seen_misses_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("twin.gates.mean.RARE_SHARE", 0.5)
    assert miss.rates(BY_NAME["mean, 2 % of worlds 50 x"], 200).passed > 0.5


def test_clear_truths_are_decided() -> None:
    for name in ("P = 20 %", "mean, lognormal, sigma 1", "q90, lognormal 1.5"):
        assert miss.rates(BY_NAME[name], 100, factor=0.5).passed > 0.9
        assert miss.rates(BY_NAME[name], 100, factor=2.0).failed > 0.9


@pytest.mark.slow
@pytest.mark.parametrize("case", miss.CASES, ids=lambda case: case.name)
def test_misses_stay_nominal(case: miss.Case) -> None:
    seen = miss.rates(case, 2000)
    assert max(seen.passed, seen.failed) <= _most(2000)


@pytest.mark.slow
@pytest.mark.parametrize("budget", [160, 320, 2560])
@pytest.mark.parametrize("name", ["mean, lognormal, sigma 1.5", "mean, 2 % of worlds 50 x", "change, normal"])
def test_misses_stay_nominal_with_other_budgets(name: str, budget: int) -> None:
    seen = miss.rates(BY_NAME[name], 1000, looks=miss.look_schedule(10, budget))
    assert max(seen.passed, seen.failed) <= _most(1000)
