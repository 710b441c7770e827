"""Sample verdicts, as an evaluation leaves them behind: one of each outcome, and one with hostile names."""

from datetime import UTC, datetime
from typing import Any

import pytest

from twin.model.plan import Plan
from twin.records.verdict import (
    AssumedInput,
    CounterExample,
    Footprint,
    GateResult,
    Happening,
    ScenarioResult,
    StaticFinding,
    Verdict,
)

HOSTILE = '<script>alert("x")</script>]]>&|`%0A\n::error::"\''


@pytest.fixture
def passed() -> Verdict:
    return sample_pass()


@pytest.fixture
def failed() -> Verdict:
    return sample_fail()


@pytest.fixture
def undecided() -> Verdict:
    return sample_undecided()


@pytest.fixture
def rejected() -> Verdict:
    return sample_rejected()


@pytest.fixture
def hostile() -> Verdict:
    return sample_hostile()


@pytest.fixture
def plan() -> Plan:
    return sample_plan()


def sample_pass() -> Verdict:
    return _verdict(result="pass", gate_results=(_availability("pass"), _latency(), _energy("pass")))


def sample_fail() -> Verdict:
    return _verdict(
        result="fail",
        gate_results=(_availability("pass"), _latency(), _overloads(), _energy("warn")),
        missing=("carbon_kg: no region names its grid intensity",),
        snapshot_age_s=93600.0,
    )


def sample_undecided() -> Verdict:
    return _verdict(
        result="inconclusive",
        more_runs=410,
        gate_results=(_availability("inconclusive"), _latency(), _energy("pass")),
    )


def sample_rejected() -> Verdict:
    return _verdict(
        result="error",
        gate_results=(),
        runs=0,
        settles=0,
        footprint=None,
        findings=(
            StaticFinding(
                rule="scope",
                where="plans/row-b.yaml",
                line=14,
                what="rack ams1-c01 is touched by step 'drain' but not in scope",
                mend="add ams1-c01 to scope.touch, or leave it out of the step",
            ),
            StaticFinding(
                rule="unknown-action",
                where="plans/row-b.yaml",
                line=21,
                what="there is no action rack.drian@1",
                mend="did you mean 'rack.drain@1'?",
            ),
        ),
    )


def sample_hostile() -> Verdict:
    chain = (
        Happening(at_s=0.0, kind="world", thing=HOSTILE, text=f"{HOSTILE} fails"),
        Happening(at_s=60.0, kind="overloads", thing=HOSTILE, text=f"{HOSTILE} is overloaded", cause=0),
    )
    row = ScenarioResult(
        scenario=HOSTILE, variant=HOSTILE, result="fail", n=1, plan=1.0, reference=0.0, violations=(HOSTILE,)
    )
    example = CounterExample(
        scenario=HOSTILE,
        variant=HOSTILE,
        replication=0,
        violation=HOSTILE,
        at_s=60.0,
        chain=chain,
        command=f"fleetwin replay {HOSTILE}",
    )
    gate = GateResult(
        id=HOSTILE,
        metric=HOSTILE,
        unit=HOSTILE,
        estimator="invariant",
        pass_limit=HOSTILE,
        level="block",
        result="fail",
        reason=HOSTILE,
        worst=row,
        rows=(row,),
        counter_example=example,
    )
    return _verdict(
        result="fail",
        plan=HOSTILE,
        fleet=HOSTILE,
        gates=HOSTILE,
        suite=HOSTILE,
        gate_results=(gate,),
        footprint=Footprint(touched=(HOSTILE,), faults=0, untested=(HOSTILE,)),
        missing=(HOSTILE,),
        not_modelled=(HOSTILE,),
        assumed=(AssumedInput(what=HOSTILE, count=1, metrics=(HOSTILE,)),),
        scenarios=(HOSTILE,),
        variants=(HOSTILE,),
        engine=HOSTILE,
        inputs={"plan": HOSTILE},
    )


def sample_plan() -> Plan:
    return Plan.model_validate(
        {
            "plan": "row-b-maintenance",
            "description": "Drain row b so that its panel can be re-torqued.",
            "window": {"not_before": "2026-11-21T01:00Z", "not_after": "2026-11-21T05:00Z"},
            "scope": {"touch": ["ams1-b[01-04]", "service:web"]},
            "steps": [
                {
                    "id": "shift",
                    "do": "traffic.shift@1",
                    "at_s": 0.0,
                    "params": {"service": "web", "from": "ams1", "to": "fra1"},
                },
                {
                    "id": "drain",
                    "do": "rack.drain@1",
                    "after": ["shift"],
                    "takes": "20 min ± 5 min",
                    "params": {"racks": "ams1-b[01-04]"},
                },
                {
                    "id": "service",
                    "do": "unit.maintain@1",
                    "after": ["drain"],
                    "takes": "90 min",
                    "params": {"unit": "ams1-panel-b1"},
                },
                {
                    "id": "back",
                    "do": "rack.undrain@1",
                    "after": ["service"],
                    "wait_s": 300.0,
                    "params": {"racks": "ams1-b[01-04]"},
                },
            ],
        }
    )


def _verdict(**changes: Any) -> Verdict:
    values: dict[str, Any] = {
        "result": "pass",
        "plan": "row-b-maintenance",
        "plan_digest": "sha256:" + "1f" * 32,
        "fleet": "example",
        "fleet_digest": "sha256:" + "9c" * 32,
        "gates": "prod-maintenance",
        "gates_digest": "sha256:" + "a7" * 32,
        "suite": "n-1-and-peak",
        "suite_digest": "sha256:" + "03" * 32,
        "as_of": datetime(2026, 11, 20, 22, tzinfo=UTC),
        "window": (datetime(2026, 11, 21, 1, tzinfo=UTC), datetime(2026, 11, 21, 5, tzinfo=UTC)),
        "engine": "fleetwin 0.1.0",
        "seed": 6401,
        "replications": {"quiet-night": 1, "n-1-units": 94, "random-faults": 640},
        "runs": 4410,
        "settles": 812_345,
        "variants": ("whole", "stop-after:shift", "stop-after:drain", "rollback-from:drain"),
        "scenarios": ("quiet-night", "n-1-units", "random-faults"),
        "footprint": Footprint(
            touched=("ams1-b01", "ams1-b02", "ams1-panel-b1", "service:web"),
            faults=37,
            untested=("ams1-b02",),
        ),
        "not_modelled": (
            "breaker and relay trip curves (a rating exceeded on the peak is a violation, nothing trips)",
            "UPS batteries and generator start (a live generator takes the load at once)",
            "cooling dynamics (too little cooling is a violation, nothing heats up)",
            "max-min sharing and re-routing delay (an overloaded link loses the excess, routes change at once)",
            "storage rebuild traffic, cache warmth and autoscaling",
        ),
        "assumed": (
            AssumedInput(what="server_types.peak_factor", count=2, metrics=("overloads", "headroom_min_pct")),
            AssumedInput(what="services.retry_budget", count=12, metrics=("error_rate", "slo_violation")),
        ),
        "inputs": {"plan": "plans/row-b.yaml", "fleet": "fleet.yaml", "gates": "gates/maintenance.yaml"},
    }
    return Verdict(**{**values, **changes})


def _availability(result: Any) -> GateResult:
    high = {"pass": 0.0121, "inconclusive": 0.0290}[result]
    worst = ScenarioResult(
        scenario="random-faults",
        variant="whole",
        result=result,
        n=640,
        plan=0.0047,
        reference=0.0031,
        estimate=0.0047,
        low=0.0008,
        high=high,
        method="exact binomial (Clopper-Pearson), 6 looks",
        pass_bound=0.02,
        fail_bound=0.05,
        smallest_effect=0.0083,
        more_runs=410 if result == "inconclusive" else None,
    )
    rows = (
        _exact("quiet-night"),
        _exact("n-1-units"),
        worst,
        worst.model_copy(
            update={"variant": "rollback-from:drain", "plan": 0.0031, "high": 0.0102, "result": "pass"}
        ),
    )
    reason = "the interval reaches beyond the pass limit" if result == "inconclusive" else ""
    return GateResult(
        id="availability",
        metric="slo_violation",
        unit="1",
        where={"tier": 0},
        estimator="probability",
        pass_limit="<= 2 %",
        fail_limit="> 5 %",
        level="block",
        result=result,
        reason=reason,
        worst=worst,
        rows=rows,
    )


def _exact(scenario: str, variant: str = "whole") -> ScenarioResult:
    return ScenarioResult(
        scenario=scenario,
        variant=variant,
        result="pass",
        n=1,
        plan=0.0,
        reference=0.0,
        method="one world, exact",
    )


def _latency() -> GateResult:
    rows = tuple(
        ScenarioResult(
            scenario=scenario,
            variant=variant,
            result="pass",
            n=n,
            plan=11.62 + bump,
            reference=11.0,
            estimate=0.62 + bump,
            low=0.31 + bump,
            high=0.92 + bump,
            method="paired mean, Student t over 6 looks",
            judged="plan - reference",
            pass_bound=1.5,
            smallest_effect=0.42,
        )
        for scenario, n, bump in (
            ("quiet-night", 1, 0.0),
            ("n-1-units", 94, 0.1),
            ("random-faults", 640, 0.15),
        )
        for variant in ("whole", "stop-after:drain")
    )
    return GateResult(
        id="latency",
        metric="latency_p99_ms",
        unit="ms",
        estimator="mean",
        level="block",
        result="pass",
        pass_limit="<= +10 % of reference, floor 1.5 ms",
        worst=rows[-1],
        rows=rows,
    )


def _energy(result: Any) -> GateResult:
    row = ScenarioResult(
        scenario="random-faults",
        variant="whole",
        result=result,
        n=640,
        plan=10_553.2,
        reference=10_512.4,
        estimate=0.0039,
        low=0.0031,
        high=0.0047,
        judged="(plan - reference) / reference",
        judged_unit="1",
        pass_bound=0.005,
        method="paired mean, Student t over 6 looks",
        smallest_effect=0.0009,
    )
    return GateResult(
        id="energy",
        metric="energy_kwh",
        unit="kWh",
        estimator="mean",
        level="warn",
        result=result,
        pass_limit="<= +0.5 % of reference, floor 1 kWh",
        worst=row,
        rows=(row,),
        reason="between the limits" if result == "warn" else "",
    )


def _overloads() -> GateResult:
    chain = (
        Happening(
            at_s=0.0,
            kind="plan",
            thing="shift",
            text="step 'shift' starts: 30 % of web moves from ams1 to fra1",
        ),
        Happening(
            at_s=0.0, kind="plan", thing="drain", text="step 'drain' starts: racks ams1-b[01-04]", cause=0
        ),
        Happening(
            at_s=1210.0,
            kind="plan",
            thing="drain",
            text="racks ams1-b[01-04] are empty, their work runs in row a",
            cause=1,
        ),
        Happening(at_s=1500.0, kind="world", thing="ams1-ups-1", text="UPS ams1-ups-1 is lost"),
        Happening(
            at_s=1500.0,
            kind="transfer",
            thing="ams1-a[01-10]",
            text="racks ams1-a[01-10] draw everything from their B feed",
            cause=3,
        ),
        Happening(
            at_s=1500.0,
            kind="transfer",
            thing="ams1-panel-b1",
            text="panel ams1-panel-b1 goes from 71 % to 104 % of 250 kVA",
            cause=4,
        ),
        Happening(
            at_s=1500.0,
            kind="overloads",
            thing="ams1-panel-b1",
            text="panel ams1-panel-b1 is above its rating for longer than 5 min",
            also=(2,),
            cause=5,
        ),
    )
    bad = ScenarioResult(
        scenario="n-1-units",
        variant="stop-after:drain",
        result="fail",
        n=94,
        plan=1.0,
        reference=0.0,
        violations=("ams1-panel-b1",),
        transients=("ams1-panel-a2",),
        method="enumerated, exact",
    )
    rows = (
        _exact("quiet-night"),
        bad,
        bad.model_copy(
            update={"variant": "whole", "plan": 2.0, "violations": ("ams1-panel-b1", "ams1-msb-2")}
        ),
        _exact("random-faults"),
        _exact("random-faults", "rollback-from:drain"),
    )
    example = CounterExample(
        scenario="n-1-units",
        variant="stop-after:drain",
        replication=17,
        member="UPS ams1-ups-1 lost between drain and service",
        violation="ams1-panel-b1 above its rating (104 %)",
        at_s=1500.0,
        chain=chain,
        command="fleetwin replay VERDICT.json breakers",
    )
    return GateResult(
        id="breakers",
        metric="overloads",
        unit="",
        estimator="invariant",
        pass_limit="none new",
        level="block",
        result="fail",
        reason="1 violation that the reference does not have",
        worst=bad,
        rows=rows,
        counter_example=example,
    )
