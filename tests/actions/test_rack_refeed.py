"""rack.refeed: what it refuses, and that its effect is that of a fleet built so."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from scenarios.fleets.example import example_fleet
from tests.actions.conftest import small_fleet
from tests.actions.test_verbs import changes_of, locks, objections
from twin.actions.base import OpenFeed
from twin.actions.fold import apply, with_entities, with_tables
from twin.actions.schedule import Schedule, resolve
from twin.graph.compile import compile_fleet
from twin.model.change import Change, TimedChange
from twin.model.checks import check_fleet
from twin.model.fleet import Fleet
from twin.model.plan import Plan
from twin.records.run import Run
from twin.sim.run import Simulator

START = datetime(2026, 11, 21, tzinfo=UTC)
DAY_S = 86400.0


def schedule_of(fleet: Fleet, *steps: dict[str, Any]) -> Schedule:
    document = {
        "plan": "p",
        "window": {"not_before": "2026-11-21T00:00Z", "not_after": "2026-11-22T00:00Z"},
        "scope": {"touch": ["site:ams1"]},
        "steps": [{"id": f"s{number}", "do": "rack.refeed@1", **step} for number, step in enumerate(steps)],
    }
    return resolve(Plan.model_validate(document, context={"document": True}), fleet)


def played(fleet: Fleet, plan: tuple[TimedChange, ...] = (), *, lost: str = "") -> Run:
    """Play the third to fifth hour, in the middle of which a unit is lost."""
    world = [TimedChange(4 * 3600.0, Change("state", lost, -1.0), "world:test")] if lost else []
    return Simulator(compile_fleet(fleet, start=START)).run(
        plan, world, start_s=3 * 3600.0, until_s=5 * 3600.0
    )


def assert_same(one: Run, two: Run) -> None:
    for field in dataclasses.fields(Run):
        value = getattr(one, field.name)
        if isinstance(value, (float, np.ndarray)):
            np.testing.assert_allclose(value, getattr(two, field.name), rtol=1e-12, err_msg=field.name)
    assert one.intervals == two.intervals


def built(fleet: Fleet, racks: tuple[str, ...], feeds: tuple[str, ...]) -> Fleet:
    """Return the fleet as if these racks had been built with these feeds."""
    rows = [rack.model_copy(update={"fed_by": feeds}) if rack.name in racks else rack for rack in fleet.racks]
    return with_tables(fleet, racks=tuple(rows))


MOVED = ("ams1-a01", "ams1-a02")
FEEDS = ("ams1-g-panel-a", "ams1-g-panel-b")
STEP = {"params": {"racks": "ams1-a[01-02]", "feeds": list(FEEDS), "batch": 2}}


def test_a_cord_is_open_while_it_moves_and_the_other_carries(fleet: Fleet) -> None:
    fleet = built(fleet, ("ams1-a01",), ("ams1-msb-a", "ams1-msb-b"))
    changes = changes_of(fleet, "rack.refeed@1", racks="ams1-a01", feeds=["ams1-grid", "ams1-msb-b"])
    assert changes == [
        (0.0, "feed", "ams1-a01", "ams1-msb-a", -1.0),
        (1.0, "feed", "ams1-a01", "ams1-grid", 1.0),
    ]


def test_batches_and_cords_follow_each_other() -> None:
    fleet = example_fleet()
    found = changes_of(fleet, "rack.refeed@1", racks="ams1-a[01-02]", feeds=list(FEEDS))
    turns = [(at, target, key) for at, _, target, key, value in found if value > 0]
    assert turns == [
        (0.25, "ams1-a01", FEEDS[0]),
        (0.5, "ams1-a01", FEEDS[1]),
        (0.75, "ams1-a02", FEEDS[0]),
        (1.0, "ams1-a02", FEEDS[1]),
    ]
    given = locks(fleet, "rack.refeed@1", racks="ams1-a[01-02]", feeds=list(FEEDS))
    assert given == ("rack:ams1-a01", "rack:ams1-a02", f"unit:{FEEDS[0]}", f"unit:{FEEDS[1]}")


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"racks": "ams1-a99", "feeds": list(FEEDS)}, [("reference", "racks")]),
        ({"racks": "ams1-a01", "feeds": ["nope", FEEDS[1]]}, [("reference", "feeds")]),
        ({"racks": "ams1-a01", "feeds": [FEEDS[0]]}, [("params", "feeds")]),
        ({"racks": "ams1-a01", "feeds": ["fra1-a-panel-a", "fra1-a-panel-b"]}, [("reference", "feeds")]),
        ({"racks": "ams1-a01", "feeds": ["ams1-a-panel-a", "ams1-a-panel-b"]}, [("conservation", "racks")]),
        ({"racks": "ams1-a01", "feeds": ["ams1-a-panel-b", "ams1-a-panel-a"]}, [("conservation", "feeds")]),
        ({"racks": "ams1-[d-e][01-06]", "feeds": list(FEEDS)}, [("budget", "feeds"), ("budget", "feeds")]),
    ],
)
def test_what_cannot_be_is_refused(params: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    assert objections(example_fleet(), "rack.refeed@1", **params) == expected


@pytest.mark.parametrize("lost", ["", "ams1-out-1", "ams1-g-panel-a", "ams1-a-panel-b"])
def test_the_effect_is_that_of_a_fleet_built_so(lost: str) -> None:
    fleet = example_fleet()
    schedule = schedule_of(fleet, STEP)
    changes = schedule.timeline().changes
    assert changes[-1].at_s <= 3 * 3600.0
    as_built = played(built(fleet, MOVED, FEEDS), lost=lost)
    assert_same(played(schedule.fleet, changes, lost=lost), as_built)
    without = played(fleet, lost=lost)
    assert not np.allclose(without.headroom_min, as_built.headroom_min, rtol=1e-6)


def test_a_feed_that_stands_open_changes_nothing() -> None:
    fleet = example_fleet()
    schedule = schedule_of(fleet, STEP)
    assert schedule.fleet.racks[0].open_feeds == FEEDS
    assert_same(played(schedule.fleet), played(fleet))


def test_while_a_cord_moves_the_other_feed_carries_all() -> None:
    fleet = example_fleet()
    schedule = schedule_of(fleet, STEP)
    first = [change for change in schedule.timeline().changes if change.at_s == 0.0]
    assert {change.change.key for change in first} == {"ams1-a-panel-a"}
    single = built(fleet, MOVED, ("ams1-a-panel-b",))
    assert_same(played(schedule.fleet, tuple(first)), played(single))


def test_rolling_back_gives_the_old_feeds_back() -> None:
    fleet = example_fleet()
    schedule = schedule_of(fleet, STEP)
    back = schedule.timeline("rollback-from:s0").changes
    assert back[-1].at_s <= 2 * schedule.steps[0].duration.mean_s
    shifted = tuple(dataclasses.replace(change, at_s=change.at_s / 2) for change in back)
    assert_same(played(schedule.fleet, shifted), played(fleet))


def test_a_second_refeed_starts_from_the_first_and_one_back_is_no_change() -> None:
    fleet = example_fleet()
    other = {"after": ["s0"], "params": {"racks": "ams1-a01", "feeds": ["ams1-f-panel-a", FEEDS[1]]}}
    home = {"after": ["s1"], "params": {"racks": "ams1-a01", "feeds": ["ams1-a-panel-a", "ams1-a-panel-b"]}}
    schedule = schedule_of(fleet, STEP, other, home)
    rack = apply(schedule.fleet, [change.change for change in schedule.timeline().changes]).things[
        "ams1-a01"
    ][1]
    assert rack.fed_by == ("ams1-a-panel-a", "ams1-a-panel-b") and rack.shares == ()
    assert set(rack.open_feeds) == {*FEEDS, "ams1-f-panel-a"}


def test_folding_gives_the_tables_of_a_fleet_built_so_with_its_shares() -> None:
    fleet = example_fleet()
    uneven = fleet.racks[0].model_copy(update={"shares": (0.7, 0.3)})
    fleet = with_tables(fleet, racks=(uneven, *fleet.racks[1:]))
    schedule = schedule_of(fleet, STEP)
    folded = apply(schedule.fleet, [change.change for change in schedule.timeline().changes])
    assert folded.racks[0].fed_by == FEEDS and folded.racks[0].shares == (0.7, 0.3)
    assert folded.things["ams1-a01"][1] is folded.racks[0]
    assert folded.racks[1].fed_by == FEEDS and folded.racks[1].shares == ()
    wanted = with_tables(built(fleet, MOVED, FEEDS))
    assert_same(played(schedule.fleet, schedule.timeline().changes), played(wanted))


def test_a_single_cord_is_dark_while_it_moves(fleet: Fleet) -> None:
    changes = changes_of(fleet, "rack.refeed@1", racks="ams1-a03", feeds="ams1-msb-b")
    assert [(at, key) for at, _, _, key, _ in changes] == [(0.0, "ams1-msb-a"), (1.0, "ams1-msb-b")]


def test_a_feed_is_laid_once() -> None:
    fleet = small_fleet()
    feed = OpenFeed("ams1-a03", "ams1-msb-b", 1.0)
    twice = with_entities(with_entities(fleet, [feed]), [feed])
    assert twice.things["ams1-a03"][1].open_feeds == ("ams1-msb-b",)
    own = OpenFeed("ams1-a03", "ams1-msb-a", 1.0)
    assert with_entities(fleet, [own]).things["ams1-a03"][1].open_feeds == ()


def test_an_authored_open_feed_is_checked() -> None:
    fleet = example_fleet()
    wrong = fleet.racks[0].model_copy(
        update={"open_feeds": ("ams1-a-panel-a", "fra1-a-panel-a", "nope"), "open_shares": (0.5,)}
    )
    told = [
        (fault.field, fault.what)
        for fault in check_fleet(with_tables(fleet, racks=(wrong, *fleet.racks[1:])))
    ]
    assert ("open_feeds", "'ams1-a-panel-a' is a feed of it already") in told
    assert ("open_shares", "1 shares for 3 open feeds") in told
    assert any(field == "open_feeds" and "fra1" in what for field, what in told)
    assert any(field.startswith("open_feeds") and "nope" in what for field, what in told)
