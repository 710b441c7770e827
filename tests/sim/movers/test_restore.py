"""Staged re-energising: what was lost comes back in its order, and waits again when its feed goes again."""

from __future__ import annotations

from tests.sim.movers.supply import UTILITY, fleet_of, loses, play
from twin.model.fleet import Fleet


def staged(*waits_s: float) -> Fleet:
    """Return boards below one utility, each with a rack and the time after which it closes."""
    boards = [
        {"name": f"b{i}", "kind": "switchboard", "rated_va": 1e6, "fed_by": ["util"], "restore_s": wait_s}
        for i, wait_s in enumerate(waits_s)
    ]
    return fleet_of([UTILITY, *boards], {f"r{i}": [f"b{i}"] for i in range(len(waits_s))}, kw=10)


def test_each_board_closes_in_its_own_time() -> None:
    played = play(staged(0.0, 10.0, 25.5), loses("util", 100.0, 50.0), 500.0)
    assert [played.lost(f"r{i}") for i in range(3)] == [[(100.0, end)] for end in (150.0, 160.0, 175.5)]
    assert played.watts_of("util") == [
        (0.0, 30_000.0),
        (100.0, 0.0),
        (150.0, 10_000.0),
        (160.0, 20_000.0),
        (175.5, 30_000.0),
    ]


def test_the_wait_begins_anew_with_every_loss() -> None:
    world = [*loses("util", 100.0, 50.0), *loses("util", 155.0, 5.0)]
    assert play(staged(10.0), world, 500.0).lost("r0") == [(100.0, 170.0)]


def test_its_own_failure_is_not_a_lost_feed() -> None:
    assert play(staged(10.0), loses("b0", 100.0, 50.0), 500.0).lost("r0") == [(100.0, 150.0)]


def test_switched_off_the_law_closes_at_once() -> None:
    played = play(staged(10.0), loses("util", 100.0, 50.0), 500.0, without=("restore",))
    assert played.lost("r0") == [(100.0, 150.0)]
