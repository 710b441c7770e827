"""The demo: documents that are sound, plans that differ in one number, three verdicts."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from scenarios.check import check_suite
from scenarios.fleets.example import example_fleet
from twin.cli.demo import PLANS, write_example
from twin.evaluate import check
from twin.files.documents import read_gates, read_plan, read_suite
from twin.files.fleet import read_fleet
from twin.gates.rules import make_rules
from twin.gates.static import static_checks
from twin.model.errors import UsageError
from twin.model.gateset import Replications

# Kind of plan -> the law that makes it unsafe, the device that its chain of causes names, the gate that fails.
KINDS = {
    "breaker": ("breakers", "iad1-b-panel-b trips", "trips"),
    "battery": ("batteries", "the battery of ams1-ups-1a is empty", "batteries"),
    "cooling": ("zones", "ams1-chiller-1 stops", "heat"),
    "backbone": ("congestion", "ams1-iad1 is offered", "links"),
    "latency": ("queueing", "web misses its SLO", "availability"),
    "spread": ("quorum", "sessions has lost its quorum", "quorum"),
}


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo") / "demo"
    write_example(folder)
    return folder


def test_the_example_reads_back_as_it_was(demo: Path) -> None:
    assert read_fleet(demo / "fleet.yaml") == example_fleet()
    assert sorted(path.name for path in demo.iterdir()) == ["fleet.yaml", "gates", "plans", "suites"]
    pairs = [f"{which}-{kind}" for kind in KINDS for which in ("safe", "unsafe")]
    assert sorted(path.stem for path in (demo / "plans").iterdir()) == sorted([*PLANS, *pairs])


def test_all_plans_pass_the_static_checks(demo: Path) -> None:
    fleet, gates = read_fleet(demo / "fleet.yaml"), read_gates(demo / "gates/maintenance.yaml")
    suite = read_suite(demo / "suites/maintenance.yaml")
    assert check_suite(suite, fleet) == suite
    for path in sorted((demo / "plans").iterdir()):
        plan = read_plan(path)
        assert not static_checks(plan, fleet)
        assert make_rules(gates, plan, fleet, chance=True)


def test_safe_and_unsafe_differ_in_one_number(demo: Path) -> None:
    safe, unsafe = (read_plan(demo / "plans" / f"{name}.yaml").model_dump() for name in ("safe", "unsafe"))
    different = {key for key in safe if safe[key] != unsafe[key]}
    assert different == {"plan", "description", "steps"}
    (one,), (other,) = safe["steps"], unsafe["steps"]
    assert {key for key in one if one[key] != other[key]} == {"at_s"}


@pytest.mark.parametrize("kind", KINDS)
def test_the_plans_of_a_kind_differ_in_one_number(demo: Path, kind: str) -> None:
    safe, unsafe = (
        read_plan(demo / "plans" / f"{which}-{kind}.yaml").model_dump() for which in ("safe", "unsafe")
    )
    assert {key for key in safe if safe[key] != unsafe[key]} == {"plan", "steps"}
    different = {
        (number, key)
        for number, (one, other) in enumerate(zip(safe["steps"], unsafe["steps"], strict=True))
        for key in one
        if one[key] != other[key]
    }
    assert len(different) == 1
    ((number, key),) = different
    if key == "params":
        one, other = safe["steps"][number][key], unsafe["steps"][number][key]
        assert len({name for name in one if one[name] != other[name]}) == 1


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_a_law_alone_makes_the_difference(demo: Path, kind: str) -> None:
    """The unsafe plan fails by the right device, its twin passes, and without the law the unsafe one passes as well."""
    law, device, gate = KINDS[kind]
    fleet, gates = read_fleet(demo / "fleet.yaml"), read_gates(demo / "gates/maintenance.yaml")
    suite = read_suite(demo / "suites/maintenance.yaml")
    safe, unsafe = (read_plan(demo / "plans" / f"{which}-{kind}.yaml") for which in ("safe", "unsafe"))
    failed = check(unsafe, fleet, gates=gates, suite=suite, jobs=2)
    assert failed.exit_code == 10
    assert failed[gate].result == "fail"
    lines = failed[gate].because.splitlines()
    assert any("plan:" in line for line in lines)
    assert any(device in line for line in lines)
    assert check(safe, fleet, gates=gates, suite=suite, jobs=2).exit_code == 0
    without = check(unsafe, fleet, gates=gates, suite=suite, jobs=2, without=(law,))
    assert without.exit_code == 0
    assert f"{law} (switched off)" in without.not_modelled


def test_nothing_that_somebody_changed_is_overwritten(demo: Path, tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    write_example(folder)
    write_example(folder)
    plan = folder / "plans/safe.yaml"
    plan.write_text(plan.read_text() + "# mine\n")
    with pytest.raises(UsageError, match="safe.yaml would be overwritten"):
        write_example(folder)
    write_example(folder, force=True)
    assert "# mine" not in plan.read_text()


@pytest.mark.slow
def test_three_verdicts(cli: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    outcome = cli("demo", "--jobs", 1)
    assert outcome.code == 0
    for name, result in (("safe", "PASS"), ("unsafe", "FAIL"), ("unproven", "INCONCLUSIVE")):
        assert f"{result}  demo/plans/{name}.yaml" in outcome.out
        assert (tmp_path / f"demo/reports/{name}.html").read_text().startswith("<!")
    assert "ams1-ups-2a is at 114" in outcome.out
    assert re.search(r"about \d+ more replications would decide", " ".join(outcome.out.split()))


@pytest.mark.slow
def test_the_predicted_replications_decide_the_unproven_plan(demo: Path) -> None:
    fleet, gates = read_fleet(demo / "fleet.yaml"), read_gates(demo / "gates/maintenance.yaml")
    suite, plan = read_suite(demo / "suites/maintenance.yaml"), read_plan(demo / "plans/unproven.yaml")
    verdict, budget = check(plan, fleet, gates=gates, suite=suite), gates.replications.max
    assert verdict.exit_code == 11
    for _ in range(2):  # a prediction is an estimate: its error halves with each look
        assert verdict.more_runs is not None
        budget += verdict.more_runs
        larger = gates.model_copy(
            update={"replications": Replications(first=gates.replications.first, max=budget)}
        )
        verdict = check(plan, fleet, gates=larger, suite=suite)
        assert verdict.replications["busy-evening"] <= budget
        if verdict.exit_code == 0:
            return
    pytest.fail(f"still {verdict.result} after {budget} replications")
