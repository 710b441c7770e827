"""Transfer switches in a run: what breaks for how long, what is preferred, what sticks."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sim.movers.supply import UTILITY, Played, fault, fleet_of, loses, play, spell
from twin.model.change import Change, TimedChange
from twin.model.fleet import Fleet


def switched(sources: int = 2, **switch: Any) -> Fleet:
    """Return a rack behind a switch with some utilities, u0 preferred."""
    units = [{**UTILITY, "name": f"u{i}"} for i in range(sources)]
    ats = {
        "name": "ats",
        "kind": "ats",
        "rated_va": 1e6,
        "fed_by": [f"u{i}" for i in range(sources)],
        "feed_mode": "standby",
    }
    return fleet_of([*units, {**ats, "transfer_s": 2.0, "retransfer_s": 60.0, **switch}], {"rack": ["ats"]})


def carriers(played: Played, sources: int = 2) -> list[tuple[float, str]]:
    """Which source carries the load, from when on ("": none)."""
    found: list[tuple[float, str]] = []
    for at_s, watts in zip(played.times, played.watts, strict=True):
        now = "".join(f"u{i}" for i in range(sources) if watts[f"u{i}"] > 0)
        if not found or found[-1][1] != now:
            found.append((at_s, now))
    return found


def test_break_before_make_there_and_back() -> None:
    played = play(switched(), loses("u0", 100.0, 50.0), 500.0)
    assert carriers(played) == [(0.0, "u0"), (100.0, ""), (102.0, "u1"), (210.0, ""), (212.0, "u0")]
    assert played.lost("rack") == [(100.0, 102.0), (210.0, 212.0)]


@pytest.mark.parametrize(("transfer_s", "dark"), [(0.004, []), (0.02, []), (0.021, [(100.0, 100.021)])])
def test_a_break_below_20_ms_is_none(transfer_s: float, dark: list[tuple[float, float]]) -> None:
    played = play(switched(kind="sts", transfer_s=transfer_s), loses("u0", 100.0), 500.0)
    assert played.lost("rack") == [(a, pytest.approx(b)) for a, b in dark]
    assert carriers(played)[-1][1] == "u1"


def test_a_static_switch_without_any_source_drops_its_load_and_takes_the_first_that_is_back() -> None:
    world = [*loses("u0", 100.0, 50.0), *loses("u1", 90.0, 30.0)]
    played = play(switched(kind="sts", transfer_s=0.004), world, 500.0)
    assert played.lost("rack") == [(100.0, 120.0)]
    assert carriers(played) == [(0.0, "u0"), (100.0, ""), (120.0, "u1"), (210.0, "u0")]
    same = play(switched(kind="sts", transfer_s=0.004), [*loses("u0", 100.0, 5.0), *loses("u1", 90.0)], 500.0)
    assert same.lost("rack") == [(100.0, 105.0)]


def test_the_preferred_source_must_stay_back() -> None:
    """It comes back for 40 s, 59 s and for good; only the last makes the switch return."""
    world = [*loses("u0", 10.0, 10.0), *loses("u0", 60.0, 10.0), *loses("u0", 129.0, 10.0)]
    played = play(switched(), world, 500.0)
    assert carriers(played) == [(0.0, "u0"), (10.0, ""), (12.0, "u1"), (199.0, ""), (201.0, "u0")]


def test_losing_the_second_source_while_the_first_is_back_transfers_at_once() -> None:
    world = [*loses("u0", 10.0, 10.0), *loses("u1", 30.0)]
    assert carriers(play(switched(), world, 500.0))[2:] == [(12.0, "u1"), (30.0, ""), (32.0, "u0")]


def test_a_source_that_dies_while_the_switch_moves_is_passed_over() -> None:
    world = [*loses("u0", 10.0), *loses("u1", 11.0)]
    played = play(switched(3), world, 500.0)
    assert carriers(played, 3) == [(0.0, "u0"), (10.0, ""), (12.0, "u2")]


def test_a_better_source_that_comes_back_later_begins_the_wait_anew() -> None:
    """On u2 since both others went; u1 is back at 40, u0 at 70: it goes to u0 at 130, and not at 100."""
    world = [*loses("u0", 10.0, 60.0), *loses("u1", 10.0, 30.0)]
    found = carriers(play(switched(3), world, 500.0), 3)
    assert found == [(0.0, "u0"), (10.0, ""), (12.0, "u2"), (130.0, ""), (132.0, "u0")]


def test_with_nothing_to_transfer_to_it_stays_where_it_is() -> None:
    played = play(switched(), [*loses("u0", 10.0, 10.0), *loses("u1", 5.0, 50.0)], 500.0)
    assert played.lost("rack") == [(10.0, 20.0)]
    assert played.told("ats") == []


def test_a_switch_that_fails_stays_open_until_a_person_closes_it() -> None:
    world = [*fault("ats", "transfer"), *loses("u0", 100.0, 1.0)]
    played = play(switched(mttr_s=1000.0), world, 3000.0)
    assert played.lost("rack") == [(100.0, 1100.0)]
    assert carriers(played)[-1] == (1100.0, "u0")
    assert [h.at_s for h in played.run.happenings if h.kind == "standby_failures"] == [100.0]
    sooner = play(
        switched(mttr_s=1000.0), [*fault("ats", "transfer", 0.0, 300.0), *loses("u0", 100.0)], 3000.0
    )
    assert sooner.lost("rack") == [(100.0, 300.0)]


def test_a_static_switch_can_fail_too() -> None:
    world = [*fault("ats", "transfer", 0.0, 300.0), *loses("u0", 100.0)]
    assert play(switched(kind="sts", transfer_s=0.004), world, 400.0).lost("rack") == [(100.0, 300.0)]


def test_a_feed_that_is_taken_out_by_hand_is_not_a_dead_source() -> None:
    """A plan that opens the feed it stands on takes its load away: the source lives, so the switch stays."""
    opened = spell(Change("feed", "ats", -1.0, "u0"), 100.0, 50.0)
    assert play(switched(), opened, 500.0).lost("rack") == [(100.0, 150.0)]


def test_switched_off_the_law_transfers_at_once() -> None:
    played = play(switched(), loses("u0", 100.0, 50.0), 500.0, without=("transfers",))
    assert played.lost("rack") == []
    assert carriers(played) == [(0.0, "u0"), (100.0, "u1"), (150.0, "u0")]


def test_an_unknown_feed_is_refused() -> None:
    with pytest.raises(KeyError, match="does not feed"):
        play(switched(), [TimedChange(1.0, Change("feed", "u0", -1.0, "u1"), "world:test")], 2.0)
