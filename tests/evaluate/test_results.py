"""The results and exit codes of an evaluation, each reached by the smallest case."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.evaluate.tiny import AS_OF, CALM, drain_plan, gate_set, suite_of, tiny_fleet, verdict_of
from tests.sim.test_network import two_sites
from twin.evaluate import check
from twin.files.digest import digest
from twin.model.errors import GateError, StalePlan

# r1 is out of work by the plan; r2 is lost in 40 % of the worlds, at the start and for good.
OFTEN = {"scenario": "often", "hazards": [{"kind": "loss", "params": {"thing": "r2", "probability": 0.4}}]}
MISSES = {"id": "slo", "metric": "slo_violation", "estimator": "probability", "pass": "<= 50 %"}
WAIVER = {"gate": "errors", "until": "2026-11-20", "reason": "CHG-1", "by": "lead"}


def test_a_safe_plan_passes() -> None:
    verdict = verdict_of(drain_plan("r1"))
    assert (verdict.result, verdict.exit_code) == ("pass", 0)
    assert verdict["errors"].worst is not None
    assert verdict["errors"].worst.plan == 0.0


def test_an_unsafe_plan_fails_and_shows_where() -> None:
    verdict = verdict_of(drain_plan("r[1-2]"))
    assert (verdict.result, verdict.exit_code) == ("fail", 10)
    row = verdict["errors"].worst
    # 20 of 120 requests/s find no server; the queue of 100/s x 2 s takes 200 requests before that.
    assert row is not None
    assert row.plan == pytest.approx((20.0 * 7200 - 200) / (120.0 * 7200), rel=1e-9)
    assert row.reference == 0.0
    example = verdict["errors"].counter_example
    assert example is not None
    assert [step.kind for step in example.chain][0] == "plan"
    assert "r[1-2]" in example.chain[0].text
    assert example.chain[-1].thing == "web"


def test_what_the_budget_cannot_decide_is_inconclusive() -> None:
    budget = {"replications": {"first": 10, "max": 20}}
    verdict = verdict_of(drain_plan("r1"), MISSES, suite=suite_of(OFTEN), gates=budget)
    assert (verdict.result, verdict.exit_code) == ("inconclusive", 11)
    assert verdict.replications == {"often": 20}
    assert verdict.more_runs is not None and verdict.more_runs > 0


def test_a_gate_that_no_run_could_pass_is_refused_at_load() -> None:
    strict = {**MISSES, "pass": "<= 0.1 %"}
    with pytest.raises(GateError, match="can never be decided"):
        verdict_of(
            drain_plan("r1"), strict, suite=suite_of(OFTEN), gates={"replications": {"first": 10, "max": 20}}
        )


def test_an_unknown_action_is_rejected_before_simulation() -> None:
    step = {"id": "x", "do": "rack.levitate@1", "at": "0 min", "params": {"racks": "r1"}}
    verdict = verdict_of(drain_plan(steps=[step]))
    assert verdict.exit_code == 14
    assert verdict.runs == 0
    assert any("levitate" in finding.what for finding in verdict.findings)


def test_a_plan_for_another_snapshot_is_stale() -> None:
    fleet = tiny_fleet()
    plan = drain_plan("r1", fleet=digest(fleet))
    assert check(plan, fleet, gates=gate_set(), suite=suite_of(CALM), as_of=AS_OF).exit_code == 0
    with pytest.raises(StalePlan) as caught:
        check(plan, tiny_fleet(description="moved on"), gates=gate_set(), suite=suite_of(CALM), as_of=AS_OF)
    assert caught.value.exit_code == 15


def test_between_the_limits_is_a_warning() -> None:
    rule = {"id": "errors", "metric": "error_rate", "pass": "<= 1 %", "fail": "> 20 %"}
    verdict = verdict_of(drain_plan("r[1-2]"), rule)
    assert (verdict["errors"].result, verdict.result, verdict.exit_code) == ("warn", "warn", 0)
    rule = {**rule, "fail": "> 16 %"}
    assert verdict_of(drain_plan("r[1-2]"), rule).exit_code == 10


def test_a_gate_that_only_warns_does_not_block() -> None:
    rule = {"id": "errors", "metric": "error_rate", "pass": "<= 0.1 %", "level": "warn"}
    verdict = verdict_of(drain_plan("r[1-2]"), rule)
    assert verdict["errors"].result == "fail"
    assert verdict.exit_code == 0


SAVING = {"metric": "energy_kwh", "limit": "<= -1 kWh"}
CLAIMS = {"id": "claims", "metric": "claims", "pass": "inside"}
N_1 = {"scenario": "n-1", "hazards": [{"kind": "single-losses", "params": {"of": "panel"}}]}


def test_a_number_that_the_plan_promises_is_one_of_the_whole_plan() -> None:
    plan = drain_plan("r1", claims=[SAVING])
    verdict = verdict_of(plan, CLAIMS, suite=suite_of(CALM, N_1))
    assert [(row.scenario, row.variant) for row in verdict["claims"].rows] == [("calm", "whole")]


def test_a_promise_that_no_scenario_can_judge_is_inconclusive() -> None:
    plan = drain_plan("r1", claims=[SAVING])
    verdict = verdict_of(plan, CLAIMS, suite=suite_of(N_1))
    assert (verdict["claims"].result, verdict.exit_code) == ("inconclusive", 11)
    assert "energy_kwh <= -1 kWh" in verdict["claims"].reason
    assert "no scenario of the suite plays the whole plan" in verdict["claims"].reason


def test_a_waiver_holds_until_its_day_is_over() -> None:
    waived = verdict_of(drain_plan("r[1-2]"), gates={"waivers": [WAIVER]})
    assert (waived["errors"].result, waived.exit_code) == ("waived", 0)
    assert "CHG-1" in waived["errors"].waiver
    late = verdict_of(drain_plan("r[1-2]"), gates={"waivers": [WAIVER]}, as_of=AS_OF + timedelta(days=1))
    assert (late["errors"].result, late.exit_code) == ("fail", 10)


def test_none_new_forgives_what_doing_nothing_shows_too() -> None:
    fleet = tiny_fleet(demand=[{"service": "web", "region": "eu", "rate_per_s": 160.0}])
    new = {"id": "slo", "metric": "slo_violations", "estimator": "invariant", "pass": "none new"}
    none = {**new, "pass": "none"}
    assert verdict_of(drain_plan("r1"), new, fleet=fleet).exit_code == 0
    assert verdict_of(drain_plan("r1"), none, fleet=fleet).exit_code == 10
    assert verdict_of(drain_plan("r[1-2]"), new).exit_code == 10


def test_a_metric_without_a_value_is_an_error_and_never_a_pass() -> None:
    empty = tiny_fleet(server_groups=[{"name": "g", "rack": "r1", "type": "t", "owner": "web", "count": 0}])
    rule = {"id": "pue", "metric": "pue", "pass": "<= 2"}
    verdict = verdict_of(drain_plan("r1"), rule, fleet=empty)
    assert (verdict["pue"].result, verdict.exit_code) == ("error", 12)
    assert verdict.missing


def test_violations_shorter_than_for_are_transients() -> None:
    rule = {"id": "slo", "metric": "slo_violations", "estimator": "invariant", "pass": "none"}
    plan = drain_plan("r[1-2]", back=True)  # two racks are away for 35 minutes
    assert verdict_of(plan, {**rule, "for": "30 min"}, gates={"partial_plans": False}).exit_code == 10
    verdict = verdict_of(plan, {**rule, "for": "40 min"}, gates={"partial_plans": False})
    assert verdict.exit_code == 0
    assert verdict["slo"].worst is not None
    assert verdict["slo"].worst.transients == ("web",)


def test_an_slo_is_shown_broken_by_its_service_and_not_by_the_link_that_filled_up() -> None:
    """Filters of services are none of links. 16 Mbit/s fit on the first link; the way round carries 10 of them."""
    fleet = two_sites(17e6)
    (sea,) = fleet.links
    around = sea.model_copy(update={"name": "around", "capacity_bps": 10e6, "latency_s": 0.03})
    fleet = fleet.model_copy(update={"links": (sea, around)})
    optics = {
        "id": "optics",
        "do": "link.drain@1",
        "at": "10 min",
        "params": {"link": "sea", "lasts": "20 min"},
    }
    plan = drain_plan(scope={"touch": ["sea"]}, steps=[optics])
    rule = {
        "id": "slo",
        "metric": "slo_violation",
        "where": {"tier": 0},
        "estimator": "probability",
        "pass": "<= 50 %",
    }
    verdict = verdict_of(plan, rule, fleet=fleet)
    example = verdict["slo"].counter_example
    assert example is not None
    assert [step.kind for step in example.chain].count("link_overloads") == 1
    assert example.chain[-1].kind == "slo_violations"


def test_without_chance_the_change_is_exact_and_has_its_limit_beside_it() -> None:
    """Two racks of three leave 100 requests/s of 120: 100 ms of work each, and at most 2 s in the queue."""
    rules = (
        {"id": "errors", "metric": "error_rate", "pass": "<= +5 % of reference, floor 0.1 %"},
        {"id": "energy", "metric": "energy_kwh", "pass": "<= +5 % of reference, floor 1 Wh"},
        {"id": "cap", "metric": "energy_kwh", "pass": "<= 1 MWh"},
    )
    verdict = verdict_of(drain_plan("r[1-2]"), *rules)
    errors, energy, cap = (verdict[rule["id"]].worst for rule in rules)
    assert errors is not None and energy is not None and cap is not None
    assert (errors.judged, errors.estimate, errors.pass_bound) == ("plan - reference", errors.plan, 0.001)
    assert energy.judged == "(plan - reference) / reference"
    assert energy.plan is not None and energy.reference is not None
    assert energy.estimate == pytest.approx(energy.plan / energy.reference - 1.0)
    assert energy.pass_bound == pytest.approx(0.05)
    assert (cap.judged, cap.estimate) == ("", None)
    assert "+16.64 pp (exact), limit +0.1 pp" in str(verdict)
