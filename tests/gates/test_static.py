"""The static checks: one test per rule, a plan that breaks many at once, and a plan that breaks none."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.actions.conftest import make_plan, small_fleet
from tests.actions.test_verbs import STEPS
from twin.actions import ACTIONS
from twin.actions.schedule import resolve
from twin.gates.static import static_checks
from twin.model.fleet import Fleet
from twin.model.plan import Plan
from twin.records.verdict import StaticFinding

FLEET = small_fleet()


@pytest.fixture
def fleet() -> Fleet:
    return small_fleet()


def step(name: str, do: str, params: dict[str, Any], **keys: Any) -> dict[str, Any]:
    return {"id": name, "do": do, "params": params, **keys}


def drain(name: str, racks: str, **keys: Any) -> dict[str, Any]:
    return step(name, "rack.drain@1", {"racks": racks}, **keys)


def undrain(name: str, racks: str, **keys: Any) -> dict[str, Any]:
    return step(name, "rack.undrain@1", {"racks": racks}, **keys)


def shift(name: str, **keys: Any) -> dict[str, Any]:
    return step(
        name, "traffic.shift@1", {"service": "web", "from": "ams1", "to": "fra1", "share": "30 %"}, **keys
    )


def rules(findings: list[StaticFinding]) -> list[str]:
    return [finding.rule for finding in findings]


def only(plan: Plan, fleet: Fleet, **keys: Any) -> StaticFinding:
    """Return the one finding of a plan."""
    findings = static_checks(plan, fleet, **keys)
    assert len(findings) == 1, findings
    return findings[0]


def test_the_plan_of_the_documentation_is_fine(fleet: Fleet) -> None:
    plan = make_plan(
        shift("shift", at="0 min"),
        step(
            "drain",
            "rack.drain@1",
            {"racks": "ams1-a[01-02]", "batch": 2},
            after=["shift"],
            takes="20 min ± 5 min",
        ),
        undrain("back", "ams1-a[01-02]", after=["drain"], wait="90 min"),
        touch=("ams1-a[01-02]", "service:web", "site:fra1"),
        success=[
            {
                "metric": "latency_p99_ms",
                "where": {"service": "web"},
                "limit": "<= +10 % of reference, floor 1 ms",
            }
        ],
        rollback_when=[
            {"metric": "error_rate", "where": {"tier": 0}, "limit": "> +5 % of control, floor 0.01 %"}
        ],
        claims=[{"metric": "overloads", "limit": "none new"}, {"metric": "peak_kw", "limit": "<= 9640"}],
    )
    assert static_checks(plan, fleet) == []


@pytest.mark.parametrize(
    ("do", "words", "mend"),
    [
        ("rack.drian@1", "there is no action 'rack.drian'", "did you mean 'rack.drain'?"),
        ("rack.drain@2", "there is no version 2 of rack.drain", "this fleetwin knows rack.drain@1"),
    ],
)
def test_version(fleet: Fleet, do: str, words: str, mend: str) -> None:
    finding = only(make_plan(step("drain", do, {"racks": "ams1-a01"})), fleet)
    assert (finding.rule, finding.what, finding.mend) == ("version", words, mend)


def test_params_all_at_once_and_with_their_lines(fleet: Fleet) -> None:
    params = {"service": "web", "form": "ams1", "to": 3, "share": "130 %"}
    plan = make_plan(step("s", "traffic.shift@1", params))
    lines = {("steps", 0): 10, ("steps", 0, "params", "share"): 14, ("steps", 0, "params", "form"): 12}
    findings = static_checks(plan, fleet, lines=lines, path="plan.yaml")
    assert {finding.rule for finding in findings} == {"params"}
    assert [(finding.line, finding.what) for finding in findings] == [
        (10, "'from' is missing"),
        (10, "'to': 3 should be a valid string"),
        (12, "unknown parameter 'form'"),
        (14, "'share': '130 %' must not be above 100 %"),
    ]
    assert findings[2].mend == "did you mean 'from'?"
    assert findings[3].where == "plan.yaml:14 step s params.share"


def test_a_duration_is_given_once(fleet: Fleet) -> None:
    plan = make_plan(step("m", "unit.maintain@1", {"unit": "ams1-msb-a", "lasts": "1 h"}, takes="2 h"))
    finding = only(plan, fleet)
    assert finding.rule == "params"
    assert "twice" in finding.what


def test_reference(fleet: Fleet) -> None:
    finding = only(make_plan(drain("d", "ams1-b01")), fleet)
    assert (finding.rule, finding.what) == ("reference", "there is no rack 'ams1-b01'")
    assert finding.mend.startswith("did you mean 'ams1-a0")


def test_order_names_unknown_double_and_circular_steps(fleet: Fleet) -> None:
    unknown = only(make_plan(drain("d", "ams1-a01", after=["shft"]), shift("shift")), fleet)
    assert (unknown.rule, unknown.mend) == ("order", "did you mean 'shift'?")
    double = only(make_plan(drain("d", "ams1-a01"), drain("d", "ams1-a02")), fleet)
    assert (double.rule, double.what) == ("order", "a second step 'd'")
    circle = only(make_plan(drain("a", "ams1-a01", after=["b"]), drain("b", "ams1-a02", after=["a"])), fleet)
    assert circle.rule == "order"
    assert "circle" in circle.what
    itself = only(make_plan(drain("a", "ams1-a01", after=["a"])), fleet)
    assert "circle" in itself.what


def test_conservation_looks_at_the_fleet_that_the_earlier_steps_leave(fleet: Fleet) -> None:
    move = {"from": "ml", "to": "web-pool", "type": "std", "racks": "ams1-a03", "count": 2}
    first = step("first", "capacity.move@1", move)
    second = step("second", "capacity.move@1", move, after=["first"])
    finding = only(make_plan(first, second), fleet)
    assert finding.rule == "conservation"
    assert finding.where == "plan step second params.count"
    assert finding.what == "ml owns 1 std in ams1-a03, not 2"
    back = step("back", "capacity.move@1", {**move, "from": "web-pool", "to": "ml"}, after=["first"])
    third = step("second", "capacity.move@1", move, after=["back"])
    assert static_checks(make_plan(first, back, third), fleet) == []


def test_replicas_stay_above_zero_and_on_enough_sites(fleet: Fleet) -> None:
    below = only(
        make_plan(step("s", "service.scale@1", {"service": "web", "site": "fra1", "replicas": "-8"})), fleet
    )
    assert (below.rule, below.what) == ("conservation", "web has 7 replicas at fra1: -8 leaves -1")
    lone = only(
        make_plan(step("s", "service.scale@1", {"service": "web", "site": "fra1", "replicas": 0})), fleet
    )
    assert (lone.rule, lone.what) == ("conservation", "web must stand at 2 sites and would stand at 1")


def test_budget_of_height_and_power(fleet: Fleet) -> None:
    params = {"racks": "ams1-a03", "type": "std", "owner": "ml", "count": 5}
    power = only(make_plan(step("add", "capacity.add@1", params)), fleet)
    assert (power.rule, power.mend) == ("budget", "4 more std fit")
    assert power.what == "rack ams1-a03 could draw 7.2 kW, its budget is 7 kW"
    height = static_checks(make_plan(step("add", "capacity.add@1", {**params, "type": "big"})), fleet)
    assert [finding.what for finding in height][
        0
    ] == "rack ams1-a03 would hold 53 U of servers in 42 U of space"
    assert static_checks(make_plan(step("add", "capacity.add@1", {**params, "count": 4})), fleet) == []


def test_sequence_of_drains_and_caps(fleet: Fleet) -> None:
    never = only(make_plan(undrain("back", "ams1-a01")), fleet)
    assert (never.rule, never.what) == ("sequence", "ams1-a01: undrained but not drained before")
    again = only(make_plan(drain("a", "ams1-a01"), drain("b", "ams1-a[01-02]", after=["a"])), fleet)
    assert (again.rule, again.what) == ("sequence", "ams1-a01: already drained by an earlier step")
    lift = only(make_plan(step("lift", "power.cap@1", {"racks": "ams1-a01", "lift": True})), fleet)
    assert (lift.rule, lift.what) == ("sequence", "ams1-a01: no cap to lift")


def test_scope_of_names_brackets_sites_and_kinds(fleet: Fleet) -> None:
    steps = (drain("d", "ams1-a[01-02]"), step("l", "link.drain@1", {"link": "ams1-fra1"}), shift("s"))
    for touch in (
        ("ams1-a[01-02]", "ams1-fra1", "web"),
        ("rack:ams1-a[01-02]", "link:ams1-fra1", "service:web"),
        ("region:eu", "service:web"),
        ("site:ams1", "site:fra1", "service:web"),
    ):
        assert static_checks(make_plan(*steps, touch=touch), fleet) == []
    one_end = only(make_plan(*steps, touch=("site:ams1", "service:web")), fleet)
    assert (one_end.rule, one_end.mend) == ("scope", "add it to scope.touch: link:ams1-fra1")
    no_web = only(make_plan(*steps, touch=("region:eu",)), fleet)
    assert no_web.what == "touches service:web, which is outside the plan's scope"


def test_scope_that_names_nothing(fleet: Fleet) -> None:
    plan = make_plan(drain("d", "ams1-a01"), touch=("site:ams1", "fra2", "unit:ams1-a01", "ams1-a[01-"))
    findings = static_checks(plan, fleet)
    assert [(finding.rule, finding.mend) for finding in findings] == [
        ("reference", "did you mean 'fra1'?"),
        ("reference", "write rack:ams1-a01"),
        ("scope", "add a ']'"),
    ]


def test_scope_counts_racks(fleet: Fleet) -> None:
    scope = {"touch": ["ams1"], "max_racks": 1}
    plan = make_plan(drain("d", "ams1-a01"), drain("e", "ams1-a02"), scope=scope)
    assert only(plan, fleet).what == "the steps touch 2 racks, the scope allows 1"


def test_overlap_counts_the_longest_each_step_may_take(fleet: Fleet) -> None:
    drained = drain("a", "ams1-a01", at="0 min", takes="20 min ± 5 min")
    cap = {"racks": "ams1-a[01-02]", "limit": "6 kW"}
    late = make_plan(drained, step("b", "power.cap@1", cap, at="25 min"))
    assert static_checks(late, fleet) == []
    early = only(make_plan(drained, step("b", "power.cap@1", cap, at="24 min")), fleet)
    assert (early.rule, early.mend) == ("overlap", "after: [a]")
    assert early.what == (
        "may run together with step a on rack:ams1-a01: "
        "it starts at +0:24:00, step a ends at +0:25:00 at the latest"
    )
    stalls = make_plan({**drained, "may_stall": "1 %"}, step("b", "power.cap@1", cap, at="25 min"))
    assert rules(static_checks(stalls, fleet)) == ["overlap"]
    after = make_plan(drained, step("b", "power.cap@1", cap, after=["a"]))
    assert static_checks(after, fleet) == []


def test_overlap_knows_indirect_order(fleet: Fleet) -> None:
    plan = make_plan(
        drain("a", "ams1-a01", takes="20 min ± 10 min"),
        shift("b", after=["a"], takes="1 min"),
        undrain("c", "ams1-a01", after=["b"]),
    )
    assert static_checks(plan, fleet) == []


def test_window(fleet: Fleet) -> None:
    plan = make_plan(step("m", "unit.maintain@1", {"unit": "ams1-msb-a", "lasts": "5 h"}))
    finding = only(plan, fleet, lines={("window",): 4})
    assert (finding.rule, finding.line) == ("window", 4)
    assert finding.what == "the window is 4:00:00 long and step m is expected to end at +5:00:00"


@pytest.mark.parametrize(
    ("claim", "rule", "key"),
    [
        ({"metric": "latency_p99", "limit": "<= 5"}, "claim", "metric"),
        ({"metric": "error_rate", "limit": "< 5 parsec"}, "claim", "limit"),
        ({"metric": "error_rate", "limit": "<= +5 % of reference"}, "claim", "limit"),
        ({"metric": "error_rate", "limit": "none new"}, "claim", "limit"),
        ({"metric": "error_rate", "limit": "inside"}, "claim", "limit"),
        ({"metric": "error_rate", "where": {"rack": "r"}, "limit": "<= 1 %"}, "claim", "where"),
        ({"metric": "error_rate", "where": {"service": "wab"}, "limit": "<= 1 %"}, "claim", "where"),
        ({"metric": "error_rate", "where": {"tier": 7}, "limit": "<= 1 %"}, "claim", "where"),
    ],
)
def test_claims(fleet: Fleet, claim: dict[str, Any], rule: str, key: str) -> None:
    for section in ("success", "rollback_when", "claims"):
        finding = only(make_plan(drain("d", "ams1-a01"), **{section: [claim]}), fleet)
        assert finding.rule == rule
        assert finding.where == f"plan {section}.{key}"


def test_many_at_once(fleet: Fleet) -> None:
    plan = make_plan(
        step("typo", "traffic.shfit@1", {}),
        step("old", "rack.drain@9", {}),
        drain("gone", "ams1-z[01-02]"),
        drain("out", "fra1-a01", takes="9 h"),
        undrain("never", "fra1-a02"),
        step("caps", "power.cap@1", {"racks": "fra1-a01", "limit": 500}),
        drain("clash", "fra1-a01", at="5 min"),
        touch=("site:ams1", "nowhere"),
        claims=[{"metric": "joy", "limit": "more"}],
    )
    findings = static_checks(plan, fleet)
    assert {finding.rule for finding in findings} == {
        "version", "reference", "params", "scope", "overlap", "window", "claim",
    }  # fmt: skip
    assert sum(finding.rule == "reference" for finding in findings) == 2
    assert "there are no racks ams1-z[01-02]" in [finding.what for finding in findings]
    assert all(finding.what and finding.where.startswith("plan") for finding in findings)


def test_a_wrong_step_does_not_make_later_ones_wrong(fleet: Fleet) -> None:
    plan = make_plan(
        step("drain", "rack.drain@1", {"racks": "ams1-a01", "batch": 0}),
        undrain("back", "ams1-a01", after=["drain"]),
    )
    assert rules(static_checks(plan, fleet)) == ["params"]


WORDS = [
    "ams1", "fra1", "web", "lone", "ml", "web-pool", "std", "big", "ams1-a[01-03]", "fra1-a01",
    "+2", "ams1-msb-a", "ams1-fra1", "ams1-a01-web", "ams1-a[", "12", "30 %", "5 kW", "1 h ± 5 min",
]  # fmt: skip
JUNK = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 50),
    st.floats(allow_nan=False),
    st.text(max_size=8),
    st.sampled_from(WORDS),
    st.lists(st.sampled_from(["ams1-a01", "ams1-a[01-02]", "x"]), max_size=3),
    st.dictionaries(st.text(), st.none(), max_size=1),
)
PARAMS = sorted(
    {info.alias or name for action in ACTIONS for name, info in action.params.model_fields.items()}
)
JUNK_STEPS = st.fixed_dictionaries(
    {"do": st.sampled_from([action.reference for action in ACTIONS]),
     "params": st.dictionaries(st.sampled_from([*PARAMS, "nonsense"]), JUNK, max_size=6)},
    optional={"after": st.lists(st.sampled_from(["s0", "s1", "s2", "s9"]), max_size=2, unique=True)},
)  # fmt: skip


@settings(max_examples=300)
@given(junk=st.lists(JUNK_STEPS, min_size=1, max_size=3))
def test_whatever_is_written_is_answered_with_findings(junk: list[dict[str, Any]]) -> None:
    plan = make_plan(*({"id": f"s{index}", **item} for index, item in enumerate(junk)))
    for finding in static_checks(plan, FLEET):
        assert finding.rule
        assert finding.what
    if not static_checks(plan, FLEET):
        resolve(plan, FLEET)


@given(
    chosen=st.lists(st.sampled_from(sorted(STEPS)), min_size=1, max_size=5),
    seed=st.integers(0, 1000),
)
def test_what_passes_can_be_played_and_never_takes_more_than_there_is(chosen: list[str], seed: int) -> None:
    risks = {"may_fail": "10 %", "may_half_apply": "20 %"}
    plan = make_plan(
        *(
            step(f"s{i}", do, STEPS[do], after=[f"s{i - 1}"] if i else [], takes="20 min ± 20 min", **risks)
            for i, do in enumerate(chosen)
        )
    )
    if static_checks(plan, FLEET):
        return
    schedule = resolve(plan, FLEET)
    for variant in schedule.variants:
        counts = {group.name: float(group.count) for group in schedule.fleet.server_groups}
        for item in schedule.timeline(variant, seed=seed).changes:
            if item.change.kind == "count":
                counts[item.change.target] += item.change.value
                assert counts[item.change.target] >= 0
