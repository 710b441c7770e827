"""`fleetwin check` at its border: where problems lie, and what belongs on which stream."""

from __future__ import annotations

import html
import json
from collections.abc import Callable
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "scenarios" / "examples" / "three-racks"
PLAN, FLEET = str(FOLDER / "plans/row-b-maintenance.yaml"), str(FOLDER / "fleet.yaml")
GATES = FOLDER / "gates/maintenance.yaml"
Run = Callable[..., tuple[int, str, str]]


def test_a_gate_on_an_unknown_metric_is_found_at_its_line(cli: Run, tmp_path: Path) -> None:
    bad = tmp_path / "gates.yaml"
    bad.write_text(
        "gates: x\nsuite: calm\nrules:\n  - {id: fine, metric: overloads, estimator: invariant, pass: none}\n"
        "  - {id: bad, metric: overlods, estimator: invariant, pass: none}\n"
    )
    code, _, err = cli("check", PLAN, "--fleet", FLEET, "--gates", str(bad))
    assert code == 2
    assert f"{bad}:5" in err
    assert "did you mean 'overloads'" in err


def test_a_hazard_that_strikes_nothing_is_found_at_its_line(cli: Run, tmp_path: Path) -> None:
    bad = tmp_path / "suite.yaml"
    bad.write_text(
        "suite: x\nscenarios:\n  - scenario: calm\n  - scenario: lost\n    hazards: [{loss: {thing: nowhere}}]\n"
    )
    code, _, err = cli("check", PLAN, "--fleet", FLEET, "--gates", str(GATES), "--suite", str(bad))
    assert code == 2
    assert f"{bad}:4" in err


def test_a_report_on_the_standard_output_stands_alone(cli: Run) -> None:
    options = ("--fleet", FLEET, "--gates", str(GATES), "--suite", "calm", "--jobs", "1")
    code, out, err = cli("check", PLAN, *options, "--out", "json=-")
    assert json.loads(out)["plan"] == "row-b-maintenance"
    assert f"(exit code {code})" in err


def test_two_reports_do_not_share_the_standard_output(cli: Run) -> None:
    code, out, err = cli("check", PLAN, "--fleet", FLEET, "--gates", str(GATES), "--json", "--out", "md=-")
    assert (code, out) == (2, "")
    assert "would mix" in err


def test_a_trace_lies_beside_its_suite(cli: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "trace").mkdir()
    suite = tmp_path / "trace" / "suite.yaml"
    suite.write_text("suite: x\nscenarios: [{scenario: t, hazards: [{replay-outages: {file: t.csv}}]}]\n")
    (tmp_path / "trace" / "t.csv").write_text("name,start_s,end_s\nams1-msb-1,nan,20\n")
    monkeypatch.chdir(tmp_path)
    code, _, err = cli("check", PLAN, "--fleet", FLEET, "--gates", str(GATES), "--suite", str(suite))
    assert code == 2
    assert "t.csv:2" in err
    (tmp_path / "trace" / "t.csv").write_text("name,start_s,end_s\nams1-msb-1,10,20\n")
    code, _, err = cli(
        "check", PLAN, "--fleet", FLEET, "--gates", str(GATES), "--suite", str(suite), "--jobs", "1"
    )
    assert code in (0, 10), err


def test_at_another_demand_all_that_follows_from_the_file_is_at_that_demand(cli: Run, tmp_path: Path) -> None:
    """What the verdict found first, `explain` and `replay` find in the stored one; the page says how to get it again."""
    options = ("--fleet", FLEET, "--gates", str(GATES), "--suite", "calm", "--jobs", "1")
    file, page = tmp_path / "v.json", tmp_path / "v.html"
    code, out, _ = cli("check", PLAN, *options, "--demand", "+20%", "--out", f"json={file},html={page}")
    assert (code, "demand +20%" in out) == (10, True)
    stored = json.loads(file.read_text())
    assert stored["inputs"]["demand"] == "+20%"
    assert "--demand +20%" in page.read_text()
    (gate,) = stored["gate_results"]
    violation = gate["counter_example"]["violation"]
    code, out, _ = cli("replay", str(file), "breakers")
    assert (code, out.count(violation)) == (0, 2)  # the headline, and the line of the timeline
    code, out, _ = cli("explain", str(file))
    assert (code, "demand +20%" in out, violation in out) == (0, True, True)
    assert cli("check", PLAN, *options)[0] == 0  # today's demand is fine


@pytest.mark.parametrize(
    "command", [("check", PLAN, "--fleet", FLEET, "--gates", str(GATES)), ("simulate", FLEET)]
)
@pytest.mark.parametrize("change", ["20", "+abc", "-100%"])
def test_a_change_of_demand_that_makes_no_sense(cli: Run, command: tuple[str, ...], change: str) -> None:
    code, _, err = cli(*command, "--demand", change)
    assert code == 2
    assert "write e.g. '+20%'" in " ".join(err.split())


def test_reports_say_how_to_play_it_again_with_the_file_of_the_verdict_where_there_is_one(
    cli: Run, tmp_path: Path
) -> None:
    options = ("--fleet", FLEET, "--gates", str(GATES), "--suite", "calm", "--jobs", "1", "--demand", "+20%")
    kinds = ("html", "md", "junit", "sarif")
    files = {kind: tmp_path / f"report.{kind}" for kind in kinds}
    out = ",".join(f"{kind}={file}" for kind, file in files.items())
    clock = ("--as-of", "2026-11-20T12:00Z")
    told = [
        cli("check", PLAN, *options, *clock, "--out", out).out,
        *(file.read_text() for file in files.values()),
    ]
    for text in told:  # not stored: how to store it comes first
        assert "VERDICT.json" not in text
        assert text.index("json=verdict.json") < text.index("fleetwin replay verdict.json breakers")
    stored, other = tmp_path / "my verdict.json", tmp_path / "other.json"
    told = [
        " ".join(cli("check", PLAN, *options, *clock, "--out", f"json={stored}", "--out", out).out.split()),
        *(file.read_text() for file in files.values()),
    ]
    for text in told:
        assert f"fleetwin replay '{stored}' breakers" in html.unescape(text)
    assert f"--out 'json={stored},html=verdict.html'" in html.unescape(files["html"].read_text())
    cli("check", PLAN, *options, *clock, "--out", f"json={other}")
    assert stored.read_bytes() == other.read_bytes()


def test_a_long_plan_is_judged_in_stretches_and_says_so(cli: Run, tmp_path: Path) -> None:
    plan = tmp_path / "plan.yaml"
    plan.write_text(Path(PLAN).read_text().replace("not_after: 2026-11-21", "not_after: 2027-05-21", 1))
    stored, gates = tmp_path / "verdict.json", tmp_path / "gates.yaml"
    gates.write_text(
        'gates: x\nsuite: calm\nrules:\n  - {id: energy, metric: it_energy_kwh, pass: "<= 1 kWh"}\n'
    )
    options = ("--fleet", FLEET, "--gates", str(gates), "--suite", "calm", "--jobs", "1", "--growth", "400%")
    code, out, _ = cli("check", str(plan), *options, "--out", f"json={stored},html={tmp_path / 'v.html'}")
    verdict = json.loads(stored.read_text())
    assert verdict["scenarios"] == [f"calm@{one['label']}" for one in verdict["stretches"]]
    assert len(verdict["stretches"]) == 7 and verdict["demand_at_end"] > 2.0
    for text in (out, (tmp_path / "v.html").read_text()):
        assert "--whole-window plays them as well" in " ".join(text.split())
    code, out, _ = cli("replay", str(stored), "energy")
    assert code == 0 and "in scenario calm@20" in out
    code, _, _ = cli("check", str(plan), *options, "--whole-window", "--out", f"json={stored}")
    assert json.loads(stored.read_text())["scenarios"] == ["calm"]
