"""Plans, gate sets and suites go out and come back equal; each raises its own error, with every problem."""

from __future__ import annotations

import json

import pytest

from tests.files.samples import DOCUMENTS, PLAN
from twin.files.digest import digest
from twin.files.documents import read_any, read_document, read_gates, read_plan, read_suite, write_document
from twin.model.errors import DocumentError, FleetError, GateError, PlanError, ScenarioError
from twin.model.fleet import Fleet

READERS = {
    "plan": (read_plan, PlanError),
    "gates": (read_gates, GateError),
    "suite": (read_suite, ScenarioError),
}


def write(path, text: str):
    path.write_text(text)
    return path


def problems(reader, path) -> list[str]:
    with pytest.raises(DocumentError) as caught:
        reader(path)
    return [str(problem).replace(f"{path.parent}/", "") for problem in caught.value.problems]


@pytest.mark.parametrize("kind", READERS)
@pytest.mark.parametrize("suffix", ["yaml", "json"])
def test_round_trip(tmp_path, kind, suffix):
    record = READERS[kind][0](write(tmp_path / "a.yaml", DOCUMENTS[kind]))
    write_document(record, tmp_path / f"b.{suffix}")
    again = READERS[kind][0](tmp_path / f"b.{suffix}")
    assert again == record == read_any(tmp_path / f"b.{suffix}")
    assert digest(again) == digest(record)
    assert "schema" in (tmp_path / f"b.{suffix}").read_text()


@pytest.mark.parametrize("kind", READERS)
@pytest.mark.parametrize("other", DOCUMENTS)
def test_another_kind_is_recognised(tmp_path, kind, other):
    if kind == other:
        return
    reader, error = READERS[kind]
    path = write(tmp_path / "x.yaml", DOCUMENTS[other])
    nouns = {"plan": "a plan", "gates": "a gate set", "suite": "a suite", "fleet": "a fleet"}
    with pytest.raises(error):
        reader(path)
    assert problems(reader, path)[0].startswith(f"x.yaml:1: this is {nouns[other]}, not {nouns[kind]}")


@pytest.mark.parametrize(
    ("kind", "old", "new", "messages"),
    [
        (
            "plan",
            "schema: 1",
            "schema: 2",
            ["a.yaml:2 schema: schema 2 is not supported (this fleetwin reads schema 1)"],
        ),
        ("plan", "at: 0 min", "at: 0", ["a.yaml:7 steps[0] 'drain' at: 0 has no unit; write e.g. '0 min'"]),
        ("plan", "takes: 20 min", "takes: 20", ["steps[0] 'drain' takes: '20' has no unit of duration"]),
        ("plan", "± 5 min", "± 25 min", ["a.yaml:7 steps[0] 'drain' takes:"]),
        (
            "plan",
            "rack.drain@1",
            "rack.drain",
            ["do: 'rack.drain' is not an action with a version (write noun.verb@version"],
        ),
        (
            "plan",
            "after: [drain]",
            "after: drain",
            ["steps[1] 'back' after: 'drain' is not a list (write [drain])"],
        ),
        ("plan", "05:00Z", "00:00Z", ["a.yaml:4 window: not_after is not after not_before"]),
        ("plan", "2026-11-21T05:00Z", "tomorrow", ["a.yaml:4 window.not_after: 'tomorrow' is not a time"]),
        ("plan", "metric: peak_kw, ", "", ["a.yaml:11 claims[0] metric: 'metric' is missing (add 'metric')"]),
        ("plan", "may_fail: 1 %", "may_fial: 1 %", ["unknown key 'may_fial' (did you mean 'may_fail'?)"]),
        ("plan", "may_fail: 1 %", "may_fail: 101 %", ["may_fail: '101 %' must not be above 100 %"]),
        ("plan", "schema: 1", "schema: 1\nfleet: sha256:12", ["a.yaml:3 fleet: 'sha256:12' is not a digest"]),
        (
            "gates",
            "estimator: probability",
            "estimator: probabilty",
            ["estimator: 'probabilty' is not one of", "did you mean"],
        ),
        ("gates", "first: 10", "first: 1000", ["a.yaml:4 replications: 'first' is larger than 'max'"]),
        (
            "gates",
            "rules:",
            "gates:",
            ["a.yaml:5: the key 'gates' is given twice", "a.yaml:1 rules: 'rules' is missing"],
        ),
        ("gates", "gate: energy", "gate: breakers", ["gate 'breakers' is an invariant and cannot be waived"]),
        ("suite", "- scenario: calm\n", "- scenario: heat\n", ["scenario named twice: heat"]),
        ("suite", "- scenario: calm\n", "- calm\n", ["a.yaml:4 scenarios[0]: 'calm' is not a group of keys"]),
    ],
)
def test_what_is_wrong_is_told(tmp_path, kind, old, new, messages):
    assert old in DOCUMENTS[kind]
    reader, error = READERS[kind]
    path = write(tmp_path / "a.yaml", DOCUMENTS[kind].replace(old, new))
    with pytest.raises(error):
        reader(path)
    found = problems(reader, path)
    assert len(found) <= 2
    for message in messages:
        assert any(message in problem for problem in found), found


def test_a_list_of_wrong_items_is_not_called_empty(tmp_path):
    path = write(tmp_path / "a.yaml", "suite: x\nscenarios:\n- scenari: calm\n")
    assert problems(read_suite, path) == [
        "a.yaml:3 scenarios[0] scenario: 'scenario' is missing (add 'scenario')",
        "a.yaml:3 scenarios[0] scenari: unknown key 'scenari' (did you mean 'scenario'?)",
    ]


def test_a_suite_without_scenarios(tmp_path):
    path = write(tmp_path / "a.yaml", "suite: x\nscenarios: []\n")
    assert problems(read_suite, path) == ["a.yaml:2 scenarios: is empty (give at least 1)"]


def test_the_short_form_of_a_hazard(tmp_path):
    suite = read_suite(write(tmp_path / "a.yaml", DOCUMENTS["suite"]))
    assert [(hazard.kind, hazard.params) for hazard in suite.scenarios[1].hazards] == [
        ("heat-wave", {"site": "ams1", "peak": "43 °C"}),
        ("lose", {"unit": "ups-a"}),
    ]


def test_a_document_of_no_kind(tmp_path):
    path = write(tmp_path / "a.yaml", "x: 1\n")
    assert problems(read_any, path)[0].startswith(
        "a.yaml:1: this is none of a drill, a plan, a gate set, a suite, a fleet"
    )
    assert problems(read_plan, path)[0].startswith("a.yaml:1: this is not a plan: it has no key 'plan'")


def test_json_is_the_same_document(tmp_path):
    plan = read_plan(write(tmp_path / "a.yaml", PLAN))
    write_document(plan, tmp_path / "a.json")
    shuffled = dict(sorted(json.loads((tmp_path / "a.json").read_text()).items(), reverse=True))
    again = read_plan(write(tmp_path / "b.json", json.dumps(shuffled)))
    assert again == plan


def test_a_fleet_is_read_through_the_same_door(tmp_path):
    path = write(tmp_path / "fleet.yaml", DOCUMENTS["fleet"])
    assert read_document(path, Fleet) == read_any(path)
    with pytest.raises(FleetError):
        read_document(tmp_path / "none.yaml", Fleet)
