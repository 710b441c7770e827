"""Long plans: which stretches of the window are played, and that what is seen there is what the whole window would show."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.markdown import render_markdown
from tests.evaluate.tiny import CALM, drain_plan, gate_set, suite_of, tiny_fleet, verdict_of
from twin.actions.schedule import Schedule, resolve
from twin.evaluate.bench import Bench, set_up
from twin.evaluate.play import plan_changes, worlds_of
from twin.evaluate.replay import replay_example
from twin.evaluate.stretches import DAY_S, LONG_S, stretches_of
from twin.model.demand import growth_in, read_growth
from twin.model.errors import UsageError
from twin.model.fleet import Fleet
from twin.model.plan import Plan
from twin.records.metrics import SUMS
from twin.records.verdict import Verdict
from twin.sim.measure import measure
from twin.sim.run import Simulator

YEAR = {"not_before": "2026-11-21T00:00Z", "not_after": "2027-11-21T00:00Z"}
ERRORS: dict[str, Any] = {"id": "errors", "metric": "error_rate", "pass": "<= 0.1 %"}
GROWING = [{"service": "web", "region": "eu", "rate_per_s": 80.0, "growth": "30 %"}]
N_1 = {"scenario": "n-1", "hazards": [{"single-losses": {"kind": "rack"}}]}


def step(name: str, rack: str, day: float, *, verb: str = "drain", hours: float = 2.0) -> dict[str, Any]:
    """Return a step that drains a rack (or gives it back) on a day."""
    params = {"racks": rack, "batch": 1}
    return {
        "id": name,
        "do": f"rack.{verb}@1",
        "at": f"{day * 24:g} h",
        "takes": f"{hours:g} h",
        "params": params,
    }


def long_plan(*steps: dict[str, Any], **more: Any) -> Plan:
    """Return a plan of a year; by default a rack is drained on day 10 and another on day 200, both for good."""
    return drain_plan(
        window=YEAR, steps=list(steps) or [step("one", "r1", 10.0), step("two", "r2", 200.0)], **more
    )


def bench_of(plan: Plan, *scenarios: dict[str, Any], **more: Any) -> Bench:
    """Return the bench of a plan on the tiny fleet, whose demand grows."""
    fleet = tiny_fleet(demand=GROWING)
    return set_up(plan, fleet, gate_set(), suite_of(*scenarios or (CALM,)), salt="s", **more)


def priced_fleet(growth: str) -> Fleet:
    """Return the tiny fleet with a grid, and servers that cost money and carbon."""
    kind = {
        "name": "t",
        "cores": 32,
        "idle_w": 100.0,
        "max_w": 300.0,
        "cost_usd": 8000.0,
        "embodied_kg": 1000.0,
    }
    return tiny_fleet(
        demand=[{**GROWING[0], "growth": growth}],
        regions=[{"name": "eu", "carbon_g_per_kwh": 300.0, "price_usd_per_mwh": 90.0}],
        server_types=[kind],
    )


def schedule_of(plan: Plan) -> Schedule:
    """Resolve a plan on the tiny fleet."""
    return resolve(plan, tiny_fleet())


def test_a_stretch_is_a_wave_with_a_day_around_it_a_day_a_month_and_the_last() -> None:
    spans = [(one.from_s / DAY_S, one.until_s / DAY_S) for one in bench_of(long_plan()).stretches]
    wave, other = (9.0, 11.0 + 2 / 24), (199.0, 201.0 + 2 / 24)
    assert wave in spans and other in spans and spans[-1] == (364.0, 365.0)
    quiet = [span for span in spans if span not in (wave, other, spans[-1])]
    # 188 days between the waves, 163 from the second to the last day: five more days in each.
    assert [sum(low < span[0] < high for span in quiet) for low, high in ((11, 199), (201, 364))] == [6, 5]
    assert all(until - start == pytest.approx(1.0) for start, until in quiet)


@given(st.lists(st.floats(0.0, 360.0), min_size=1, max_size=6, unique=True))
def test_no_month_after_the_first_step_goes_by_unseen(days: list[float]) -> None:
    steps = []
    for number, day in enumerate(sorted(days)):
        verb = "drain" if number % 2 == 0 else "undrain"
        steps.append(step(f"s{number}", "r1", round(day, 3), verb=verb, hours=1.0 / 64))
    schedule = schedule_of(long_plan(*steps))
    found = stretches_of(schedule)
    assert found[0].from_s <= schedule.timeline().steps[0].start_s
    assert found[-1].until_s == schedule.plan.length_s
    for one, two in pairwise(found):
        assert one.until_s < two.from_s and two.from_s - one.until_s <= LONG_S
    for run in schedule.timeline().steps:
        around = (
            max(0.0, run.start_s - DAY_S),
            min(schedule.plan.length_s, run.end_s + DAY_S),
        )
        assert any(s.from_s <= around[0] and around[1] <= s.until_s for s in found)
    assert [name for s in found for name in s.steps] == [run.step for run in schedule.timeline().steps]


def test_a_short_plan_is_one_stretch_without_a_name() -> None:
    schedule = schedule_of(drain_plan("r1", back=True))
    (only,) = stretches_of(schedule)
    assert (only.label, only.from_s, only.until_s) == ("", 0.0, schedule.plan.length_s)
    assert only.variants == schedule.variants
    assert only.states == tuple((state.label, state.at_s) for state in schedule.timeline().states)
    assert verdict_of(drain_plan("r1")).stretches == ()


@pytest.mark.parametrize("growth", ["0 %", "30 %"])
@pytest.mark.parametrize("metric", SUMS)
def test_a_stretch_shows_what_the_whole_window_shows_there(metric: str, growth: str) -> None:
    """An oracle without stretches: a sum up to the end of a stretch, less that up to its start."""
    fleet = priced_fleet(growth)
    bench = set_up(long_plan(), fleet, gate_set(), suite_of(CALM), salt="s")
    run, simulator = bench.schedule.timeline().changes, Simulator(bench.compiled)
    second = next(stretch for stretch in bench.stretches if "two" in stretch.steps)

    def of(from_s: float, until_s: float) -> float:
        played = simulator.run(run, (), start_s=from_s, until_s=until_s)
        value = measure(bench.compiled, played, metric, {})
        assert isinstance(value, float)
        return value

    alone = of(second.from_s, second.until_s)
    # Demand that grows is that of the last settle, here of the day before: 0.07 % of what depends on it.
    near = 1e-9 if growth == "0 %" else 1e-3
    assert alone == pytest.approx(of(0.0, second.until_s) - of(0.0, second.from_s), rel=near, abs=1e-9)
    assert (alone > 0.0) == (
        metric not in ("rebuilt_bytes", "water_l")
    )  # the tiny fleet has no copies and no tower


def test_what_breaks_late_fails_there_and_is_said_to_be_of_that_stretch() -> None:
    """With r1 away 100 requests/s are left; 80 become 100 after ln(100/80)/ln(1.3) = 0.85 years, that is day 310."""
    fleet = tiny_fleet(demand=GROWING)
    plan = long_plan(
        step("one", "r1", 10.0), step("two", "r2", 20.0), step("back", "r2", 30.0, verb="undrain")
    )
    # r1 stays away: 20 servers, 15 wanted replicas still fit; only the growth of demand can break it.
    verdict = verdict_of(plan, ERRORS, fleet=tiny_fleet(demand=[{**GROWING[0], "growth": "300 %"}]))
    rows = {(row.scenario, row.variant): row.result for row in verdict["errors"].rows}
    failing = {scenario for (scenario, _), result in rows.items() if result == "fail"}
    # 80 x 4^t = 150 (15 replicas) after 0.453 years, on 2027-05-05 or so.
    assert failing and min(failing) > "calm@2027-05" and "calm@2027-04" not in " ".join(failing)
    assert verdict_of(plan, ERRORS, fleet=fleet).exit_code == 0
    worst = verdict["errors"].worst
    assert worst is not None and rows[worst.scenario, "whole"] == "fail"
    example = verdict["errors"].counter_example
    assert example is not None and example.scenario in failing
    assert verdict["errors"].replay().plan.happenings


def late_failure(**more: Any) -> Verdict:
    """Judge a plan that drains two racks on day 200: too many."""
    return verdict_of(long_plan(step("one", "r1", 10.0), step("two", "r[2-3]", 200.0)), ERRORS, **more)


def test_the_wave_that_breaks_it_is_named_and_the_whole_window_agrees() -> None:
    parts, whole = late_failure(), late_failure(whole_window=True)
    assert parts["errors"].result == whole["errors"].result == "fail"
    failing = {row.scenario for row in parts["errors"].rows if row.result == "fail"}
    label = next(one.label for one in parts.stretches if one.steps and one.first.year == 2027)
    assert f"calm@{label}" in failing
    assert all(
        one.label not in " ".join(failing)
        for one in parts.stretches
        if one.last < parts.window[0] + timedelta(days=199)
    )
    assert whole.stretches == () and whole.scenarios == ("calm",)
    assert whole.inputs["whole_window"] == "yes"
    assert "not played: the other" in render_markdown(parts)
    assert "not played" not in render_markdown(whole)


def test_a_verdict_in_stretches_is_the_same_in_two_processes() -> None:
    suite = suite_of(CALM, N_1)
    alone, together = late_failure(suite=suite), late_failure(suite=suite, jobs=2)
    assert alone.model_dump_json() == together.model_dump_json()


def test_rolling_back_takes_back_the_steps_of_its_stretch() -> None:
    schedule = schedule_of(long_plan())
    second = next(stretch for stretch in stretches_of(schedule) if "two" in stretch.steps)
    assert second.variants == ("whole", "rollback-from:two")
    since = schedule.timeline("rollback-from:two", since_s=second.from_s)
    assert [run.step for run in since.steps if run.rollback] == ["two"]
    assert [run.step for run in schedule.timeline("rollback-from:two").steps if run.rollback] == [
        "two",
        "one",
    ]


def test_what_is_played_is_the_rollback_of_the_stretch() -> None:
    bench = bench_of(long_plan())
    trial = next(trial for trial in bench.trials if "two" in trial.stretch.steps)
    (world,) = worlds_of(bench, trial, 0)
    assert (world.start_s, world.until_s) == (trial.stretch.from_s, trial.stretch.until_s)
    undone = {c.origin for c in plan_changes(bench, trial, world, "rollback-from:two")} - {
        "plan:one",
        "plan:two",
    }
    assert undone == {"rollback:two"}


def test_losses_are_tried_in_the_states_of_each_stretch() -> None:
    bench = bench_of(long_plan(), N_1)
    members = {trial.stretch.label: {label for label, _ in trial.stretch.states} for trial in bench.trials}
    seconds = [labels for labels in members.values() if "after two" in labels]
    assert seconds == [{"before", "after two"}]
    assert "after one" in members[bench.stretches[0].label]


def test_a_sum_is_promised_for_the_whole_window_only() -> None:
    claims = [{"metric": "energy_kwh", "limit": "<= -1 % of reference, floor 1 kWh"}]
    gate = {"id": "claims", "metric": "claims", "pass": "inside"}
    assert verdict_of(long_plan(claims=claims), gate)["claims"].result == "inconclusive"
    assert verdict_of(long_plan(claims=claims), gate, whole_window=True)["claims"].result == "pass"
    rates = [{"metric": "error_rate", "limit": "<= 0.1 %"}]
    assert verdict_of(long_plan(step("one", "r1", 10.0), claims=rates), gate)["claims"].result == "pass"


def test_growth_can_be_asked_for() -> None:
    flat = verdict_of(long_plan(), ERRORS)
    assert flat.demand_at_end is None and "demand does not grow" in render_markdown(flat)
    asked = verdict_of(long_plan(), ERRORS, growth="40%")
    assert asked.demand_at_end == pytest.approx(1.4 ** (365 / 365.25))
    assert (flat.exit_code, asked.exit_code) == (10, 10) and asked.inputs["growth"] == "40%"
    assert "growth 40%" in render_markdown(asked)
    with pytest.raises(UsageError, match="write e.g. '40%'"):
        read_growth("a lot")
    with pytest.raises(UsageError, match="leaves no demand"):
        read_growth("-100%")
    assert growth_in(tiny_fleet(demand=[]), DAY_S) is None


def test_a_counter_example_of_a_stretch_is_played_again_from_a_new_bench() -> None:
    verdict = late_failure()
    example = verdict["errors"].counter_example
    assert example is not None
    plan = long_plan(step("one", "r1", 10.0), step("two", "r[2-3]", 200.0))
    bench = set_up(plan, tiny_fleet(), gate_set(ERRORS), suite_of(CALM), salt="rehearsal")
    again = replay_example(bench, example)
    assert again.world.start_s >= 198 * DAY_S
    assert any(happening.text == example.violation for happening in again.plan.happenings)
