"""Each verb: what it refuses, what it changes and touches, and that its inverse takes everything back."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.actions.conftest import make_plan, small_fleet
from twin.actions import ACTIONS, find
from twin.actions.base import Action, Objection, Part
from twin.actions.fold import apply, fold, inverse, with_entities
from twin.actions.lookup import new_groups
from twin.actions.schedule import resolve
from twin.gates.static import static_checks
from twin.model.fleet import Fleet

FLEET = small_fleet()


def read(do: str, params: dict[str, Any]) -> tuple[Action[Any], Any]:
    action = find(do)
    assert isinstance(action, Action)
    values, wrong = action.read(params)
    assert values is not None, wrong
    return action, values


def parts_of(fleet: Fleet, do: str, **params: Any) -> list[Part]:
    action, values = read(do, params)
    assert list(action.check(fleet, values)) == []
    return action.changes(with_entities(fleet, action.entities(fleet, values)), values)


def changes_of(fleet: Fleet, do: str, **params: Any) -> list[tuple[float, str, str, str, float]]:
    parts = parts_of(fleet, do, **params)
    return [(p.fraction, p.change.kind, p.change.target, p.change.key, p.change.value) for p in parts]


def objections(fleet: Fleet, do: str, **params: Any) -> list[tuple[str, str]]:
    action, values = read(do, params)
    return [(objection.rule, objection.param) for objection in action.check(fleet, values)]


def locks(fleet: Fleet, do: str, **params: Any) -> tuple[str, ...]:
    action, values = read(do, params)
    return action.locks(fleet, values)


def test_the_registry_knows_each_verb_once_and_refuses_others() -> None:
    assert len({action.name for action in ACTIONS}) == len(ACTIONS) == 14
    assert all(find(action.reference) is action for action in ACTIONS)
    unknown, version = find("rack.dran@1"), find("rack.drain@0")
    assert isinstance(unknown, Objection)
    assert unknown.mend == "did you mean 'rack.drain'?"
    assert isinstance(version, Objection)
    assert version.what == "there is no version 0 of rack.drain"


def test_a_retired_version_says_what_to_do_instead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(find.__globals__["RETIRED"], "rack.drain@0", "use rack.drain@1")
    assert find("rack.drain@0") == Objection("version", "rack.drain@0 is retired", "use rack.drain@1", "do")


def test_rack_drain_goes_batch_by_batch(fleet: Fleet) -> None:
    found = changes_of(fleet, "rack.drain@1", racks=["ams1-a[01-02]", "ams1-a03"], batch=2)
    assert found == [
        (0.0, "drain", "ams1-a01", "", -1.0),
        (0.0, "drain", "ams1-a02", "", -1.0),
        (0.5, "drain", "ams1-a03", "", -1.0),
    ]
    assert parts_of(fleet, "rack.drain@1", racks="ams1-a[01-02]", batch=2)[0].text == "drain ams1-a[01-02]"
    assert locks(fleet, "rack.drain@1", racks="ams1-a[01-02]") == ("rack:ams1-a01", "rack:ams1-a02")
    assert objections(fleet, "rack.drain@1", racks="ams1-b01") == [("reference", "racks")]


def test_rack_undrain_counts_a_batch_when_it_is_done(fleet: Fleet) -> None:
    found = changes_of(fleet, "rack.undrain@1", racks="ams1-a[01-03]")
    assert [(fraction, value) for fraction, *_, value in found] == [(1 / 3, 1.0), (2 / 3, 1.0), (1.0, 1.0)]


def test_durations_grow_with_the_batches() -> None:
    action, params = read("rack.drain@1", {"racks": "r[1-5]", "batch": 2})
    assert action.duration(params).mean_s == 3 * 600
    action, params = read("rack.undrain@1", {"racks": "r[1-5]", "batch": 5})
    assert action.duration(params).mean_s == 300


@pytest.mark.parametrize("stages", [1, 2, 3, 7])
def test_traffic_shift_keeps_the_sum_and_empties_a_site_exactly(fleet: Fleet, stages: int) -> None:
    params = {"service": "web", "from": "ams1", "to": "fra1", "share": "100 %", "stages": stages}
    parts = parts_of(fleet, "traffic.shift@1", **params)
    after = apply(fleet, [part.change for part in parts])
    weights = {row.site: row.weight for row in after.deployments if row.service == "web"}
    assert weights["ams1"] == 0.0
    assert weights["fra1"] == pytest.approx(1.0)
    assert sorted({part.fraction for part in parts}) == pytest.approx([n / stages for n in range(stages)])


def test_traffic_shift_moves_a_share_of_the_weight(fleet: Fleet) -> None:
    params = {"service": "web", "from": "ams1", "to": "fra1", "share": "30 %"}
    cells = fold(part.change for part in parts_of(fleet, "traffic.shift@1", **params))
    assert cells == pytest.approx({("weight", "web", "ams1"): -0.21, ("weight", "web", "fra1"): 0.21})
    assert locks(fleet, "traffic.shift@1", **params) == ("service:web",)
    assert objections(fleet, "traffic.shift@1", **{**params, "service": "lone"}) == [("reference", "to")]
    assert objections(fleet, "traffic.shift@1", **{**params, "to": "ams1"}) == [("params", "to")]
    empty = apply(
        fleet, [part.change for part in parts_of(fleet, "traffic.shift@1", **{**params, "share": 1.0})]
    )
    assert objections(empty, "traffic.shift@1", **params) == [("conservation", "from")]


@pytest.mark.parametrize(
    ("asked", "left"), [(12, 12), ("+3", 10), ("-2", 5), ("+20 %", 9), ("-20%", 6), ("+100 %", 14), (0, 0)]
)
def test_service_scale_reads_numbers_and_differences(fleet: Fleet, asked: Any, left: int) -> None:
    action, params = read("service.scale@1", {"service": "web", "site": "fra1", "replicas": asked})
    after = apply(fleet, [part.change for part in action.changes(fleet, params)])
    assert next(row.replicas for row in after.deployments if row.site == "fra1") == left


def test_service_scale_comes_in_stages_and_refuses_nonsense(fleet: Fleet) -> None:
    parts = parts_of(fleet, "service.scale@1", service="web", site="fra1", replicas="+10")
    assert [part.fraction for part in parts] == [0.25, 0.5, 0.75, 1.0]
    assert sum(part.change.value for part in parts) == 10
    assert len(parts_of(fleet, "service.scale@1", service="web", site="fra1", replicas=8)) == 1
    action = find("service.scale@1")
    assert isinstance(action, Action)
    for nonsense in (-1, "20 %", "+1.5", True, None, 1.5, "more"):
        assert action.read({"service": "web", "site": "fra1", "replicas": nonsense})[0] is None
    assert objections(fleet, "service.scale@1", service="web", site="fra1", replicas=7) == [
        ("params", "replicas")
    ]
    assert objections(fleet, "service.scale@1", service="lone", site="fra1", replicas=7) == [
        ("reference", "site")
    ]


@pytest.mark.parametrize(
    ("unit", "lock"),
    [("ams1-msb-a", "unit:ams1-msb-a"), ("ams1-crah", "plant:ams1-crah"), ("ams1-bb", "switch:ams1-bb")],
)
def test_unit_maintain_takes_out_and_gives_back(fleet: Fleet, unit: str, lock: str) -> None:
    assert changes_of(fleet, "unit.maintain@1", unit=unit) == [
        (0.0, "state", unit, "", -1.0),
        (1.0, "state", unit, "", 1.0),
    ]
    assert locks(fleet, "unit.maintain@1", unit=unit) == (lock,)
    assert objections(fleet, "unit.maintain@1", unit="ams1-a01") == [("reference", "unit")]


def test_link_drain_lasts_as_long_as_it_says(fleet: Fleet) -> None:
    action, params = read("link.drain@1", {"link": "ams1-fra1", "lasts": "45 min ± 5 min"})
    assert (action.duration(params).mean_s, action.duration(params).spread_s) == (2700, 300)
    assert locks(fleet, "link.drain@1", link="ams1-fra1") == ("link:ams1-fra1",)
    assert [value for *_, value in changes_of(fleet, "link.drain@1", link="ams1-fra1")] == [-1.0, 1.0]


def test_route_weight_stays_unless_it_lasts(fleet: Fleet) -> None:
    on = {"link": "ams1-fra1", "add": "20 ms"}
    assert changes_of(fleet, "route.weight@1", **on) == [(0.0, "metric", "ams1-fra1", "", 0.02)]
    assert changes_of(fleet, "route.weight@1", **on, lasts="1 h")[1:] == [
        (1.0, "metric", "ams1-fra1", "", -0.02)
    ]
    action, params = read("route.weight@1", {**on, "lasts": "45 min ± 5 min"})
    assert (action.duration(params).mean_s, action.duration(params).spread_s) == (2700, 300)
    assert locks(fleet, "route.weight@1", **on) == ("link:ams1-fra1",)
    text = parts_of(fleet, "route.weight@1", **on)[0].text
    assert text == "routers take ams1-fra1 to be 20 ms longer"


def test_route_weight_refuses_what_routers_cannot_use(fleet: Fleet) -> None:
    link = fleet.links[0].model_copy(update={"latency_s": 0.005})
    tor = fleet.switches[0].model_copy(update={"name": "ams1-t", "tier": "tor"})
    inner = link.model_copy(update={"name": "up", "a": "ams1-t", "b": "ams1-bb"})
    one = fleet.model_copy(update={"links": (link, inner), "switches": (*fleet.switches, tor)})
    for name, add, expected in (
        ("nowhere", "1 ms", [("reference", "link")]),
        ("up", "1 ms", [("params", "link")]),
        ("ams1-fra1", "0 ms", [("params", "add")]),
        ("ams1-fra1", "-6 ms", [("params", "add")]),
        ("ams1-fra1", "-5 ms", []),
    ):
        assert objections(one, "route.weight@1", link=name, add=add) == expected


def test_cooling_setpoint_changes_the_difference_and_stays_below_throttling(fleet: Fleet) -> None:
    found = changes_of(fleet, "cooling.setpoint@1", zones="a", supply="25 °C")
    assert found == [(0.0, "setpoint", "a", "", 3.0)]
    racks = tuple(f"rack:ams1-a{number:02d}" for number in (1, 2, 3))  # not those of row a at fra1
    assert locks(fleet, "cooling.setpoint@1", zones="a", supply="25 °C") == racks
    later = apply(
        fleet, [part.change for part in parts_of(fleet, "cooling.setpoint@1", zones="a", supply="25 °C")]
    )
    assert changes_of(later, "cooling.setpoint@1", zones="a", supply="24 °C")[0][-1] == -1.0
    for supply, wrong in (
        ("35 °C", ("budget", "supply")),
        ("9 °C", ("budget", "supply")),
        ("22 °C", ("params", "supply")),
    ):
        assert objections(fleet, "cooling.setpoint@1", zones="a", supply=supply) == [wrong]
    assert objections(fleet, "cooling.setpoint@1", zones="b", supply="24 °C") == [("reference", "zones")]


def test_power_cap_shares_a_limit_by_nameplate(fleet: Fleet) -> None:
    # Ten servers of 400 W in each rack, and one to three more in ams1.
    found = changes_of(fleet, "power.cap@1", racks="ams1-a[01-02]", limit="4600 W")
    assert [(kind, target) for _, kind, target, _, _ in found] == [("cap", "ams1-a01"), ("cap", "ams1-a02")]
    assert [value for *_, value in found] == pytest.approx([2200.0, 2400.0])
    by_unit = changes_of(fleet, "power.cap@1", unit="ams1-msb-b", limit="4600 W")
    assert by_unit == found  # ams1-a03 is fed by side a only
    assert len(changes_of(fleet, "power.cap@1", unit="ams1-grid", limit="10 kW")) == 3
    assert objections(fleet, "power.cap@1", racks="ams1-a01", limit="1 kW") == [("budget", "limit")]
    assert objections(fleet, "power.cap@1", racks="ams1-a01", limit="1100 W") == []
    lifted = changes_of(fleet, "power.cap@1", racks="ams1-a01", lift=True)
    assert lifted == [(1.0, "cap", "ams1-a01", "", math.inf)]


def test_power_cap_wants_one_target_and_one_deed() -> None:
    action = find("power.cap@1")
    assert isinstance(action, Action)
    for params in (
        {"limit": "5 kW"},
        {"racks": "r1", "unit": "u", "limit": "5 kW"},
        {"racks": "r1"},
        {"racks": "r1", "limit": "5 kW", "lift": True},
        {"racks": "r1", "limit": "0 W"},
        {"racks": "r1", "limit": 5},
    ):
        assert action.read(params)[0] is None


def test_capacity_move_is_in_nobodys_hands_in_between(fleet: Fleet) -> None:
    params = {"from": "ml", "to": "web-pool", "type": "std", "site": "ams1", "count": 3}
    found = changes_of(fleet, "capacity.move@1", **params)
    # One, two and three servers: half of each, the odd one by largest remainder.
    assert [(fraction, target, value) for fraction, _, target, _, value in found] == [
        (0.0, "ams1-a01-ml", -1.0), (0.0, "ams1-a02-ml", -1.0), (0.0, "ams1-a03-ml", -1.0),
        (1.0, "ams1-a01-web", 1.0), (1.0, "ams1-a02-web", 1.0), (1.0, "ams1-a03-web", 1.0),
    ]  # fmt: skip
    assert locks(fleet, "capacity.move@1", **params) == ("rack:ams1-a01", "rack:ams1-a02", "rack:ams1-a03")
    assert objections(fleet, "capacity.move@1", **{**params, "count": 7}) == [("conservation", "count")]
    assert objections(fleet, "capacity.move@1", **{**params, "to": "ml"}) == [("params", "to")]
    assert objections(fleet, "capacity.move@1", **{**params, "site": "ams2"}) == [("reference", "site")]


def test_capacity_move_makes_the_group_it_needs_and_knows_services_from_reservations(fleet: Fleet) -> None:
    action, params = read(
        "capacity.move@1", {"from": "web-pool", "to": "ml", "type": "std", "racks": "fra1-a01", "count": 2}
    )
    (group,) = action.entities(fleet, params)
    assert (group.name, group.rack, group.owner, group.count) == ("fra1-a01-std-ml", "fra1-a01", "ml", 0)
    _, wrong = read("capacity.move@1", {"from": "web", "to": "ml", "type": "std", "site": "ams1", "count": 1})
    (objection,) = action.check(fleet, wrong)
    assert objection.mend == "service 'web' draws from reservation 'web-pool'"


def test_capacity_add_spreads_evenly_within_height_and_power(fleet: Fleet) -> None:
    params = {"racks": "fra1-a[01-03]", "type": "std", "owner": "ml", "count": 5}
    assert [(target, value) for _, _, target, _, value in changes_of(fleet, "capacity.add@1", **params)] == [
        ("fra1-a01-std-ml", 2.0), ("fra1-a02-std-ml", 2.0), ("fra1-a03-std-ml", 1.0),
    ]  # fmt: skip
    assert objections(fleet, "capacity.add@1", **{**params, "count": 30}) == [("budget", "count")] * 3
    assert objections(fleet, "capacity.add@1", **{**params, "type": "stt", "owner": "x"}) == [
        ("reference", "type"), ("reference", "owner"),
    ]  # fmt: skip


def test_a_new_group_never_takes_a_name_that_exists(fleet: Fleet) -> None:
    taken = fleet.racks[0].model_copy(update={"name": "fra1-a01-std-ml"})
    fleet = Fleet.model_construct(
        **{**{k: getattr(fleet, k) for k in Fleet.model_fields}, "racks": (*fleet.racks, taken)}
    )
    action, params = read("capacity.add@1", {"racks": "fra1-a01", "type": "std", "owner": "ml", "count": 1})
    assert [group.name for group in action.entities(fleet, params)] == ["fra1-a01-std-ml-2"]


def test_capacity_retire_by_group_or_by_description(fleet: Fleet) -> None:
    by_group = changes_of(fleet, "capacity.retire@1", group="ams1-a03-ml", count=3)
    by_words = changes_of(fleet, "capacity.retire@1", racks="ams1-a03", type="std", owner="ml", count=3)
    assert by_group == by_words == [(0.0, "count", "ams1-a03-ml", "", -3.0)]
    assert objections(fleet, "capacity.retire@1", group="ams1-a03-ml", count=4) == [("conservation", "count")]
    assert (
        objections(fleet, "capacity.retire@1", group="ams1-a03", count=1)
        == [("reference", "group"), ("conservation", "count")][:1]
    )
    action = find("capacity.retire@1")
    assert isinstance(action, Action)
    assert action.read({"count": 1, "racks": "r", "type": "std"})[0] is None
    assert action.read({"count": 1, "group": "g", "type": "std"})[0] is None


def test_service_tune_sets_what_differs_and_only_that(fleet: Fleet) -> None:
    now = next(service for service in fleet.services if service.name == "web")
    tuned = changes_of(
        fleet, "service.tune@1", service="web", retries=0, retry_budget=2.5, refuse="20 %", site="fra1"
    )
    assert tuned == [
        (1.0, "retries", "web", "", -float(now.retries)),
        (1.0, "budget", "web", "", 2.5 - now.retry_budget),
        (1.0, "shed", "web", "fra1", 0.2),
    ]
    assert changes_of(fleet, "service.tune@1", service="web", let_in=0.2) == [(1.0, "shed", "web", "*", -0.2)]
    assert locks(fleet, "service.tune@1", service="web", retries=0) == ("service:web",)
    assert objections(fleet, "service.tune@1", service="web", retries=now.retries) == [("params", "service")]
    assert objections(fleet, "service.tune@1", service="wbe", retries=1) == [("reference", "service")]


def test_a_second_tuning_starts_from_the_first(fleet: Fleet) -> None:
    first = parts_of(fleet, "service.tune@1", service="web", retries=0, retry_budget=2.0)
    then = apply(fleet, [part.change for part in first])
    assert changes_of(then, "service.tune@1", service="web", retries=1, retry_budget=2.5) == [
        (1.0, "retries", "web", "", 1.0),
        (1.0, "budget", "web", "", 0.5),
    ]


@pytest.mark.parametrize(
    "params", [{}, {"refuse": 0.1, "let_in": 0.1}, {"retries": 1, "site": "fra1"}, {"retries": 11}]
)
def test_service_tune_refuses_what_makes_no_sense(params: dict[str, Any]) -> None:
    action = find("service.tune@1")
    assert isinstance(action, Action)
    assert action.read({"service": "web", **params})[0] is None


STEPS: dict[str, dict[str, Any]] = {
    "capacity.move@1": {"from": "ml", "to": "web-pool", "type": "std", "site": "ams1", "count": 4},
    "capacity.add@1": {"racks": "fra1-a[01-03]", "type": "std", "owner": "ml", "count": 5},
    "capacity.retire@1": {"racks": "ams1-a[01-03]", "type": "std", "owner": "ml", "count": 4},
    "traffic.shift@1": {"service": "web", "from": "ams1", "to": "fra1", "share": "30 %", "stages": 3},
    "service.scale@1": {"service": "web", "site": "fra1", "replicas": "+50 %"},
    "service.tune@1": {"service": "web", "retries": 0, "retry_budget": "5 %", "refuse": "20 %"},
    "rack.drain@1": {"racks": "ams1-a[01-03]", "batch": 2},
    "rack.undrain@1": {"racks": "ams1-a[01-03]", "batch": 2},
    "rack.refeed@1": {"racks": "ams1-a03", "feeds": "ams1-msb-b"},
    "unit.maintain@1": {"unit": "ams1-msb-a"},
    "power.cap@1": {"racks": "ams1-a[01-02]", "limit": "5 kW"},
    "link.drain@1": {"link": "ams1-fra1"},
    "route.weight@1": {"link": "ams1-fra1", "add": "20 ms"},
    "cooling.setpoint@1": {"zones": "a", "supply": "25 °C"},
}


def test_every_verb_has_a_step_here() -> None:
    assert sorted(STEPS) == sorted(action.reference for action in ACTIONS)


@given(do=st.sampled_from(sorted(STEPS)), done=st.integers(0, 20))
def test_the_inverse_of_whatever_was_done_restores(do: str, done: int) -> None:
    parts = sorted(parts_of(FLEET, do, **STEPS[do]), key=lambda part: part.fraction)[:done]
    undone = inverse(parts)
    left = fold([part.change for part in (*parts, *undone)])
    assert {cell: value for cell, value in left.items() if abs(value) > 1e-12} == {}
    assert all(0.0 <= part.fraction <= 1.0 for part in undone)
    assert [part.fraction for part in undone] == sorted(part.fraction for part in undone)


def test_what_a_step_gives_back_itself_is_not_undone(fleet: Fleet) -> None:
    parts = parts_of(fleet, "unit.maintain@1", unit="ams1-msb-a")
    assert inverse(parts) == []
    assert [part.change.value for part in inverse(parts[:1])] == [1.0]


def test_the_inverse_of_a_cap_is_the_cap_before_it(fleet: Fleet) -> None:
    parts = parts_of(fleet, "power.cap@1", racks="ams1-a01", limit="4 kW")
    assert [part.change.value for part in inverse(parts)] == [math.inf]
    before = fold(part.change for part in parts_of(fleet, "power.cap@1", racks="ams1-a01", limit="3 kW"))
    assert [part.change.value for part in inverse(parts, before)] == [3000.0]


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.reference)
def test_the_example_of_every_verb_passes_the_static_checks(action: Action[Any], fleet: Fleet) -> None:
    steps = action.example(fleet)
    assert action.reference in [step["do"] for step in steps]
    scope = {"touch": ["region:eu", *(service.name for service in fleet.services)]}
    plan = make_plan(*steps, scope=scope)
    assert static_checks(plan, fleet) == []
    assert resolve(plan, fleet).timeline().changes


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.reference)
def test_every_parameter_is_described_and_has_a_schema(action: Action[Any]) -> None:
    schema = action.params.model_json_schema(by_alias=True)
    assert action.text
    for name, field in schema["properties"].items():
        assert field.get("description"), name


def test_apply_changes_only_the_tables(fleet: Fleet) -> None:
    drained = apply(fleet, [part.change for part in parts_of(fleet, "rack.drain@1", racks="ams1-a01")])
    assert drained is fleet
    scaled = apply(
        fleet, [part.change for part in parts_of(fleet, "capacity.retire@1", group="ams1-a03-ml", count=2)]
    )
    assert scaled.things["ams1-a03-ml"][1].count == 1
    assert fleet.things["ams1-a03-ml"][1].count == 3


@pytest.mark.parametrize("do", ["capacity.move@1", "capacity.add@1", "traffic.shift@1"])
def test_the_view_of_things_that_is_carried_over_is_the_one_built_anew(fleet: Fleet, do: str) -> None:
    action, params = read(do, STEPS[do])
    grown = with_entities(fleet, action.entities(fleet, params))
    after = apply(grown, [part.change for part in action.changes(grown, params)])
    anew = Fleet.model_construct(**{name: getattr(after, name) for name in Fleet.model_fields})
    assert after.things == anew.things
    assert after.things != fleet.things or do == "traffic.shift@1"


def test_new_groups_of_one_step_have_different_names(fleet: Fleet) -> None:
    groups = new_groups(fleet, [("fra1-a01", "x-std", "ml"), ("fra1-a01-x", "std", "ml")])
    assert [group.name for group in groups] == ["fra1-a01-x-std-ml", "fra1-a01-x-std-ml-2"]


def test_service_scale_without_a_site_scales_every_site(fleet: Fleet) -> None:
    action, params = read("service.scale@1", {"service": "web", "replicas": "+20 %"})
    parts = action.changes(fleet, params)
    after = apply(fleet, [part.change for part in parts])
    assert [row.replicas for row in after.deployments] == [12, 9, 3]  # 7 and a fifth is 9; lone is left alone
    assert [part.fraction for part in parts] == sorted(part.fraction for part in parts)
    # At every stage both sites have come equally far, and back again nothing is left.
    assert {part.change.key for part in parts if part.fraction == 0.5} == {"ams1", "fra1"}
    back = fold(part.change for part in [*parts, *inverse(parts)])
    assert all(value == 0 for value in back.values())


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("+0 %", [("params", "replicas")]),
        ("-8", [("conservation", "replicas")]),  # fra1 has 7
        (0, [("conservation", "replicas")]),  # it must stand at two sites
        (7, []),  # ams1 has 10
    ],
)
def test_service_scale_without_a_site_is_checked_at_every_site(
    fleet: Fleet, asked: Any, found: list[tuple[str, str]]
) -> None:
    assert objections(fleet, "service.scale@1", service="web", replicas=asked) == found
