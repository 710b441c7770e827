"""Links that flap, and links that keep only part of their capacity."""

from __future__ import annotations

from datetime import UTC, datetime

from scenarios import hazards
from scenarios.hazards.base import Hazard, Setting
from scenarios.world import timeline
from twin.model.change import Change
from twin.model.fleet import Fleet

START = datetime(2026, 11, 21, 0, tzinfo=UTC)
HOUR_S, DAY_S = 3600.0, 86400.0


def played(fleet: Fleet, one: Hazard) -> list[tuple[float, Change]]:
    """The changes of a hazard in one world, in order."""
    spells = one.spells(Setting(fleet, DAY_S, START, 1, one.kind))
    return [(timed.at_s, timed.change) for timed in timeline(spells, 0.0, DAY_S)]


def test_a_link_flaps_as_often_as_it_is_told_and_ends_up(fleet: Fleet) -> None:
    changes = played(fleet, hazards.LinkFlapping(link="sea", times=3, down="2 s", up="10 s", at="1 h"))
    assert [at_s - HOUR_S for at_s, _ in changes] == [0, 2, 12, 14, 24, 26]
    assert [change for _, change in changes] == [
        Change("state", "sea", value) for value in (-1.0, 1.0, -1.0, 1.0, -1.0, 1.0)
    ]


def test_flapping_stops_when_somebody_stops_it(fleet: Fleet) -> None:
    flapping = hazards.LinkFlapping(link="sea", times=100, down="2 s", up="10 s", at="1 h", lasts="24 s")
    assert [at_s - HOUR_S for at_s, _ in played(fleet, flapping)] == [0, 2, 12, 14]


def test_a_link_loses_part_of_its_capacity_and_gets_it_back(fleet: Fleet) -> None:
    changes = played(
        fleet, hazards.CapacityLoss(links=("sea", "sea"), share="25 %", at="1 h", lasts="30 min")
    )
    assert changes == [
        (HOUR_S, Change("bandwidth", "sea", -0.25)),
        (1.5 * HOUR_S, Change("bandwidth", "sea", 0.25)),
    ]


def test_links_that_do_not_exist_are_named(fleet: Fleet) -> None:
    for one in (
        hazards.LinkFlapping(link="see", down="2 s"),
        hazards.CapacityLoss(links=("sea", "see"), share="50 %"),
    ):
        (ill,) = one.check(fleet)
        assert (ill.what, ill.mend) == ("there is no link 'see'", "did you mean 'sea'?")


def test_flapping_at_a_random_time_is_drawn_from_its_own_stream(fleet: Fleet) -> None:
    first = played(fleet, hazards.LinkFlapping(link="sea", times=1))
    assert first == played(fleet, hazards.LinkFlapping(link="sea", times=1))
    assert 0.0 <= first[0][0] < DAY_S
