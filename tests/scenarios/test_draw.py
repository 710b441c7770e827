"""Worlds: common random numbers, enumeration, the states of a plan."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scenarios import hazards, suite, suite_names
from scenarios.draw import draw, enumerates, is_random
from scenarios.hazards.base import Hazard
from scenarios.profiles import peak_s
from scenarios.world import World
from tests.scenarios.conftest import small_fleet
from twin.model.fleet import Fleet
from twin.model.scenario import Scenario

START = datetime(2026, 11, 21, 1, tzinfo=UTC)
DAY_S = 86400.0
STATES = (("before the plan", 0.0), ("after drain", 3600.0))


def scenario(*parts: Hazard) -> Scenario:
    return Scenario(scenario="test", hazards=tuple(part.spec() for part in parts))


def worlds(fleet: Fleet, *parts: Hazard, seed: int = 1, replication: int = 0) -> tuple[World, ...]:
    return draw(
        scenario(*parts),
        fleet,
        window_s=DAY_S,
        start=START,
        seed=seed,
        replication=replication,
        states=STATES,
    )


@settings(max_examples=30)
@given(seed=st.integers(0, 2**31), racks=st.integers(1, 6), more=st.integers(1, 5))
def test_adding_racks_changes_no_other_things_failures(seed: int, racks: int, more: int) -> None:
    shocks = (
        hazards.IndependentFailures(scale=3.0),
        hazards.CommonCause(things=("ams1-panel-a", "ams1-r01"), probability=0.5, lasts_s=60.0),
    )
    before, after = small_fleet(racks), small_fleet(racks + more)
    (one,), (other,) = worlds(before, *shocks, seed=seed), worlds(after, *shocks, seed=seed)
    assert one.changes == tuple(timed for timed in other.changes if timed.change.target in before.things)


def test_replications_and_seeds_differ_and_repeat(fleet: Fleet) -> None:
    failures = hazards.IndependentFailures(scale=10.0)
    drawn = [
        worlds(fleet, failures, seed=seed, replication=replication)[0].changes
        for seed in (1, 2)
        for replication in (0, 1)
    ]
    assert len(set(drawn)) == 4
    assert worlds(fleet, failures, seed=2, replication=1)[0].changes == drawn[3]


def test_two_hazards_of_a_kind_do_not_share_draws(fleet: Fleet) -> None:
    shock = hazards.BadConfig(share=0.1, lasts_s=60.0)
    (world,) = worlds(fleet, shock, shock)
    assert len({timed.at_s for timed in world.changes if timed.change.value > 0}) == 2


def test_changes_are_sorted_and_inside_the_window(fleet: Fleet) -> None:
    (world,) = worlds(fleet, hazards.IndependentFailures(scale=50.0), hazards.RepairCrews(crews=1))
    times = [timed.at_s for timed in world.changes]
    assert len(times) > 50
    assert times == sorted(times)
    assert times[0] >= 0.0
    assert times[-1] < DAY_S


def test_single_losses_are_complete_over_things_and_states_and_peak(fleet: Fleet) -> None:
    members = worlds(fleet, hazards.SingleLosses(kind=("panel", "link")))
    labels = {world.member for world in members}
    assert len(labels) == len(members) == (4 + 3) * 3
    assert {"panel ams1-panel-a lost after drain", "link sea lost at peak"} <= labels
    for world in members:
        assert not world.random
        assert world.until_s - world.start_s == 900.0
        (lost,) = world.changes
        assert (lost.at_s, lost.change.value) == (world.start_s, -1.0)


def test_single_losses_keep_to_sites(fleet: Fleet) -> None:
    lost = {
        timed.change.target
        for world in worlds(fleet, hazards.SingleLosses(kind=("panel", "link"), sites=("iad1",)))
        for timed in world.changes
    }
    assert lost == {"iad1-panel-a", "iad1-panel-b", "iad1-up", "sea"}


def test_other_hazards_go_on_during_an_enumerated_loss(fleet: Fleet) -> None:
    members = worlds(
        fleet, hazards.DemandSurge(factor=2.0, at="30 min", lasts="2 h"), hazards.SingleLosses(kind="panel")
    )
    surged = {world.member: [t for t in world.changes if t.change.kind == "demand"] for world in members}
    assert [t.at_s for t in surged["panel ams1-panel-a lost after drain"]] == [3600.0]
    assert surged["panel ams1-panel-a lost at peak"] == []


def test_peak_is_the_hour_of_highest_demand(fleet: Fleet) -> None:
    assert peak_s(fleet, START, DAY_S) == 13 * 3600.0
    assert peak_s(fleet, START, 3600.0) == 0.0


def test_calm_is_one_world_in_which_nothing_happens(fleet: Fleet) -> None:
    (world,) = worlds(fleet)
    assert world == World("test", 0, world.seed, (), 0.0, DAY_S)


@pytest.mark.parametrize("name", suite_names())
def test_built_in_scenarios_are_random_or_enumerate_never_both(name: str) -> None:
    for one in suite(name).scenarios:
        assert not (is_random(one) and enumerates(one))
