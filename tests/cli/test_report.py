"""``fleetwin report capacity``: from a plan and its solution to every face of the report."""

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from reports.capacity.jsonout import parse_json
from tests.evaluate.tiny import tiny_fleet
from tests.reports.capacity.samples import sample_expansion
from twin.files.digest import digest
from twin.files.documents import read_plan
from twin.files.fleet import write_fleet
from twin.files.solution import write_solution
from twin.model.fleet import Fleet
from twin.records.solution import Solution

Run = Callable[..., tuple[int, str, str]]
PLAN = """\
plan: shrink
schema: 1
window: {not_before: 2026-11-21T01:00Z, not_after: 2026-11-21T03:00Z}
scope: {touch: ["r[1-3]"]}
steps:
  - {id: s, do: capacity.retire@1, at: 0 s, takes: 1 min, params: {racks: r3, type: t, owner: web, count: COUNT}}
"""


def write_plan(path: Path, count: int) -> Path:
    path.write_text(PLAN.replace("COUNT", str(count)).replace("shrink", path.stem), encoding="utf-8")
    return path


def write_example(folder: Path, fleet: Fleet) -> Path:
    """Write fleet, plan and solution into a folder; return the plan."""
    write_fleet(fleet, folder / "fleet.yaml")
    plan = write_plan(folder / "exp.yaml", 4)
    solution = sample_expansion(digest(read_plan(plan)), digest(fleet))
    write_solution(solution.model_copy(update={"inputs": {"fleet": "fleet.yaml"}}), plan)
    return plan


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    return write_example(tmp_path, tiny_fleet())


def test_it_writes_every_face_with_the_fleet_that_the_solution_names(plan: Path, cli: Run) -> None:
    folder = plan.parent
    other = write_plan(folder / "mine.yaml", 8)
    spec = f"html={folder}/c.html,md={folder}/c.md,json={folder}/c.json,csv={folder}/tables"
    code, out, err = cli(
        "report", "capacity", plan, "--against", other, "--as-of", "2026-12-03T09:00Z", "--out", spec
    )
    assert (code, err) == (0, "")
    assert out.startswith("wrote ")
    report = parse_json((folder / "c.json").read_bytes())
    assert [state.servers for state in report.states] == [30, 26, 22]
    assert report.warnings == ()
    assert report.states[2].plan == "mine"
    page = (folder / "c.html").read_text(encoding="utf-8")
    assert "Sign 7 orders" in page
    assert page.count("made by <code>fleetwin ") == page.count("<figure")
    assert len(page.encode()) < 1_000_000
    rows = list(csv.DictReader((folder / "tables" / "states.csv").read_text(encoding="utf-8").splitlines()))
    assert [row["servers"] for row in rows] == ["30", "26", "22"]


def test_the_same_inputs_give_the_same_bytes(plan: Path, cli: Run) -> None:
    page = plan.parent / "c.html"
    command = ("report", "capacity", plan, "--as-of", "2026-12-03T09:00Z", "-o", page)
    assert cli(*command)[0] == 0
    first = page.read_bytes()
    assert cli(*command)[0] == 0
    assert page.read_bytes() == first


def test_the_commands_on_the_page_find_the_same_figures(
    plan: Path, cli: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(plan.parent)
    assert cli("report", "capacity", "exp.yaml", "--as-of", "2026-12-03T09:00Z", "-o", "c.json")[0] == 0
    report = parse_json(Path("c.json").read_bytes())
    stranded = json.loads(cli(*report.commands["today stranded"].split()[1:], "--json")[1])["stranded"][
        "domains"
    ]
    assert [row["stranded_va"] for row in stranded] == pytest.approx(
        [row.stranded_va for row in report.states[0].domains]
    )
    bill = json.loads(cli(*report.commands["today bill"].split()[1:], "--json")[1])["ledger"]
    found = [(row["site"], row["it_j"] / 3.6e6, row["energy_microusd"] / 1e6) for row in bill["accounts"]]
    assert [(row.site, row.it_kwh, row.energy_usd) for row in report.states[0].bills] == found
    assert found[0][1] > 0
    before = Path("c.json").read_bytes()
    assert cli(*report.commands["report"].split()[1:])[0] == 0  # the report's own command writes it again
    assert Path("c.json").read_bytes() == before


def test_a_page_for_the_standard_output_stands_there_alone(plan: Path, cli: Run) -> None:
    code, out, err = cli("report", "capacity", plan, "--as-of", "2026-12-03T09:00Z", "--out", "md=-")
    assert (code, err) == (0, "")
    assert out.startswith("# ⚠️ Sign 7 orders")


def test_a_verdict_is_shown_and_told_apart_from_one_of_another_plan(
    plan: Path, cli: Run, tmp_path: Path
) -> None:
    gates = tmp_path / "gates.yaml"
    gates.write_text(
        "gates: g\nschema: 1\nsuite: calm\nreplications: {first: 2, max: 2}\n"
        "rules:\n  - {id: errors, metric: error_rate, estimator: mean, pass: '<= 1 %'}\n",
        encoding="utf-8",
    )
    for name in ("exp", "mine"):
        path = plan if name == "exp" else write_plan(tmp_path / "mine.yaml", 8)
        verdict = tmp_path / f"{name}.json"
        done = cli(
            "check", path, "--fleet", tmp_path / "fleet.yaml", "--gates", gates, "--out", f"json={verdict}"
        )
        assert done[0] in (0, 11), done
        page = tmp_path / "c.json"
        assert cli("report", "capacity", plan, "--verdict", verdict, "-o", page)[0] == 0
        shown = parse_json(page.read_bytes()).verdict
        assert shown is not None
        assert shown.about_this_plan == (name == "exp")
        assert [gate[1] for gate in shown.gates] == ["errors"]


def test_a_solver_that_left_no_plan_is_reported_with_the_fleet_as_it_is(plan: Path, cli: Run) -> None:
    plan.unlink()
    assert (
        cli("report", "capacity", plan, "--out", f"json={plan.parent}/c.json,md={plan.parent}/c.md")[0] == 0
    )
    report = parse_json((plan.parent / "c.json").read_bytes())
    assert [state.name for state in report.states] == ["today"]
    assert "There is nothing to sign: the solver changes nothing" in (plan.parent / "c.md").read_text(
        encoding="utf-8"
    )


def test_another_snapshot_is_told(plan: Path, cli: Run) -> None:
    write_fleet(tiny_fleet(description="since then it has changed"), plan.parent / "fleet.yaml")
    assert cli("report", "capacity", plan, "-o", plan.parent / "c.json")[0] == 0
    assert "another snapshot of the fleet" in parse_json((plan.parent / "c.json").read_bytes()).warnings[0]


def test_what_cannot_be_done_is_told_before_the_work(plan: Path, cli: Run) -> None:
    folder = plan.parent

    def refused(*arguments: object) -> str:
        code, _, err = cli("report", "capacity", *arguments)
        assert code == 2
        return err

    assert "nowhere to write the report" in refused(plan)
    assert "end it in .html" in refused(plan, "-o", folder / "c.pdf")
    assert "`fleetwin plan` writes it beside its plan" in refused(
        write_plan(folder / "mine.yaml", 8), "-o", folder / "c.md"
    )
    (folder / "fleet.yaml").unlink()
    assert "give it with --fleet" in refused(plan, "-o", folder / "c.md")


def test_a_solution_with_a_broken_table_is_refused(plan: Path, cli: Run) -> None:
    path = plan.with_name("exp.solution.json")
    solution = Solution.model_validate_json(path.read_bytes())
    broken = solution.tables[0].model_copy(
        update={"columns": ("month", *solution.tables[0].columns[2:], "service_name")}
    )
    write_solution(solution.model_copy(update={"tables": (broken,)}), plan)
    code, _, err = cli("report", "capacity", plan, "-o", plan.parent / "c.md")
    assert code == 2
    assert "table demand_supply: no column service" in err


def test_the_schema_of_the_record_accepts_what_is_written(cli: Run) -> None:
    code, out, _ = cli("schema", "capacity-report")
    assert code == 0
    assert {"solution", "states", "orders", "risks"} <= set(json.loads(out)["properties"])
