"""In which worlds a plan is tried: variants, single losses, the lost control plane, seeds, and what was left out."""

from __future__ import annotations

import pytest

from scenarios.draw import draw
from tests.evaluate.tiny import CALM, WINDOW, drain_plan, gate_set, suite_of, tiny_fleet, verdict_of
from twin.actions.states import BEFORE_S
from twin.evaluate import check, simulate
from twin.evaluate.bench import set_up
from twin.evaluate.play import worlds_of
from twin.evaluate.replay import play_again
from twin.model.fleet import Fleet
from twin.model.plan import Plan
from twin.model.scenario import Scenario
from twin.records.verdict import Verdict

ERRORS = {"id": "errors", "metric": "error_rate", "pass": "<= 0.1 %"}
N_1 = {
    "scenario": "n-1",
    "hazards": [{"kind": "single-losses", "params": {"kind": ["panel", "rack"], "horizon": "15 min"}}],
}
FAILURES = {
    "scenario": "failures",
    "hazards": [{"kind": "independent-failures", "params": {"scale": 1000.0}}],
}
BREAKABLE = {"mtbf_s": 1e7, "mttr_s": 3600.0}


def rows(verdict: Verdict, gate: str = "errors") -> dict[str, str]:
    return {row.variant: row.result for row in verdict[gate].rows}


def two_steps() -> Plan:
    """Drain r1, then give it back and only then drain r2: never two at once, unless one stops or rolls back wrongly."""

    def step(name: str, do: str, racks: str, *after: str) -> dict[str, object]:
        start = {"after": list(after)} if after else {"at": "0 min"}
        return {"id": name, "do": f"rack.{do}@1", "params": {"racks": racks}, "takes": "5 min", **start}

    steps = [
        step("one", "drain", "r1"),
        step("back", "undrain", "r1", "one"),
        step("two", "drain", "r2", "back"),
    ]
    return Plan.model_validate(
        {"plan": "rolling", "window": WINDOW, "scope": {"touch": ["r1", "r2"]}, "steps": steps}
    )


def test_stopping_and_rolling_back_are_judged() -> None:
    verdict = verdict_of(two_steps())
    assert set(rows(verdict)) == {
        "whole",
        "stop-after:one",
        "stop-after:back",
        "rollback-from:one",
        "rollback-from:back",
        "rollback-from:two",
    }
    assert set(verdict.variants) == set(rows(verdict))
    assert verdict.exit_code == 0
    alone = verdict_of(two_steps(), gates={"partial_plans": False})
    assert set(rows(alone)) == {"whole"}


def test_a_plan_that_is_only_safe_when_it_is_finished_fails() -> None:
    """Two racks are away for ten minutes within a generous limit; stopping there is not within it."""
    steps = [
        {
            "id": "away",
            "do": "rack.drain@1",
            "at": "0 min",
            "takes": "5 min",
            "params": {"racks": "r[1-2]", "batch": 2},
        },
        {
            "id": "back",
            "do": "rack.undrain@1",
            "after": ["away"],
            "takes": "5 min",
            "params": {"racks": "r[1-2]", "batch": 2},
        },
    ]
    verdict = verdict_of(drain_plan(steps=steps), {**ERRORS, "pass": "<= 5 %"})
    assert rows(verdict)["whole"] == "pass"
    assert rows(verdict)["stop-after:away"] == "fail"
    assert verdict.exit_code == 10


def test_every_single_loss_is_tried_at_every_state_of_the_plan() -> None:
    fleet, plan = tiny_fleet(), drain_plan("r1", back=True, at="30 min")
    bench = set_up(plan, fleet, gate_set(), suite_of(N_1), salt="s")
    members = [world.member for world in worlds_of(bench, bench.trials[0], 0)]
    labels = [label for label, _ in bench.states]
    assert labels[0] == "before" and len(labels) >= 2
    things = ("panel-a", "panel-b", "r1", "r2", "r3")
    assert all(
        any(thing in member and label in member for member in members) for thing in things for label in labels
    )
    assert len(members) == len(set(members)) >= len(things) * len(labels)
    verdict = check(plan, fleet, gates=gate_set(), suite=suite_of(N_1), as_of=fleet.as_of)
    # Losing r2 or r3 while r1 is drained leaves ten servers: too few. Nothing else breaks it.
    assert verdict.exit_code == 10
    example = verdict["errors"].counter_example
    assert example is not None
    assert "r2" in example.member or "r3" in example.member
    assert "drain" in example.member
    assert verdict["errors"].worst is not None
    assert verdict["errors"].worst.n == len(members)


def test_single_losses_start_from_the_state_of_the_plan() -> None:
    fleet, plan = tiny_fleet(), drain_plan("r1", back=True)
    bench = set_up(plan, fleet, gate_set(), suite_of(N_1), salt="s")
    for world in worlds_of(bench, bench.trials[0], 0):
        assert -BEFORE_S <= world.start_s < world.until_s <= bench.window_s
        assert all(change.at_s >= world.start_s for change in world.changes)
        assert any(change.at_s == world.start_s for change in world.changes)


@pytest.mark.parametrize("at", ["0 min", "30 s", "10 min"])
def test_each_thing_is_also_lost_before_a_plan_that_starts_at_once(at: str) -> None:
    """There the plan starts while the thing is away, and in time for its end to be seen."""
    bench = set_up(drain_plan("r1", at=at), tiny_fleet(), gate_set(), suite_of(N_1), salt="s")
    begins = bench.schedule.timeline().changes[0].at_s
    worlds = [world for world in worlds_of(bench, bench.trials[0], 0) if world.member.endswith(" before")]
    assert {world.changes[0].change.target for world in worlds} == {"panel-a", "panel-b", "r1", "r2", "r3"}
    for world in worlds:
        assert world.changes[0].at_s == world.start_s <= begins - BEFORE_S
        assert world.until_s > begins
        replay = play_again(bench, 0, "whole", world.member, 0)
        kinds = [(happening.at_s, happening.kind) for happening in replay.plan.happenings]
        assert kinds[0] == (world.start_s, "world")
        assert (begins, "plan") in kinds


def test_the_seed_does_not_depend_on_the_plan() -> None:
    fleet, suite = tiny_fleet(), suite_of(CALM)
    first, second = (
        check(plan, fleet, gates=gate_set(), suite=suite, as_of=fleet.as_of)
        for plan in (drain_plan("r1"), drain_plan("r2"))
    )
    assert first.seed == second.seed
    assert (
        first.seed
        != check(
            drain_plan("r1"), fleet, gates=gate_set(), suite=suite, as_of=fleet.as_of, salt="promotion"
        ).seed
    )
    assert first.seed != verdict_of(drain_plan("r1"), {**ERRORS, "pass": "<= 0.2 %"}).seed


def test_adding_a_rack_changes_no_other_failure() -> None:
    racks = [
        {"name": f"r{i}", "site": "ams1", "row": "a", "fed_by": ["panel-a", "panel-b"], **BREAKABLE}
        for i in range(1, 8)
    ]
    small, large = tiny_fleet(racks=racks[:6]), tiny_fleet(racks=racks)
    scenario = Scenario.model_validate(FAILURES)

    def failures(fleet: Fleet) -> set[tuple[float, str, float]]:
        worlds = [
            draw(scenario, fleet, window_s=7200.0, start=WINDOW_START, seed=7, replication=i)[0]
            for i in range(40)
        ]
        return {(c.at_s, c.change.target, c.change.value) for world in worlds for c in world.changes}

    before, after = failures(small), failures(large)
    assert len(before) > 20
    assert before <= after
    assert {target for _, target, _ in after - before} == {"r7"}


WINDOW_START = drain_plan().window.not_before


def test_what_no_fault_touched_is_listed_as_untested() -> None:
    calm = verdict_of(drain_plan("r1"))
    assert calm.footprint is not None
    assert calm.footprint.untested == ("rack:r1",)
    assert calm.footprint.faults == 0
    panels = {"scenario": "n-1", "hazards": [{"kind": "single-losses", "params": {"kind": "panel"}}]}
    tried = verdict_of(drain_plan("r1"), suite=suite_of(panels))
    assert tried.footprint is not None
    assert tried.footprint.untested == ()
    assert tried.footprint.faults > 0


def test_assumed_inputs_are_listed_and_may_forbid_a_pass() -> None:
    verdict = verdict_of(drain_plan("r1"))
    assumed = {row.what.split(" of ")[0] for row in verdict.assumed}
    assert "retry_budget" in assumed  # a default of the record
    assert "service_time" not in assumed  # the fleet gives it
    strict = verdict_of(drain_plan("r1"), gates={"assumed_inputs": "inconclusive"})
    assert (strict.result, strict.exit_code) == ("inconclusive", 11)
    measured = tiny_fleet(provenance=[{"of": "*", "is": "measured"}])
    known = verdict_of(drain_plan("r1"), gates={"assumed_inputs": "inconclusive"}, fleet=measured)
    assert (known.assumed, known.exit_code) == ((), 0)


def test_a_warning_is_not_worth_more_than_a_pass_where_inputs_are_assumed() -> None:
    rule = {"id": "errors", "metric": "error_rate", "pass": "<= 1 %", "fail": "> 20 %"}
    assert verdict_of(drain_plan("r[1-2]"), rule, gates={"assumed_inputs": "inconclusive"}).exit_code == 11


def test_a_snapshot_that_is_too_old_cannot_pass() -> None:
    assert verdict_of(drain_plan("r1"), gates={"max_snapshot_age": "1 h"}).exit_code == 0
    undated = tiny_fleet(as_of=None)
    assert verdict_of(drain_plan("r1"), gates={"max_snapshot_age": "1 h"}, fleet=undated).exit_code == 11


@pytest.mark.parametrize(("lost", "away_min"), [(None, 35), ("20 min", 50), ("50 min", 35)])
def test_the_lost_control_plane_pauses_the_plan(lost: str | None, away_min: int) -> None:
    """Two racks are away until minute 35, or until the control plane that was lost for half an hour is back."""
    hazard = {"kind": "control-plane-loss", "params": {"at": lost, "lasts": "30 min"}}
    scenario = Scenario.model_validate({"scenario": "blind", "hazards": [hazard] if lost else []})
    played = simulate(
        tiny_fleet(), plan=drain_plan("r[1-2]", back=True), scenario=scenario, days=7200 / 86400
    )
    # 20 requests/s are too many; the first 200 of them wait (100/s x 2 s), the others fail until the racks are back.
    assert played.run.errors[0] == pytest.approx(20.0 * 60.0 * away_min - 200.0, rel=1e-9)
    (broken,) = [found for found in played.run.intervals if found.kind == "slo_violations"]
    assert (broken.start_s, broken.end_s) == (pytest.approx(10.0), 60.0 * away_min)
