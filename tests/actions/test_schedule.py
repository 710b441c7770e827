"""A plan in time: order, waits, failures, variants, draws and states."""

from __future__ import annotations

import pickle
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.actions.conftest import make_plan, small_fleet
from twin.actions.fold import fold
from twin.actions.schedule import Schedule, Timeline, resolve, step_order
from twin.model.errors import PlanRejected, UsageError
from twin.model.fleet import Fleet
from twin.model.plan import Plan

SHIFT = {"service": "web", "from": "ams1", "to": "fra1", "share": "30 %"}


def the_plan(**of_drain: Any) -> Plan:
    """Return the plan of the documentation: shift, drain, wait, give back."""
    return make_plan(
        {"id": "shift", "do": "traffic.shift@1", "at": "0 min", "params": SHIFT},
        {
            "id": "drain", "do": "rack.drain@1", "after": ["shift"], "takes": "20 min",
            "params": {"racks": "ams1-a[01-03]", "batch": 1}, **of_drain,
        },
        {
            "id": "back", "do": "rack.undrain@1", "after": ["drain"], "wait": "90 min", "takes": "10 min",
            "params": {"racks": "ams1-a[01-03]", "batch": 3},
        },
    )  # fmt: skip


@pytest.fixture
def schedule(fleet: Fleet) -> Schedule:
    return resolve(the_plan(), fleet)


def spans(timeline: Timeline) -> list[tuple[str, float, float, str]]:
    return [
        (("-" if run.rollback else "") + run.step, run.start_s, run.end_s, run.outcome)
        for run in timeline.steps
    ]


def left_in_force(timeline: Timeline) -> dict[Any, float]:
    cells = fold(change.change for change in timeline.changes)
    return {cell: value for cell, value in cells.items() if abs(value) > 1e-9}


def test_steps_follow_each_other_with_their_waits(schedule: Schedule) -> None:
    timeline = schedule.timeline()
    assert spans(timeline) == [
        ("shift", 0.0, 300.0, "ok"),
        ("drain", 300.0, 1500.0, "ok"),
        ("back", 6900.0, 7500.0, "ok"),
    ]
    drains = [
        (change.at_s, change.change.target) for change in timeline.changes if change.origin == "plan:drain"
    ]
    assert drains == [(300.0, "ams1-a01"), (700.0, "ams1-a02"), (1100.0, "ams1-a03")]
    assert {change.at_s for change in timeline.changes if change.origin == "plan:back"} == {7500.0}
    assert [change.at_s for change in timeline.changes] == sorted(change.at_s for change in timeline.changes)
    assert timeline.changes[-1].text == "undrain ams1-a[01-03]"


def test_a_step_waits_for_the_last_of_those_before_it(fleet: Fleet) -> None:
    plan = make_plan(
        {
            "id": "end",
            "do": "rack.undrain@1",
            "after": ["a", "b"],
            "wait": "1 min",
            "params": {"racks": "ams1-a01"},
        },
        {"id": "a", "do": "rack.drain@1", "at": "5 min", "takes": "10 min", "params": {"racks": "ams1-a01"}},
        {"id": "b", "do": "rack.drain@1", "takes": "30 min", "params": {"racks": "ams1-a02"}},
    )
    assert [step.id for step in step_order(plan)] == ["b", "a", "end"]
    assert spans(resolve(plan, fleet).timeline())[-1] == ("end", 1860.0, 2160.0, "ok")


def test_a_step_sees_what_the_steps_before_it_leave(fleet: Fleet) -> None:
    half = {**SHIFT, "share": "50 %", "stages": 1}
    plan = make_plan(
        {"id": "second", "do": "traffic.shift@1", "after": ["first"], "params": half},
        {"id": "first", "do": "traffic.shift@1", "params": half},
    )
    changes = resolve(plan, fleet).timeline().changes
    assert [change.change.value for change in changes] == pytest.approx([-0.35, 0.35, -0.175, 0.175])


def test_the_union_fleet_has_the_groups_that_the_plan_makes(fleet: Fleet) -> None:
    add = {"racks": "fra1-a[01-02]", "type": "std", "owner": "ml", "count": 2}
    move = {"from": "ml", "to": "web-pool", "type": "std", "racks": "fra1-a01", "count": 1}
    plan = make_plan(
        {"id": "add", "do": "capacity.add@1", "params": add, "takes": "1 h"},
        {"id": "move", "do": "capacity.move@1", "params": move, "after": ["add"], "takes": "1 h"},
    )
    union = resolve(plan, fleet).fleet
    assert [group.name for group in union.server_groups[len(fleet.server_groups) :]] == [
        "fra1-a01-std-ml",
        "fra1-a02-std-ml",
    ]
    assert all(group.count == 0 for group in union.server_groups[len(fleet.server_groups) :])
    assert union.things["fra1-a01-std-ml"][0] == "server_groups"
    assert union.server_groups[: len(fleet.server_groups)] == fleet.server_groups


def test_variants(schedule: Schedule) -> None:
    assert schedule.variants == (
        "whole",
        "stop-after:shift",
        "stop-after:drain",
        "rollback-from:shift",
        "rollback-from:drain",
        "rollback-from:back",
    )
    with pytest.raises(UsageError, match="did you mean 'stop-after:drain'"):
        schedule.timeline("stop-after:drian")


def test_stopping_starts_nothing_more(schedule: Schedule) -> None:
    timeline = schedule.timeline("stop-after:drain")
    assert spans(timeline)[-1] == ("back", 1500.0, 1500.0, "not started")
    assert {change.origin for change in timeline.changes} == {"plan:shift", "plan:drain"}


def test_rolling_back_undoes_the_last_first(schedule: Schedule) -> None:
    timeline = schedule.timeline("rollback-from:drain")
    assert spans(timeline)[2:] == [
        ("back", 1500.0, 1500.0, "not started"),
        ("-drain", 1500.0, 2700.0, "ok"),
        ("-shift", 2700.0, 3000.0, "ok"),
    ]
    undone = [(round(c.at_s, 6), c.change.target) for c in timeline.changes if c.origin == "rollback:drain"]
    assert undone == [(1900.0, "ams1-a03"), (2300.0, "ams1-a02"), (2700.0, "ams1-a01")]
    assert left_in_force(timeline) == {}


def test_steps_under_way_end_before_the_rollback_begins(fleet: Fleet) -> None:
    plan = make_plan(
        {"id": "short", "do": "rack.drain@1", "takes": "10 min", "params": {"racks": "ams1-a01"}},
        {"id": "long", "do": "rack.drain@1", "takes": "60 min", "params": {"racks": "ams1-a02"}},
    )
    timeline = resolve(plan, fleet).timeline("rollback-from:short")
    assert spans(timeline)[2:] == [("-long", 3600.0, 7200.0, "ok"), ("-short", 7200.0, 7800.0, "ok")]
    assert "stop-after:long" not in resolve(plan, fleet).variants


@given(seed=st.integers(0, 2**63 - 1), which=st.integers(0, 5))
def test_a_rollback_leaves_nothing_in_force_whatever_happens(seed: int, which: int) -> None:
    schedule = resolve(
        the_plan(takes="20 min ± 20 min", may_fail="20 %", may_half_apply="30 %", may_stall="20 %"),
        small_fleet(),
    )
    variant = schedule.variants[which]
    timeline = schedule.timeline(variant, seed=seed)
    if variant.startswith("rollback"):
        assert left_in_force(timeline) == {}
    assert timeline == schedule.timeline(variant, seed=seed)
    times = [change.at_s for change in timeline.changes]
    assert times == sorted(times)
    by_step = {run.step: run for run in timeline.steps if not run.rollback}
    assert all(by_step[c.origin[5:]].start_s <= c.at_s <= by_step[c.origin[5:]].end_s
               for c in timeline.changes if c.origin.startswith("plan:"))  # fmt: skip


@pytest.mark.parametrize(
    ("risk", "outcome", "drained"),
    [("may_fail", "fail", 0), ("may_half_apply", "half", 2), ("may_stall", "stall", 3)],
)
def test_what_goes_wrong(fleet: Fleet, risk: str, outcome: str, drained: int) -> None:
    timeline = resolve(the_plan(**{risk: "100 %"}), fleet).timeline(seed=1)
    run = timeline.steps[1]
    assert run.outcome == outcome
    assert run.end_s == (3900.0 if outcome == "stall" else 1500.0)
    done = [change for change in timeline.changes if change.origin == "plan:drain"]
    assert len(done) == drained
    assert timeline.steps[2].outcome == ("ok" if outcome == "stall" else "not started")


def test_after_a_failure_nothing_that_comes_later_starts(fleet: Fleet) -> None:
    plan = make_plan(
        {
            "id": "bad",
            "do": "rack.drain@1",
            "takes": "10 min",
            "may_fail": "100 %",
            "params": {"racks": "ams1-a01"},
        },
        {
            "id": "early",
            "do": "rack.drain@1",
            "at": "9 min",
            "takes": "10 min",
            "params": {"racks": "ams1-a02"},
        },
        {
            "id": "late",
            "do": "rack.drain@1",
            "at": "11 min",
            "takes": "10 min",
            "params": {"racks": "ams1-a03"},
        },
    )
    outcomes = {run.step: run.outcome for run in resolve(plan, fleet).timeline(seed=0).steps}
    assert outcomes == {"bad": "fail", "early": "ok", "late": "not started"}


def test_nothing_starts_after_the_window(fleet: Fleet) -> None:
    plan = the_plan(may_stall="100 %", stall_factor=12)  # 20 min become four hours
    assert [run.outcome for run in resolve(plan, fleet).timeline(seed=0).steps] == [
        "ok",
        "stall",
        "not started",
    ]


def test_variants_share_their_draws_and_steps_have_their_own(fleet: Fleet) -> None:
    schedule = resolve(the_plan(takes="20 min ± 5 min"), fleet)
    for seed in range(20):
        ends = {
            schedule.timeline(variant, seed=seed).steps[1].end_s
            for variant in schedule.variants
            if "shift" not in variant
        }
        assert len(ends) == 1
    longer = make_plan(
        {"id": "new", "do": "link.drain@1", "takes": "1 h ± 1 h", "params": {"link": "ams1-fra1"}},
        *(step.model_dump(mode="json", by_alias=True, exclude_none=True, context={"document": True}) | {}
          for step in schedule.plan.steps),
    )  # fmt: skip
    before, after = schedule.timeline(seed=7).steps, resolve(longer, fleet).timeline(seed=7).steps
    assert {run.step: run.end_s for run in before}.items() <= {run.step: run.end_s for run in after}.items()


def test_outcomes_and_durations_have_the_stated_distribution(fleet: Fleet) -> None:
    plan = the_plan(takes="20 min ± 5 min", may_fail="20 %", may_half_apply="10 %", may_stall="30 %")
    schedule, n = resolve(plan, fleet), 2000
    runs = [schedule.timeline(seed=seed).steps[1] for seed in range(n)]
    counts = Counter(run.outcome for run in runs)
    for outcome, share in (("fail", 0.2), ("half", 0.1), ("stall", 0.3), ("ok", 0.4)):
        assert abs(counts[outcome] / n - share) < 5 * (share * (1 - share) / n) ** 0.5
    lengths = [run.end_s - run.start_s for run in runs if run.outcome != "stall"]
    assert 900 <= min(lengths) < 920
    assert 1480 < max(lengths) <= 1500
    assert abs(sum(lengths) / len(lengths) - 1200) < 5 * (600 / 12**0.5) / len(lengths) ** 0.5


def test_is_random(fleet: Fleet) -> None:
    assert not resolve(the_plan(), fleet).is_random
    assert resolve(the_plan(takes="20 min ± 5 min"), fleet).is_random
    assert resolve(the_plan(may_stall="1 %"), fleet).is_random
    lasting = {"link": "ams1-fra1", "lasts": "1 h ± 5 min"}
    assert resolve(make_plan({"id": "l", "do": "link.drain@1", "params": lasting}), fleet).is_random


def test_a_schedule_travels_to_other_processes(schedule: Schedule) -> None:
    assert pickle.loads(pickle.dumps(schedule)).timeline(seed=3) == schedule.timeline(seed=3)


def test_touched(schedule: Schedule) -> None:
    assert schedule.touched == ("service:web", "rack:ams1-a01", "rack:ams1-a02", "rack:ams1-a03")


def test_a_plan_that_cannot_be_played_is_refused(fleet: Fleet) -> None:
    for do, params in (("rack.dran@1", {}), ("rack.drain@1", {}), ("rack.drain@1", {"racks": "nix"})):
        with pytest.raises(PlanRejected) as caught:
            resolve(make_plan({"id": "d", "do": do, "params": params}), fleet)
        assert caught.value.exit_code == 14
    with pytest.raises(PlanRejected, match="'x', which is no step"):
        step_order(
            make_plan({"id": "d", "do": "rack.drain@1", "after": ["x"], "params": {"racks": "ams1-a01"}})
        )


def test_states_are_distinct_and_named(schedule: Schedule) -> None:
    states = schedule.timeline().states
    assert [state.label for state in states] == [
        "before", "mid shift", "after shift", "mid drain", "after drain",
    ]  # fmt: skip
    # "after back" is like "after shift": nothing new to lose there.
    assert all(state.from_s <= state.at_s <= state.until_s for state in states)
    assert [(state.from_s, state.until_s) for state in states[3:]] == [(700.0, 1100.0), (1100.0, 7500.0)]
    assert states[0].at_s == -60.0  # the plan starts at once: what is lost before it is lost a minute ahead


def test_states_of_a_rollback(schedule: Schedule) -> None:
    labels = [state.label for state in schedule.timeline("rollback-from:back").states]
    assert labels[:5] == ["before", "mid shift", "after shift", "mid drain", "after drain"]
    stop = schedule.timeline("stop-after:drain").states
    assert (stop[-1].label, stop[-1].until_s) == ("after drain", 14400.0)


def test_states_of_steps_that_run_together(fleet: Fleet) -> None:
    plan = make_plan(
        {"id": "m", "do": "unit.maintain@1", "params": {"unit": "ams1-msb-a", "lasts": "1 h"}},
        {"id": "l", "do": "link.drain@1", "at": "30 min", "params": {"link": "ams1-fra1", "lasts": "1 h"}},
    )
    states = resolve(plan, fleet).timeline().states
    assert [(state.label, state.from_s, state.until_s) for state in states] == [
        ("before", -60.0, 0.0),
        ("mid m", 0.0, 1800.0),
        ("mid m + l", 1800.0, 3600.0),
        ("mid l", 3600.0, 5400.0),
    ]


def two_drains(second: str = "10 min", **of_both: Any) -> Plan:
    return make_plan(
        {"id": "one", "do": "rack.drain@1", "takes": "10 min", "params": {"racks": "ams1-a01"}, **of_both},
        {"id": "two", "do": "rack.drain@1", "takes": second, "params": {"racks": "ams1-a02"}, **of_both},
        {"id": "back", "do": "rack.undrain@1", "after": ["one", "two"], "params": {"racks": "ams1-a[01-02]"}},
    )  # fmt: skip


def test_of_steps_that_end_together_one_variant_is_played(fleet: Fleet) -> None:
    schedule = resolve(two_drains(), fleet)
    assert schedule.variants == ("whole", "stop-after:one", "rollback-from:one", "rollback-from:back")
    left_out = {
        f"{ending}:{name}" for ending in ("stop-after", "rollback-from") for name in ("one", "two", "back")
    }
    worlds = {schedule.timeline(variant).changes for variant in schedule.variants}
    assert len(worlds) == len(schedule.variants)
    assert {schedule.timeline(variant).changes for variant in left_out} <= worlds  # nothing is lost by it


def test_where_chance_has_a_part_steps_that_end_together_are_all_played(fleet: Fleet) -> None:
    schedule = resolve(two_drains(may_fail="10 %"), fleet)
    assert schedule.variants == (
        "whole", "stop-after:one", "stop-after:two", "rollback-from:one", "rollback-from:two", "rollback-from:back",
    )  # fmt: skip
    spread = resolve(two_drains("10 min ± 2 min"), fleet)
    assert "stop-after:two" in spread.variants and "rollback-from:two" in spread.variants


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2)), min_size=1, max_size=6))
def test_the_variants_are_those_that_differ(steps: list[tuple[int, int]]) -> None:
    """Against every variant played: also where steps end together, or take no time and begin where another one ends."""
    racks = [f"{site}-a0{n}" for site in ("ams1", "fra1") for n in (1, 2, 3)]
    rows = [
        {
            "id": f"s{n}", "do": "rack.drain@1", "at": f"{at} h", "takes": f"{hours} h",
            "params": {"racks": racks[n], "batch": 1},
        }
        for n, (at, hours) in enumerate(steps)
    ]  # fmt: skip
    schedule = resolve(make_plan(*rows), small_fleet())
    kept = ["whole"]
    seen = {schedule.timeline().changes}
    for ending in ("stop-after", "rollback-from"):
        for name in (planned.step.id for planned in schedule.steps):
            changes = schedule.timeline(f"{ending}:{name}").changes
            if changes not in seen:
                kept.append(f"{ending}:{name}")
            seen.add(changes)
    assert schedule.variants == tuple(kept)
