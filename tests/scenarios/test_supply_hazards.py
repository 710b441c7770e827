"""Faults of what stands by, and sags: how often they strike, what they change, and what they refuse."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from scenarios.hazards import StandbyFaults, UtilitySag
from scenarios.hazards.base import Hazard, Setting
from scenarios.world import Spell, timeline
from tests.sim.movers.supply import GENERATOR, UPS, chain, fleet_of, play
from twin.model.change import Change
from twin.model.fleet import Fleet

START = datetime(2026, 11, 21, tzinfo=UTC)
DAY_S = 86400.0


def worlds(fleet: Fleet, hazard: Hazard, count: int, window_s: float = DAY_S) -> Iterable[list[Spell]]:
    return (hazard.spells(Setting(fleet, window_s, START, seed, hazard.kind)) for seed in range(count))


def share(fleet: Fleet, hazard: Hazard, wanted: Change, count: int = 4000) -> float:
    return float(
        np.mean([any(s.changes == (wanted,) for s in found) for found in worlds(fleet, hazard, count)])
    )


def within(found: float, expected: float, count: int) -> bool:
    """Four standard errors of a share."""
    return abs(found - expected) < 4 * np.sqrt(expected * (1 - expected) / count)


def test_generators_fail_to_start_as_often_as_they_say() -> None:
    fault = Change("fault", "gen", 1.0, "start")
    assert within(share(chain(gen={"start_probability": 0.9}), StandbyFaults(), fault), 0.1, 4000)


def test_batteries_and_switches_fail_with_the_given_probabilities() -> None:
    hazard = StandbyFaults(battery=0.2, transfer=0.05)
    assert within(share(chain(), hazard, Change("fault", "ups", 1.0, "battery")), 0.2, 4000)
    assert within(share(chain(), hazard, Change("fault", "ats", 1.0, "transfer")), 0.05, 4000)


def test_lives_are_exponential() -> None:
    """Of lives with a mean of 10 h, 1 - e^-2.4 end within a day; their median is 10 h · ln 2."""
    fleet = chain(gen={"run_mtbf_s": 36000.0})
    lives = [s.changes[0].value for found in worlds(fleet, StandbyFaults(), 4000) for s in found]
    assert within(len(lives) / 4000, 1 - np.exp(-2.4), 4000)
    assert within(np.mean(np.array(lives) < 36000.0 * np.log(2)) * len(lives) / 4000, 0.5, 4000)


def test_devices_fail_independently_and_the_same_in_both_arms() -> None:
    both = [GENERATOR | {"name": name, "start_probability": 0.5} for name in ("g1", "g2")]
    fleet = fleet_of([*both, {**UPS, "fed_by": ["g1", "g2"]}], {"rack": ["ups"]})
    alone = fleet_of([both[0], {**UPS, "fed_by": ["g1"]}], {"rack": ["ups"]})
    struck = np.array(
        [
            [any(s.changes[0].target == name for s in found) for name in ("g1", "g2")]
            for found in worlds(fleet, StandbyFaults(), 2000)
        ]
    )
    assert abs(np.corrcoef(struck.T)[0, 1]) < 4 / np.sqrt(2000)
    again = [
        any(s.changes[0].target == "g1" for s in found) for found in worlds(alone, StandbyFaults(), 2000)
    ]
    assert again == struck[:, 0].tolist()


def test_availability_of_the_chain_is_that_of_its_generator() -> None:
    """Without utility and with a short battery, the rack lives in the worlds in which the generator starts."""
    fleet = chain(gen={"start_probability": 0.7})
    dark = 0
    for found in worlds(fleet, StandbyFaults(), 60, 1000.0):
        outage = Spell(0.0, 5000.0, (Change("state", "util", -1.0),), "out", "back", "world:test")
        played = play(fleet, timeline([*found, outage], 0.0, 1000.0), 1000.0, narrate=False)
        dark += bool(played.lost("rack"))
    assert within(dark / 60, 0.3, 60)


@pytest.mark.parametrize(
    ("fleet", "hazard", "absent"),
    [
        (chain(), StandbyFaults(), True),
        (chain(), StandbyFaults(transfer=0.1), False),
        (chain(gen={"run_mtbf_s": 1e6}), StandbyFaults(), False),
    ],
)
def test_a_fleet_where_nothing_can_fail_when_asked_has_nothing_to_strike(
    fleet: Fleet, hazard: Hazard, absent: bool
) -> None:
    assert [ill.absent for ill in hazard.check(fleet)] == ([True] if absent else [])


def test_sags_come_as_often_as_they_should_and_do_not_overlap() -> None:
    hazard = UtilitySag(site="s", per_year=365.25 * 24, lasts="2 s")
    counts = []
    for found in worlds(chain(), hazard, 300):
        counts.append(len(found))
        assert all(s.changes == (Change("state", "util", -1.0),) and s.lasts_s == 2.0 for s in found)
        assert all(b.at_s >= a.at_s + 2.0 for a, b in zip(found, found[1:], strict=False))
    expected = DAY_S / 3602.0
    assert abs(np.mean(counts) - expected) < 4 * np.sqrt(expected / 300)


@pytest.mark.parametrize(
    ("site", "units", "what"),
    [
        ("nowhere", [GENERATOR], "there is no site 'nowhere'"),
        ("s", [GENERATOR], "site 's' has no utility"),
    ],
)
def test_sags_need_a_site_with_a_utility(site: str, units: list[dict[str, Any]], what: str) -> None:
    fleet = fleet_of(units, {"rack": ["gen"]})
    assert [ill.what for ill in UtilitySag(site=site, per_year=1.0).check(fleet)] == [what]
