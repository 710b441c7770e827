"""Breakers set too low and controllers that fail: what the hazards change, what they refuse, and what comes of it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from scenarios import hazards
from scenarios.hazards.base import Hazard, Setting
from scenarios.world import timeline
from tests.sim.movers.protected import play, trips
from tests.sim.movers.test_capping import panel, surge
from tests.sim.movers.test_shedding import GREEDY, hold, room
from twin.model.change import Change, TimedChange

START = datetime(2026, 11, 21, 0, tzinfo=UTC)
FLEET = panel({})


def world(one: Hazard) -> list[TimedChange]:
    return timeline(one.spells(Setting(FLEET, 3600.0, START, 1, one.kind)), 0.0, 3600.0)


def test_a_pickup_set_too_low_opens_at_a_load_that_is_allowed() -> None:
    """88 kVA at a pickup of 70 kVA are 1.26 times that; without the hazard nothing happens."""
    low = world(hazards.BreakerMisset(units=("p", "p"), share="30 %", at="1 min"))
    assert [(timed.at_s, timed.change) for timed in low] == [(60.0, Change("fault", "p", 0.3, "pickup"))]
    assert low[0].text == "the pickup of p is 30 % too low"
    assert trips(play(FLEET, low, 900.0)) == [(pytest.approx(60.0 + 345.6 * (70 / 88) ** 2), "p")]
    assert trips(play(FLEET, [], 900.0)) == []


@pytest.mark.parametrize("part", ["sensor", "controller"])
def test_capping_that_fails_in_time_is_no_help(part: str) -> None:
    dead = world(hazards.CappingFault(units=("p",), part=part, at="0 s", lasts="40 min"))
    assert [timed.change for timed in dead] == [Change("fault", "p", v, part) for v in (1.0, -1.0)]
    assert len(trips(play(FLEET, [*dead, surge()], 900.0))) == 1
    assert trips(play(FLEET, [surge()], 900.0)) == []


@pytest.mark.parametrize("part", ["sensor", "controller"])
def test_shedding_that_fails_in_time_is_no_help(part: str) -> None:
    fleet, units = room(GREEDY), ("a", "b", "c")
    fault = hazards.SheddingFault(units=units, part=part, at="0 s", lasts="40 min")
    dead = timeline(fault.spells(Setting(fleet, 3600.0, START, 1, fault.kind)), 0.0, 3600.0)
    assert [timed.change for timed in dead] == [
        Change("fault", name, v, f"shedding-{part}") for v in (1.0, -1.0) for name in units
    ]
    assert len(trips(play(fleet, [*dead, hold(100.0, "d")], 900.0))) == 3
    assert trips(play(fleet, [hold(100.0, "d")], 900.0)) == []


def test_units_without_protection_are_nothing_to_strike() -> None:
    for one in (
        hazards.BreakerMisset(units=("q",), share="30 %"),
        hazards.CappingFault(units=("q",)),
        hazards.SheddingFault(units=("q",)),
    ):
        (ill,) = one.check(FLEET)
        assert ill.absent and "'q' has no" in ill.what
    (ill,) = hazards.CappingFault(units=("pp",)).check(FLEET)
    assert not ill.absent and ill.what == "there is no unit 'pp'"
