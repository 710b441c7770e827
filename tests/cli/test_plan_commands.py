"""The planners' commands: they write a plan and its solution, explain them, and refuse what they cannot do."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from tests.solvers.swap_toys import Toy, hot_and_cold
from tests.solvers.test_maintenance import dual_fed
from tests.solvers.toys import two_panels, two_regions
from twin.cli.main import main
from twin.cli.plan_maintenance import maintenance
from twin.cli.plan_options import command_line
from twin.cli.plan_placement import placement
from twin.cli.plan_power import power
from twin.files.digest import digest
from twin.files.documents import read_plan
from twin.files.fleet import read_fleet, write_fleet
from twin.files.solution import beside, read_solution
from twin.gates.static import static_checks
from twin.model.errors import UsageError
from twin.model.fleet import Fleet


def written(fleet: Fleet, folder: Path) -> Path:
    path = folder / "fleet.yaml"
    write_fleet(fleet, path)
    return path


def check_pair(path: Path, fleet: Path, formulation: str) -> None:
    plan, solution = read_plan(path), read_solution(beside(path))
    assert solution.formulation == formulation
    assert solution.plan_digest == digest(plan) and solution.fleet_digest == digest(read_fleet(fleet))
    assert solution.command.startswith(f"fleetwin plan {formulation}")
    again = path.with_name("again.yaml")
    assert main([*shlex.split(solution.command)[1:], "-o", str(again)]) == 0
    assert read_plan(again) == plan, "the command that the solution names makes the plan again"
    assert static_checks(plan, read_fleet(fleet)) == []
    assert plan.claims


def test_placement_writes_a_plan_and_its_solution(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fleet, path = written(two_regions(rates=(3000.0, 1500.0)), tmp_path), tmp_path / "plan.yaml"
    assert placement(fleet, path, hours=4, move_price=0.0, every=2, explain=True) == 0
    shown = capsys.readouterr().out
    check_pair(path, fleet, "placement")
    assert "Traffic shares that change" in shown and "nothing: today's weights" in shown


def test_power_writes_a_plan_and_its_solution(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fleet, path = written(two_panels(rated=(10, 4, 10), servers=(8, 4, 6)), tmp_path), tmp_path / "plan.yaml"
    assert power(fleet, path, changes=1, load="nameplate", caps=False, explain=True) == 0
    assert "Power that becomes usable" in capsys.readouterr().out
    check_pair(path, fleet, "power")


def test_power_plans_swaps_unless_told_not_to(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    racks = (Toy(8, 0, 0), Toy(0, 8, 1, free_u=0))
    fleet = written(hot_and_cold(racks, rated=(8.0, 9.0, 1.0), load=0.8), tmp_path)
    path = tmp_path / "plan.yaml"
    assert power(fleet, path, changes=2, explain=True) == 0
    check_pair(path, fleet, "power")
    assert {step.do for step in read_plan(path).steps} == {"capacity.move@1"}
    solution, shown = read_solution(beside(path)), capsys.readouterr().out
    assert "--swaps" in solution.command and "r2 cold > hot" in shown and "without swaps" in shown
    assert power(fleet, path, changes=2, swaps=False, force=True) == 0
    assert {step.do for step in read_plan(path).steps} == {"rack.refeed@1"}
    assert "--no-swaps" in read_solution(beside(path)).command


def test_maintenance_writes_a_plan_and_its_solution(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fleet, path = written(dual_fed(ups="50 kVA"), tmp_path), tmp_path / "plan.yaml"
    assert maintenance(fleet, ["a[1-2]", "b1"], output=path, lasts="1 h", window="6 h", explain=True) == 0
    shown = capsys.readouterr().out
    check_pair(path, fleet, "maintenance")
    assert "Jobs in their order" in shown and "a1 at the same time" in shown


def test_jobs_come_from_a_list(tmp_path: Path) -> None:
    fleet, path, jobs = written(dual_fed(), tmp_path), tmp_path / "plan.yaml", tmp_path / "jobs.yaml"
    jobs.write_text("- {unit: a2, lasts: 90 min}\n- {unit: b1, lasts: 1 h}\n")
    assert maintenance(fleet, jobs=jobs, output=path) == 0
    lasts = {step.params["unit"]: step.params["lasts"] for step in read_plan(path).steps}
    assert lasts == {"a2": "1.5 h", "b1": "1 h"}
    jobs.write_text("- {unit: a2}\n- {unit: b1, lasts: long}\n")
    with pytest.raises(UsageError, match="job 1: needs 'unit' and 'lasts'.*job 2: 'long'"):
        maintenance(fleet, jobs=jobs)


def test_nothing_better_than_nothing_is_said_and_only_the_solution_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fleet, path = written(two_panels(), tmp_path), tmp_path / "plan.yaml"
    assert power(fleet, path, changes=0, load="nameplate") == 0
    assert not path.exists() and beside(path).exists()
    assert "doing nothing is the plan" in capsys.readouterr().out


def test_a_plan_that_is_there_stays_there(tmp_path: Path) -> None:
    fleet, path = written(two_panels(), tmp_path), tmp_path / "plan.yaml"
    path.write_text("mine\n")
    with pytest.raises(UsageError, match="exists already"):
        power(fleet, path, load="nameplate")
    assert path.read_text() == "mine\n"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"stretch": "0 %"}, "--stretch 0 %: give more than nothing"),
        ({"link_share": "many"}, "--link-share: 'many'"),
        ({"time_limit": "5"}, "--time-limit"),
        ({"start": "noon"}, "--start 'noon' is not a time"),
    ],
)
def test_options_that_say_nothing_are_refused(tmp_path: Path, options: dict[str, str], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        placement(written(two_regions(), tmp_path), **options)  # type: ignore[arg-type]


def test_either_things_or_jobs(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="either --things or --jobs"):
        maintenance(written(dual_fed(), tmp_path))


def test_a_command_line_says_what_was_given() -> None:
    line = command_line(
        "power", Path("my fleet"), site=["a", "b"], caps=False, refeeds=True, start=None, move_price=0.5
    )
    assert line == "fleetwin plan power 'my fleet' --site a --site b --no-caps --refeeds --move-price 0.5"
