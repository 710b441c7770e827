"""Counts against rates, first failures against the equilibrium, availability against closed forms."""

import math
from datetime import UTC, datetime

import numpy as np
import pytest

from scenarios.hazards import IndependentFailures
from scenarios.hazards.base import Setting
from scenarios.world import Spell
from tests.scenarios.conftest import small_fleet
from twin.model.fleet import Fleet

START = datetime(2026, 11, 21, tzinfo=UTC)
DAY_S = 86400.0


def spells_of(hazard: IndependentFailures, fleet: Fleet, window_s: float, worlds: int) -> list[list[Spell]]:
    return [hazard.spells(Setting(fleet, window_s, START, seed, hazard.kind)) for seed in range(worlds)]


@pytest.mark.parametrize("shape", [0.7, 1.0, 3.0])
def test_units_fail_once_per_mtbf_whatever_the_shape(shape: float) -> None:
    fleet = small_fleet(mtbf_s=30 * DAY_S)
    hazard = IndependentFailures(of=("unit",), shape=shape, repair="exponential")
    worlds, window_s = 1200, 10 * DAY_S
    counts = np.array([len(spells) for spells in spells_of(hazard, fleet, window_s, worlds)])
    # Four panels; each is down for mttr after each failure, which takes away a little of the time at risk.
    expected = 4 * window_s / (30 * DAY_S)
    lost = expected * (4 * 3600.0) / (30 * DAY_S)
    assert abs(counts.mean() - expected) < 4 * counts.std() / math.sqrt(worlds) + 2 * lost


@pytest.mark.parametrize("shape", [0.7, 1.0, 3.0])
def test_gaps_between_failures_have_the_weibull_mean_and_spread(shape: float) -> None:
    fleet = small_fleet(mtbf_s=DAY_S)
    hazard = IndependentFailures(of=("unit",), shape=shape, repair="exponential")
    spells = [s for world in spells_of(hazard, fleet, 400 * DAY_S, 10) for s in world]
    gaps = np.array(
        [
            b.at_s - (a.at_s + a.lasts_s)
            for a, b in zip(spells, spells[1:], strict=False)
            if a.changes == b.changes and b.at_s > a.at_s
        ]
    )
    variance = math.gamma(1 + 2 / shape) / math.gamma(1 + 1 / shape) ** 2 - 1
    assert abs(gaps.mean() / DAY_S - 1) < 4 * math.sqrt(variance / len(gaps))
    assert gaps.std() / gaps.mean() == pytest.approx(math.sqrt(variance), rel=0.08)


def test_two_state_availability_in_time() -> None:
    """A(t) = m/(l+m) + l/(l+m)·exp(-(l+m)t) for an exponential unit that is up at t = 0."""
    fleet = small_fleet(mtbf_s=DAY_S)
    hazard = IndependentFailures(of=("unit",), repair="exponential")
    fail, mend = 1 / DAY_S, 1 / (4 * 3600.0)
    worlds = spells_of(hazard, fleet, 5 * DAY_S, 900)
    for at_s in (2 * 3600.0, 8 * 3600.0, 4 * DAY_S):
        up = [4 - sum(s.at_s <= at_s < s.at_s + s.lasts_s for s in spells) for spells in worlds]
        expected = mend / (fail + mend) + fail / (fail + mend) * math.exp(-(fail + mend) * at_s)
        assert abs(sum(up) / (4 * len(worlds)) - expected) < 4 * math.sqrt(
            expected * (1 - expected) / (4 * len(worlds))
        )


def test_servers_of_a_group_are_a_machine_repair_process() -> None:
    """Ten servers, each down with probability l/(l+m): the mean number down is that of a binomial."""
    fleet = small_fleet(racks=1, mtbf_s=DAY_S)
    hazard = IndependentFailures(of=("server",), repair="exponential")
    fail, mend, at_s = 1 / DAY_S, 1 / (4 * 3600.0), 4 * DAY_S
    down = np.array(
        [
            sum(s.at_s <= at_s < s.at_s + s.lasts_s for s in spells)
            for spells in spells_of(hazard, fleet, 5 * DAY_S, 400)
        ]
    )
    chance = fail / (fail + mend)
    expected, spread = 20 * chance, math.sqrt(20 * chance * (1 - chance))
    assert abs(down.mean() - expected) < 4 * spread / math.sqrt(len(down))
    assert down.std() == pytest.approx(spread, rel=0.15)


def test_never_more_servers_down_than_there_are() -> None:
    fleet = small_fleet(racks=1, mtbf_s=600.0)
    for spells in spells_of(IndependentFailures(of=("server",)), fleet, DAY_S, 20):
        for name in {s.changes[0].target for s in spells}:
            own = [s for s in spells if s.changes[0].target == name]
            assert max(sum(o.at_s <= s.at_s < o.at_s + o.lasts_s for o in own) for s in own) <= 10


def test_repairs_have_the_mean_of_the_row() -> None:
    fleet = small_fleet(mtbf_s=DAY_S)
    hazard = IndependentFailures(of=("unit",), repair_sigma=1.0)
    lasts_s = np.array([s.lasts_s for world in spells_of(hazard, fleet, 400 * DAY_S, 5) for s in world])
    spread = math.sqrt(math.e - 1)
    assert abs(lasts_s.mean() / (4 * 3600.0) - 1) < 4 * spread / math.sqrt(len(lasts_s))
    assert np.median(lasts_s) == pytest.approx(4 * 3600.0 * math.exp(-0.5), rel=0.1)


def test_scale_multiplies_the_rate() -> None:
    fleet = small_fleet(mtbf_s=365 * DAY_S)
    plain, tenfold = (
        sum(map(len, spells_of(IndependentFailures(of=("server",), scale=scale), fleet, DAY_S, 300)))
        for scale in (1.0, 10.0)
    )
    assert 10 * plain == pytest.approx(tenfold, abs=4 * math.sqrt(100 * plain + tenfold))
