"""Standby generators in a run: who calls them, when they are ready, how they fail, and what load they take."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sim.movers.supply import GENERATOR, KW, SWITCH, UTILITY, chain, fault, fleet_of, loses, play
from twin.model.change import Change, TimedChange
from twin.model.fleet import Fleet


def paralleled(count: int = 3, needs: int = 2, *, kw: int = 80, **gen: Any) -> Fleet:
    """Return a rack behind a switch with a utility and a board that needs some of several generators."""
    names = [f"g{i}" for i in range(count)]
    gens = [{**GENERATOR, "rated_va": 4e4, **gen, "name": name} for name in names]
    bus = {"name": "bus", "kind": "switchboard", "rated_va": 1e6, "fed_by": names, "needs": needs}
    ats = {**SWITCH, "fed_by": ["util", "bus"], "transfer_s": 0.0, "retransfer_s": 0.0}
    return fleet_of([UTILITY, *gens, bus, ats], {"rack": ["ats"]}, kw=kw)


def test_it_rests_until_called_runs_until_the_load_is_back_and_cools_down() -> None:
    played = play(chain(), loses("util", 100.0, 200.0), 2000.0)
    # Back at 300, re-transfer after 300 s, cool-down of 300 s.
    assert played.changes("gen") == [(0.0, False), (110.0, True), (900.0, False)]
    # The load, and 60 s of it put back over 7200 s.
    assert played.watts_of("gen")[1] == (111.0, pytest.approx(80 * KW * (1 + 60 / 7200)))
    assert played.watts_of("gen")[-1] == (600.0, 0.0)


def test_a_dip_makes_it_run_without_load() -> None:
    played = play(chain(), loses("util", 100.0, 5.0), 2000.0)
    assert played.changes("gen") == [(0.0, False), (110.0, True), (410.0, False)]
    assert max(watts for _, watts in played.watts_of("gen")) == 0.0


def test_called_again_while_it_cools_down_it_is_there_at_once() -> None:
    world = [*loses("util", 100.0, 5.0), *loses("util", 300.0, 100.0)]
    played = play(chain(), world, 3000.0)
    assert played.changes("gen")[1] == (110.0, True)
    assert played.told("ats")[0][0] == 300.0


def test_no_start_no_source() -> None:
    played = play(chain(), [*fault("gen", "start"), *loses("util", 100.0, 500.0)], 1000.0)
    assert played.changes("gen") == [(0.0, False)]
    assert played.lost("rack") == [(pytest.approx(160.0), 600.0)]
    failed = next(h for h in played.run.happenings if h.kind == "standby_failures")
    assert (failed.at_s, failed.text) == (100.0, "gen fails to start")


def test_a_person_mends_it_while_it_is_still_needed() -> None:
    played = play(
        chain(gen={"mttr_s": 400.0}), [*fault("gen", "start"), *loses("util", 100.0, 2000.0)], 2500.0
    )
    assert played.changes("gen")[1] == (510.0, True)
    assert played.lost("rack") == [(pytest.approx(160.0), 511.0)]


def test_it_runs_off_load_until_it_is_accepted_by_hand() -> None:
    """It turns, and nothing takes its voltage for good: the rack lives by the battery, then not, until someone closes."""
    world = [*fault("gen", "load", 0.0, 400.0), *loses("util", 100.0, 1000.0)]
    played = play(chain(), world, 1200.0)
    assert (110.0, "gen runs but takes no load") in [(h.at_s, h.text) for h in played.run.happenings]
    assert played.changes("gen")[1] == (400.0, True)
    assert played.lost("rack") == [(pytest.approx(160.0), 401.0)]


def test_it_fails_while_it_runs() -> None:
    world = [*fault("gen", "run", 500.0, 100.0), *loses("util", 100.0, 1000.0)]
    played = play(chain(), world, 1050.0)
    assert played.changes("gen") == [(0.0, False), (110.0, True), (500.0, False), (610.0, True)]


def test_one_that_is_out_of_service_starts_when_it_is_given_back() -> None:
    """Maintenance from 50 to 400, and again from 500 to 600: each time it has to start anew."""
    world = [*loses("util", 100.0, 2000.0), *loses("gen", 50.0, 350.0), *loses("gen", 500.0, 100.0)]
    played = play(chain(), world, 1000.0)
    assert played.changes("gen") == [(0.0, False), (410.0, True), (500.0, False), (610.0, True)]


def test_one_that_fails_at_rest_is_not_missed_before_it_is_asked() -> None:
    world = [*loses("gen", 50.0, 350.0), *loses("util", 500.0, 100.0)]
    assert play(chain(), world, 700.0).changes("gen") == [(0.0, False), (510.0, True)]


@pytest.mark.parametrize(("life_s", "died"), [(250.0, [360.0]), (350.0, [1655.0]), (500.0, [])])
def test_its_life_counts_only_while_it_runs(life_s: float, died: list[float]) -> None:
    """After a dip it cools down from 110 to 410, and is ready again at 1605: 350 s are up 50 s into the second run."""
    life = TimedChange(0.0, Change("fault", "gen", life_s, "life"), "world:test")
    played = play(chain(), [life, *loses("util", 100.0, 5.0), *loses("util", 1595.0)], 1800.0)
    assert [h.at_s for h in played.run.happenings if "fails while" in h.text] == died


def test_k_of_n_in_parallel_carry_the_board() -> None:
    played = play(paralleled(), [*fault("g1", "start"), *loses("util", 100.0, 500.0)], 590.0)
    assert played.lost("rack") == [(100.0, 110.0)]
    assert played.watts[-1]["g0"] == pytest.approx(40 * KW)
    assert played.watts[-1]["g2"] == pytest.approx(40 * KW)
    two = [*fault("g1", "start"), *fault("g2", "start"), *loses("util", 100.0, 500.0)]
    assert play(paralleled(), two, 1000.0).lost("rack") == [(100.0, 600.0)]


def test_a_step_above_its_block_stalls_it_and_stays_off_load() -> None:
    """80 kVA at once on 2 x 40 kVA is 100 %; on 3 x 40 kVA it is 67 %."""
    world = loses("util", 100.0, 500.0)
    assert play(paralleled(2, 2, block=1.0), world, 590.0).lost("rack") == [(100.0, 110.0)]
    assert play(paralleled(2, 2, block=0.9), world, 590.0).lost("rack") == [(100.0, 590.0)]
    assert play(paralleled(3, 1, block=0.67), world, 590.0).lost("rack") == [(100.0, 110.0)]
    assert play(paralleled(3, 1, block=0.66), world, 590.0).lost("rack") == [(100.0, 590.0)]


def test_the_loss_of_a_set_is_a_step_for_the_others() -> None:
    """60 kVA on three sets of 40 are 50 % each; on two they are 75 %: a step of 25 %."""
    world = [*loses("util", 100.0, 900.0), *fault("g0", "run", 300.0)]
    assert play(paralleled(3, 2, kw=60, block=0.5), world, 900.0).lost("rack") == [(100.0, 110.0)]
    small = play(paralleled(3, 1, kw=60, block=0.5), [*world, *fault("g1", "run", 300.0)], 900.0)
    assert small.lost("rack") == [(100.0, 110.0), (300.0, 900.0)]


def test_load_that_comes_in_stages_is_taken() -> None:
    """Two boards of 40 kVA on one set of 80 that takes 60 %: together they stall it, ten seconds apart they do not."""

    def staged(later_s: float) -> Fleet:
        units = [
            UTILITY,
            {**GENERATOR, "rated_va": 8e4, "block": 0.6},
            {**SWITCH, "transfer_s": 0.0},
            {"name": "b1", "kind": "switchboard", "rated_va": 1e6, "fed_by": ["ats"], "restore_s": 5.0},
            {"name": "b2", "kind": "switchboard", "rated_va": 1e6, "fed_by": ["ats"], "restore_s": later_s},
        ]
        return fleet_of(units, {"r1": ["b1"], "r2": ["b2"]}, kw=40)

    world = loses("util", 100.0, 500.0)
    played = play(staged(15.0), world, 590.0)
    assert (played.lost("r1"), played.lost("r2")) == ([(100.0, 115.0)], [(100.0, 125.0)])
    at_once = play(staged(5.0), world, 590.0)
    assert at_once.lost("r2")[-1][1] == 590.0


def test_blocks_of_one_instant_are_one_block() -> None:
    """Half of the rating comes with the transfer, and the other half when a board closes in the same instant."""
    units = [
        UTILITY,
        {**GENERATOR, "rated_va": 8e4, "block": 0.6},
        {**SWITCH, "transfer_s": 0.0},
        {"name": "b1", "kind": "switchboard", "rated_va": 1e6, "fed_by": ["ats"]},
        {"name": "b2", "kind": "switchboard", "rated_va": 1e6, "fed_by": ["ats"], "restore_s": 0.0},
    ]
    played = play(fleet_of(units, {"r1": ["b1"], "r2": ["b2"]}, kw=40), loses("util", 100.0, 500.0), 590.0)
    assert played.lost("r1") == [(100.0, 590.0)]


def test_a_board_with_utility_and_generator_calls_it_too_and_a_prime_set_runs_from_the_start() -> None:
    board = {"name": "board", "kind": "switchboard", "rated_va": 1e6, "fed_by": ["util", "gen"]}
    played = play(
        fleet_of([UTILITY, GENERATOR, board], {"rack": ["board"]}), loses("util", 100.0, 50.0), 1000.0
    )
    assert played.lost("rack") == [(100.0, 110.0)]
    assert played.changes("gen") == [(0.0, False), (110.0, True), (450.0, False)]
    alone = fleet_of([GENERATOR], {"rack": ["gen"]})
    assert play(alone, [], 100.0).lost("rack") == [(0.0, 10.0)]


def test_without_a_start_time_it_stands_ready() -> None:
    played = play(chain(gen={"start_s": None}, ups={"battery_j": None}), loses("util", 100.0), 200.0)
    assert played.lost("rack") == [(100.0, 101.0)]
