"""The composite action and the workflows: what they name exists, and the action's script works."""

import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
ACTION = yaml.safe_load((ROOT / "action.yml").read_text())
STAND_IN = """#!/bin/sh
for word in "$@"; do printf '<%s>' "$word"; done
exit 10
"""


def test_every_input_of_the_action_is_used_and_every_used_one_declared() -> None:
    used = set(re.findall(r"\$\{\{ inputs\.([\w-]+) \}\}", (ROOT / "action.yml").read_text()))
    assert used == set(ACTION["inputs"])
    for name, row in ACTION["inputs"].items():
        assert row["required"] == (name in {"plan", "fleet"})
        assert row["required"] or "default" in row


def test_the_action_installs_from_its_own_checkout_and_uploads_nothing() -> None:
    text = (ROOT / "action.yml").read_text()
    assert "${{ github.action_path }}" in text
    assert "upload" not in text


def test_no_expression_is_pasted_into_a_script() -> None:
    for path in (ROOT / "action.yml", *WORKFLOWS):
        document = yaml.safe_load(path.read_text())
        jobs = document.get("jobs") or {"action": document["runs"]}
        for job in jobs.values():
            for step in job["steps"]:
                assert "${{" not in step.get("run", ""), f"{path.name}: {step}"


def test_the_python_of_the_action_is_one_that_fleetwin_supports() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    setup = next(step for step in ACTION["runs"]["steps"] if "setup-python" in step.get("uses", ""))
    assert project["requires-python"] == f">={setup['with']['python-version']}"


@pytest.mark.parametrize(
    ("inputs", "expected"),
    [
        ({}, "<check><my plan.yaml><--fleet><fleet>"),
        (
            {"GATES": "g.yaml", "SUITE": "s", "OUT": "json=a,sarif=b", "ARGS": "--jobs 2"},
            "<--fleet><fleet><--gates><g.yaml><--suite><s><--out><json=a,sarif=b><--jobs><2>",
        ),
        ({"GATES": "$(touch pwned); `touch pwned`"}, "<--gates><$(touch pwned); `touch pwned`>"),
    ],
)
def test_the_script_passes_its_inputs_and_the_exit_code_on(
    inputs: dict[str, str], expected: str, tmp_path: Path
) -> None:
    stand_in = tmp_path / "fleetwin" / "bin" / "fleetwin"
    stand_in.parent.mkdir(parents=True)
    stand_in.write_text(STAND_IN)
    stand_in.chmod(0o755)
    step = next(step for step in ACTION["runs"]["steps"] if step.get("id") == "check")
    environment = {name: inputs.get(name, "") for name in step["env"]}
    environment |= {"PLAN": "my plan.yaml", "FLEET": "fleet", "PATH": "/usr/bin:/bin"}
    environment |= {"RUNNER_TEMP": str(tmp_path), "GITHUB_OUTPUT": str(tmp_path / "output")}
    # This is how GitHub runs `shell: bash`.
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert expected in done.stdout
    assert done.returncode == 10
    assert (tmp_path / "output").read_text() == "exit-code=10\n"
    assert not (tmp_path / "pwned").exists()


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_workflows_give_the_action_only_inputs_it_has(path: Path) -> None:
    uses = [step for step in _steps(path) if _is_our_action(step.get("uses", ""))]
    assert uses, "a workflow that shows nothing of the action"
    for step in uses:
        given = set(step["with"])
        assert given <= set(ACTION["inputs"])
        assert {"plan", "fleet"} <= given


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_workflows_have_triggers_least_rights_and_timeouts(path: Path) -> None:
    workflow = yaml.safe_load(path.read_text())
    # YAML 1.1 reads the key `on` as true.
    assert workflow[True]
    assert workflow["permissions"]["contents"] == "read"
    for job in workflow["jobs"].values():
        assert job["runs-on"] == "ubuntu-latest"
    assert any("timeout-minutes" in job for job in workflow["jobs"].values())


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_workflows_call_only_targets_that_the_makefile_has(path: Path) -> None:
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    called = {target for step in _steps(path) for target in re.findall(r"\bmake (\w+)", step.get("run", ""))}
    assert called <= targets


def test_the_example_uploads_the_sarif_file_that_it_asks_for() -> None:
    steps = _steps(ROOT / ".github" / "workflows" / "check-plan.example.yml")
    check = next(step for step in steps if _is_our_action(step.get("uses", "")))
    upload = next(step for step in steps if "upload-sarif" in step.get("uses", ""))
    assert f"sarif={upload['with']['sarif_file']}" in check["with"]["out"].split(",")
    assert "!cancelled()" in upload["if"], "a failed check must still show its findings"


def _steps(path: Path) -> list[dict[str, Any]]:
    jobs = yaml.safe_load(path.read_text())["jobs"].values()
    return [step for job in jobs for step in job["steps"]]


def _is_our_action(uses: str) -> bool:
    return uses == "./" or "/fleetwin@" in uses
