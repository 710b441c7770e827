"""`fleetwin simulate` plays one world, and refuses what is not one."""

import json
from pathlib import Path

import pytest

from scenarios.fleets.example import example_fleet
from twin.files.fleet import write_fleet


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("fleet") / "fleet.yaml"
    write_fleet(example_fleet(), path)
    return str(path)


def test_a_run_is_shown_and_written(cli, fleet: str, tmp_path: Path) -> None:
    out = tmp_path / "run.json"
    code, shown, _ = cli(
        "simulate", fleet, "--days", "0.5", "--scenario", "n-1-and-peak/random-failures", "-o", str(out)
    )
    assert code == 0
    assert "energy_kwh" in shown
    run = json.loads(out.read_text(encoding="utf-8"))
    assert run["seconds"] == 43200.0
    assert run["metrics"]["energy_kwh"] > 1000.0


@pytest.mark.parametrize(
    ("scenario", "words"),
    [
        ("n-1-and-peak/lose-ups", "stands for many worlds"),
        ("n-1-and-peak/surge-of", "did you mean 'surge'"),
        ("nope/calm", "no suite 'nope'"),
    ],
)
def test_what_is_not_one_world_is_refused(cli, fleet: str, scenario: str, words: str) -> None:
    code, _, err = cli("simulate", fleet, "--days", "0.1", "--scenario", scenario)
    assert code == 2
    assert words in " ".join(err.split())


def test_a_run_at_another_demand_says_so(cli, fleet: str) -> None:
    runs = [
        json.loads(cli("simulate", fleet, "--days", "0.05", "--json", *more)[1])
        for more in ((), ("--demand", "+30%"))
    ]
    assert [run.get("demand") for run in runs] == [None, "+30%"]
    assert runs[1]["metrics"]["energy_kwh"] > runs[0]["metrics"]["energy_kwh"]
