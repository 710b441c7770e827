"""`fleetwin plan capacity --refine`: what is said of each round, and that `fleetwin check` agrees with what is written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from scenarios.generate import generate
from twin.files.fleet import write_fleet
from twin.files.solution import beside, read_solution

GATES = """
gates: peak
schema: 1
suite: peak.yaml
partial_plans: false
rules: [{id: slo, metric: slo_violations, estimator: invariant, pass: none, for: 2 min}]
"""
SUITE = """
suite: peak
schema: 1
scenarios: [{scenario: surge, hazards: [demand-surge: {factor: 1.95, at: 11 h, lasts: 1 h}]}]
"""
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def estate(tmp_path: Path) -> Path:
    """Return a folder with a fleet, gates and worlds in which five percent more demand are no problem but a surge is."""
    write_fleet(generate(60, seed=1), tmp_path / "fleet.yaml")
    (tmp_path / "gates.yaml").write_text(GATES)
    (tmp_path / "peak.yaml").write_text(SUITE)
    return tmp_path


def options(estate: Path) -> tuple[object, ...]:
    return (estate / "fleet.yaml", "--demand", "+5%", "--watch", "12 h", "-o", estate / "plan.yaml")


def test_each_round_says_what_failed_and_what_that_asks(cli: Run, estate: Path) -> None:
    judged = ("--refine", "--gates", estate / "gates.yaml", "--jobs", "1")
    code, out, err = cli("plan", "capacity", *options(estate), *judged)
    said = " ".join(err.split())
    assert code == 0
    assert "round 1: 0 servers move; the twin says fail" in said
    assert "slo in surge: svc00" in said and "→ svc001 has 5 % more replicas at iad1" in said
    assert "round 2: 0 servers move; the twin says pass" in said
    assert "round 3, asked for less: 0 servers move; the twin says" in said
    assert "refined: the twin is satisfied after 2 rounds; the plan is that of round" in said
    assert "--demand +5% --gates" in " ".join(out.split())
    solution = read_solution(beside(estate / "plan.yaml"))
    assert solution.inputs["gates"] == str(estate / "gates.yaml") and "suite" not in solution.inputs
    rounds = next(table for table in solution.tables if table.name == "rounds")
    assert [row[:2] for row in rounds.rows[:2]] == [(1, "fail"), (2, "pass")]
    assert any(
        note.startswith("learned in round 1: svc001") and "misses its SLO" in note for note in solution.notes
    )
    again = ("--fleet", estate / "fleet.yaml", "--demand", "+5%", "--gates", estate / "gates.yaml")
    assert cli("check", estate / "plan.yaml", *again, "--jobs", "1")[0] == 0


def test_without_the_loop_the_twin_fails_the_plan(cli: Run, estate: Path) -> None:
    assert cli("plan", "capacity", *options(estate))[0] == 0
    again = ("--fleet", estate / "fleet.yaml", "--demand", "+5%", "--gates", estate / "gates.yaml")
    assert cli("check", estate / "plan.yaml", *again, "--jobs", "1")[0] == 10


def test_rounds_that_do_not_suffice_end_with_the_code_of_the_verdict(cli: Run, estate: Path) -> None:
    judged = ("--refine", "--gates", estate / "gates.yaml", "--jobs", "1", "--rounds", "1")
    code, _, err = cli("plan", "capacity", *options(estate), *judged)
    assert code == 10
    assert "1 round did not suffice; give more with --rounds" in " ".join(err.split())
    assert (estate / "plan.yaml").exists()


@pytest.mark.parametrize(
    "option", [("--gates", "g.yaml"), ("--suite", "calm"), ("--rounds", 3), ("--jobs", 2)]
)
def test_options_of_the_loop_need_the_loop(cli: Run, estate: Path, option: tuple[object, ...]) -> None:
    code, _, err = cli("plan", "capacity", *options(estate), *option)
    assert code == 2
    assert "give --refine as well" in err
