"""`fleetwin plan capacity` as a user meets it: what it writes, what it refuses, and what it says when it is stopped."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.solvers.capacity_fleets import small
from twin.files.digest import digest
from twin.files.fleet import read_fleet, write_fleet
from twin.files.solution import beside, read_solution

ROOT = Path(__file__).resolve().parents[2]
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def fleet(tmp_path: Path) -> Path:
    path = tmp_path / "fleet.yaml"
    write_fleet(small(rate=1200.0), path)
    return path


def test_help_has_examples(cli: Run) -> None:
    code, out, _ = cli("plan", "capacity", "--help")
    assert code == 0 and "Examples:" in out and "fleetwin plan capacity demo/fleet.yaml --demand +20%" in out


def test_it_writes_a_plan_with_its_solution_and_says_how_to_judge_it(
    cli: Run, fleet: Path, tmp_path: Path
) -> None:
    plan = tmp_path / "plan.yaml"
    code, out, err = cli("plan", "capacity", fleet, "-o", plan, "--demand", "+10%", "--wave", 9, "--explain")
    assert code == 0, err
    solution = read_solution(beside(plan))
    assert solution.formulation == "capacity" and solution.status == "optimal" and solution.gap <= 0.001
    assert (
        solution.fleet_digest == digest(read_fleet(fleet))
        and solution.plan_digest
        and solution.plan == "capacity"
    )
    assert solution.inputs == {"fleet": str(fleet), "demand": "+10%"}
    assert "what binds" in out and "alternatives" in out and "gap" in out
    flat = out.replace("\n", "")
    assert f"judge it: fleetwin check {plan} --fleet {fleet} --demand +10%".replace(" ", "") in flat.replace(
        " ", ""
    )
    text = plan.read_text()
    assert "capacity.move@1" in text and "service.scale@1" in text


def test_without_output_the_plan_is_printed_and_nothing_else(cli: Run, fleet: Path, tmp_path: Path) -> None:
    before = sorted(tmp_path.iterdir())
    code, out, _ = cli("plan", "capacity", fleet)
    assert code == 0 and out.startswith("plan: capacity\nfleet: ") and sorted(tmp_path.iterdir()) == before


def test_it_refuses_to_overwrite_a_plan_or_its_solution(cli: Run, fleet: Path, tmp_path: Path) -> None:
    plan = tmp_path / "plan.yaml"
    beside(plan).write_text("mine")
    code, _, err = cli("plan", "capacity", fleet, "-o", plan)
    assert code == 2 and "plan.solution.json exists already" in err.replace("\n", "") and not plan.exists()
    assert cli("plan", "capacity", fleet, "-o", plan, "--force")[0] == 0
    assert plan.exists() and beside(plan).read_text() != "mine"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--overcommit", "wep=1.2"], "did you mean 'web'"),
        (["--overcommit", "web=much"], "write e.g. --overcommit name=1.2"),
        (["--overcommit", "web=99"], "not between 1 and 10"),
        (["--survive", "rack,pannel"], "did you mean 'panel'"),
        (["--price", "moves=2"], "no price of moves"),
        (["--price", "move=-2"], "the price of move is -2"),
        (["--price", "shortage=nan"], "the price of shortage is nan"),
        (["--demand", "more"], "does not say by how much"),
        (["--demand", "-100%"], "leaves no demand"),
        (["--time-limit", "-1 s"], "give more than nothing"),
        (["--time-limit", "5 parsec"], "--time-limit"),
        (["--gap", "nothing"], "--gap"),
        (["--gates", "g.yaml"], "give --refine as well"),
        (["--route", "guess"], "guess"),
        (["--wave", "0"], "wave"),
        (["--spread", "0.5"], "spread"),
    ],
)
def test_options_that_mean_nothing_are_refused(
    cli: Run, fleet: Path, tmp_path: Path, options: list[str], said: str
) -> None:
    plan = tmp_path / "plan.yaml"
    code, _, err = cli("plan", "capacity", fleet, "-o", plan, *options)
    assert code == 2 and said in " ".join(err.replace("│", " ").split()) and not plan.exists()


def test_prices_beyond_reason_are_noted(cli: Run, fleet: Path, tmp_path: Path) -> None:
    plan = tmp_path / "plan.yaml"
    code, _, err = cli("plan", "capacity", fleet, "-o", plan, "--price", "shortage=1e12,move=1e-3")
    assert code == 0, err
    assert any(
        "so far apart that what is cheap is lost in rounding" in note
        for note in read_solution(beside(plan)).notes
    )


def test_overcommit_is_a_declared_risk(cli: Run, fleet: Path, tmp_path: Path) -> None:
    plan = tmp_path / "plan.yaml"
    assert cli("plan", "capacity", fleet, "-o", plan, "--overcommit", "web=1.2", "--survive", "row")[0] == 0
    solution = read_solution(beside(plan))
    assert solution.risks == (
        "web promises 1.2 times what it keeps: asked for all at once, 17% is not there",
    )
    table = solution.table("reservations")
    assert table is not None and any(str(row[4]).startswith("row ") for row in table.rows)


def test_a_tiny_time_limit_gives_an_honest_plan(cli: Run, fleet: Path, tmp_path: Path) -> None:
    plan = tmp_path / "plan.yaml"
    code, out, err = cli(
        "plan", "capacity", fleet, "-o", plan, "--time-limit", "1 us", "--gap", "0.0001%", "--explain"
    )
    assert code == 0, err
    solution = read_solution(beside(plan))
    assert solution.bound <= solution.objective + 1e-9
    assert solution.status in ("feasible", "optimal") and (
        solution.status == "feasible" or solution.gap <= 1e-5
    )
    assert f"capacity: {solution.status}" in out


INTERRUPTED = """
import os, signal, sys
from solvers import highs
solve = highs.Highs.solve
def pressed(self, **given):
    if self.whole:  # Ctrl-C as branch and cut begins
        os.kill(os.getpid(), signal.SIGINT)
    return solve(self, **given)
highs.Highs.solve = pressed
from twin.cli.main import main
sys.exit(main(sys.argv[1:]))
"""


def test_ctrl_c_writes_the_best_so_far(fleet: Path, tmp_path: Path) -> None:
    plan = tmp_path / "plan.yaml"
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED, "plan", "capacity", str(fleet), "-o", str(plan), "--explain"],
        cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    solution = read_solution(beside(plan))
    assert plan.exists() and solution.status == "interrupted" and solution.gap > 0
    assert "capacity: interrupted" in done.stdout


def test_a_solution_that_is_none_is_refused_with_its_place(tmp_path: Path) -> None:
    from twin.model.errors import UsageError

    with pytest.raises(UsageError, match="writes it beside its plan"):
        read_solution(tmp_path / "none.solution.json")
    (tmp_path / "bad.solution.json").write_text("{}")
    with pytest.raises(UsageError, match="not a solution"):
        read_solution(tmp_path / "bad.solution.json")
