"""Cooling plants in a run: what stops them, how long until they cool again, and what a UPS spares them."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.sim.movers.cooled import Watch, fleet, play, state
from twin.model.change import Change, TimedChange
from twin.model.fleet import Fleet

MINUTE = 60.0
SECOND_GRID = {"name": "grid-2", "kind": "utility", "site": "s", "rated_va": 1e9}
SWITCH = {
    "name": "ats",
    "kind": "ats",
    "site": "s",
    "rated_va": 1e9,
    "fed_by": ["grid", "grid-2"],
    "feed_mode": "standby",
}
UPS = {"name": "ups", "kind": "ups", "site": "s", "rated_va": 1e6, "fed_by": ["ats"], "battery_j": 1e9}
CHILLER = {"name": "chiller", "fed_by": ["ats"], "restart_s": 30 * MINUTE}


def plant(*units: dict[str, Any], **chiller: Any) -> Fleet:
    return fleet({"a": 20}, [{**CHILLER, **chiller}], [], units=[SECOND_GRID, SWITCH, *units])


def outages(built: Fleet, world: list[TimedChange], until_s: float = 7200.0) -> list[tuple[float, bool]]:
    """When the chiller stopped and cooled again, by the settled state."""
    watch = Watch(lambda engine: bool(engine.plant_alive[0]))
    play(built, world, until_s, observe=watch)
    return [row for last, row in zip([(0, True), *watch.seen], watch.seen, strict=False) if last[1] != row[1]]


def test_it_cools_again_a_restart_after_power_is_back():
    world = [state(0, "grid-2", -1), state(100, "grid", -1), state(400, "grid", 1)]
    assert outages(plant(), world) == [(100.0, False), (400.0 + 30 * MINUTE, True)]


def test_a_second_loss_begins_the_restart_anew():
    world = [state(0, "grid-2", -1)]
    world += [state(100, "grid", -1), state(400, "grid", 1), state(1000, "grid", -1), state(1300, "grid", 1)]
    assert outages(plant(), world) == [(100.0, False), (1300.0 + 30 * MINUTE, True)]


def test_a_change_of_source_without_a_break_stops_it_too():
    """The first utility fails and the second takes over at once; so does the first when it is back."""
    world = [state(100, "grid", -1)]
    assert outages(plant(), world) == [(100.0, False), (100.0 + 30 * MINUTE, True)]
    back = [*world, state(1000, "grid", 1)]
    assert outages(plant(), back) == [(100.0, False), (1000.0 + 30 * MINUTE, True)]


def test_behind_a_ups_it_sees_no_change_of_source():
    world = [state(100, "grid", -1), state(1000, "grid", 1), state(2000, "grid-2", -1)]
    assert outages(plant(UPS, fed_by=["ups"]), world) == []


def test_two_feeds_at_once_are_no_change_of_source_when_one_stays():
    both = plant(fed_by=["grid", "grid-2"], feed_mode="shared")
    assert outages(both, [state(100, "grid", -1), state(500, "grid", 1)]) == []
    neither = [state(100, "grid", -1), state(500, "grid-2", -1), state(600, "grid", 1)]
    assert outages(both, neither) == [(500.0, False), (600.0 + 30 * MINUTE, True)]


def test_what_tripped_it_must_end_before_it_restarts():
    world = [state(100, "chiller", -1), state(101, "chiller", 1)]
    assert outages(plant(), world) == [(100.0, False), (101.0 + 30 * MINUTE, True)]


def test_a_fault_keeps_it_from_restarting_until_someone_mends_it():
    fault = [TimedChange(0.0, Change("fault", "chiller", 1.0, "restart"), "world:test")]
    world = [*fault, state(100, "grid", -1)]
    assert outages(plant(), world) == [(100.0, False)]
    mended = TimedChange(3000.0, Change("fault", "chiller", -1.0, "restart"), "world:test")
    assert outages(plant(), [*world, mended]) == [(100.0, False), (3000.0 + 30 * MINUTE, True)]


def test_without_a_restart_time_or_without_the_law_it_follows_its_power():
    world = [state(0, "grid-2", -1), state(100, "grid", -1), state(400, "grid", 1)]
    assert outages(plant(restart_s=None), world) == [(100.0, False), (400.0, True)]
    watch = Watch(lambda engine: bool(engine.plant_alive[0]))
    play(plant(), world, 7200.0, observe=watch, without=("plants",))
    assert [alive for at_s, alive in watch.seen if at_s >= 400.0] == [True]


def test_it_says_why_and_how_long():
    watch = Watch()
    play(plant(), [state(100, "grid", -1)], 7200.0, observe=watch)
    assert watch.told == [
        (100.0, "chiller stops: its power comes from grid-2 now; restarts: 30 min"),
        (1900.0, "chiller cools again"),
    ]
    watch = Watch()
    play(
        plant(),
        [state(0, "grid-2", -1), state(100, "grid", -1), state(400, "grid", 1)],
        7200.0,
        observe=watch,
    )
    assert [text for _, text in watch.told] == [
        "chiller stops: it is down",
        "chiller restarts: 30 min",
        "chiller cools again",
    ]


@settings(max_examples=30)
@given(st.lists(st.tuples(st.integers(1, 40), st.sampled_from(["grid", "grid-2"])), max_size=8, unique=True))
def test_it_cools_exactly_when_its_source_has_been_the_same_for_a_restart(flips: list[tuple[int, str]]):
    """Against the definition, minute by minute: the source is the first live one of the two."""
    up = {"grid": True, "grid-2": True}
    world = []
    sources: list[str | None] = ["grid"] * 41
    for minute in range(41):
        for at, name in sorted(flips):
            if at == minute:
                world.append(state(at * MINUTE, name, -1.0 if up[name] else 1.0))
                up[name] = not up[name]
        sources[minute] = next((name for name in ("grid", "grid-2") if up[name]), None)
    restart = 7
    watch = Watch(lambda engine: bool(engine.plant_alive[0]))
    play(plant(restart_s=restart * MINUTE), world, 41 * MINUTE, observe=watch)
    for minute in range(41):
        found = [alive for at_s, alive in watch.seen if at_s <= minute * MINUTE + 1.0][-1]
        recent = set(sources[max(0, minute - restart) : minute + 1])
        expected = sources[minute] is not None and recent == {sources[minute]}
        assert found == expected, (minute, sources)


def test_rest():
    built = plant()
    rests: list[bool] = []
    watch = Watch(lambda engine: rests.append(next(m for m in engine.movers if m.law == "plants").at_rest))
    play(built, [state(100, "grid", -1)], 7200.0, observe=watch)
    # The observer sees each settle before the movers have read it.
    assert rests[0]
    assert rests[-1]
    assert not all(rests)
