"""A plan judged at more demand than today's.

On the tiny fleet one rack of three may go: 15 replicas serve 150 requests/s, and get 120. They stay busy to 0.1 s * 120 / 15.
At +50 % they are asked for 180, of which 30 find nobody, with the plan or without.
"""

from __future__ import annotations

import pytest

from tests.evaluate.tiny import AS_OF, CALM, drain_plan, gate_set, suite_of, tiny_fleet, verdict_of
from twin.evaluate import check, simulate
from twin.files.digest import digest
from twin.model.demand import with_demand
from twin.model.errors import UsageError

WEATHER = {"scenario": "often", "hazards": [{"kind": "loss", "params": {"thing": "r2", "probability": 0.4}}]}


def test_more_is_asked_and_the_verdict_says_so() -> None:
    # 3 racks of 10, one drained, 15 replicas on 20 servers: 150 requests/s of 180; the queue takes 150/s x 2 s once.
    verdict = verdict_of(drain_plan("r1"), demand="+50%")
    row = verdict["errors"].worst
    assert row is not None
    assert row.plan == row.reference == pytest.approx((30.0 * 7200 - 300) / (180.0 * 7200), rel=1e-9)
    assert verdict.exit_code == 10
    assert verdict.inputs == {"demand": "+50%"}
    assert "demand +50%" in str(verdict)
    assert verdict_of(drain_plan("r1")).inputs == {}


def test_a_plan_for_this_snapshot_is_not_stale_at_another_demand() -> None:
    fleet = tiny_fleet()
    verdict = verdict_of(drain_plan("r1", fleet=digest(fleet)), fleet=fleet, demand="+10%")
    assert (verdict.exit_code, verdict.fleet_digest) == (0, digest(fleet))


def test_more_demand_meets_the_same_worlds_and_no_change_the_same_verdict() -> None:
    rule = {"id": "slo", "metric": "slo_violation", "estimator": "probability", "pass": "<= 50 %"}
    options = {"suite": suite_of(WEATHER), "gates": {"replications": {"first": 10, "max": 20}}}
    plain = verdict_of(drain_plan("r1"), rule, **options)
    same = verdict_of(drain_plan("r1"), rule, demand="1x", **options)
    assert same.model_copy(update={"inputs": {}}) == plain
    assert verdict_of(drain_plan("r1"), rule, demand="+5%", **options).seed == plain.seed


def test_it_is_the_fleet_whose_demand_was_written_larger() -> None:
    larger = check(
        drain_plan("r[1-2]"),
        with_demand(tiny_fleet(), 1.1),
        gates=gate_set(),
        suite=suite_of(CALM),
        as_of=AS_OF,
    )
    asked = verdict_of(drain_plan("r[1-2]"), demand="1.1x")
    assert asked["errors"].worst == larger["errors"].worst
    again = asked["errors"].replay().plan
    assert again.happenings == larger["errors"].replay().plan.happenings


def test_a_look_at_more_demand() -> None:
    today, more = (simulate(tiny_fleet(), days=0.1, demand=demand) for demand in (None, "+25%"))
    assert today.measure("error_rate") == 0.0
    assert more.measure("energy_kwh") > today.measure("energy_kwh")
    # 10 of 160 requests/s find nobody, once the queue of 150/s x 2 s is full.
    at_160 = simulate(tiny_fleet(), days=0.1, demand=f"{160 / 120}x")
    assert at_160.measure("error_rate") == pytest.approx((10 * 8640 - 300) / (160 * 8640), rel=1e-9)


def test_what_is_no_change_is_refused_before_anything_is_played() -> None:
    with pytest.raises(UsageError, match="does not say by how much"):
        verdict_of(drain_plan("r1"), demand="20")
    with pytest.raises(UsageError, match="does not say by how much"):
        simulate(tiny_fleet(), demand="20")
