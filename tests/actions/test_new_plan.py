"""`fleetwin new-plan`: every starter plan is read, passes the static checks and can be played."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.actions.conftest import small_fleet
from twin.actions import ACTIONS
from twin.actions.schedule import resolve
from twin.files.documents import read_plan
from twin.files.fleet import read_fleet, write_fleet
from twin.gates.static import static_checks


@pytest.fixture
def fleet_file(tmp_path: Path) -> Path:
    path = tmp_path / "fleet.yaml"
    write_fleet(small_fleet(), path)
    return path


@pytest.mark.parametrize("name", [action.name for action in ACTIONS])
def test_the_starter_plan_is_valid_as_written(cli: Callable[..., Any], fleet_file: Path, name: str) -> None:
    path = fleet_file.parent / "plan.yaml"
    outcome = cli("new-plan", fleet_file, name, "-o", path)
    assert (outcome.code, outcome.err) == (0, "")
    plan, fleet = read_plan(path), read_fleet(fleet_file)
    assert static_checks(plan, fleet) == []
    assert name in [step.do.partition("@")[0] for step in plan.steps]
    assert resolve(plan, fleet).timeline().changes
    assert "#" in path.read_text(encoding="utf-8").split("steps:")[1]


def test_without_a_file_it_is_printed(cli: Callable[..., Any], fleet_file: Path) -> None:
    outcome = cli("new-plan", fleet_file, "rack.drain@1")
    assert outcome.code == 0
    assert outcome.out.startswith("# Take the work off racks")
    assert "ams1-a[01-02]" in outcome.out


def test_a_file_is_never_overwritten(cli: Callable[..., Any], fleet_file: Path) -> None:
    outcome = cli("new-plan", fleet_file, "rack.drain", "-o", fleet_file)
    assert outcome.code == 2
    assert "exists already" in outcome.err


def test_the_list_names_every_action_and_its_parameters(cli: Callable[..., Any]) -> None:
    outcome = cli("new-plan", "--list")
    assert outcome.code == 0
    assert all(action.reference in outcome.out for action in ACTIONS)
    assert "racks*" in outcome.out


def test_wrong_requests_say_how_to_mend_them(cli: Callable[..., Any], fleet_file: Path) -> None:
    typo = cli("new-plan", fleet_file, "rack.drian")
    assert typo.code == 2
    assert "did you mean 'rack.drain'?" in typo.err
    nothing = cli("new-plan")
    assert nothing.code == 2
    assert "--list" in nothing.err
