"""The house is kept: every import contract holds, and every contract is broken by one offending import."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
CONFIG = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
CONTRACTS: dict[str, dict[str, Any]] = {row["id"]: row for row in CONFIG["contracts"]}

# contract: (the file that gets the line, the line); each import breaks its own contract and no other.
OFFENCES = {
    "model": ("twin/model/base.py", "import networkx"),
    "graph": ("twin/files/__init__.py", "import twin.graph"),
    "records": ("twin/graph/__init__.py", "from twin import records"),
    "actions": ("twin/sim/__init__.py", "import twin.actions"),
    "files": ("twin/sim/__init__.py", "import twin.files"),
    "sim": ("solvers/__init__.py", "import twin.sim"),
    "gates": ("solvers/__init__.py", "import twin.gates"),
    "sync": ("twin/evaluate/__init__.py", "import twin.sync"),
    "scenarios": ("twin/sim/__init__.py", "import scenarios"),
    "solvers": ("twin/evaluate/__init__.py", "import solvers"),
    "evaluate": ("scenarios/__init__.py", "import twin.evaluate"),
    "agents": ("reports/__init__.py", "import agents"),
    "reports": ("agents/__init__.py", "def late():\n    import reports"),
    "cli": ("twin/sim/__init__.py", "import twin.cli.table"),
    "shell": ("twin/cli/table.py", "import twin.graph"),
    "front-door": ("twin/sim/__init__.py", "from twin import read_fleet"),
    "simpy": ("twin/gates/__init__.py", "import simpy"),
    "pyomo": ("twin/sim/__init__.py", "import pyomo.environ"),
    "matplotlib": ("twin/graph/__init__.py", "from matplotlib import pyplot"),
    "yaml": ("scenarios/__init__.py", "import yaml"),
    "typer": ("twin/sim/__init__.py", "import typer"),
    "agent-frameworks": ("agents/__init__.py", "import langchain.agents"),
}


def test_every_contract_is_kept() -> None:
    code, broken, output = _lint(ROOT)
    assert code == 0 and not broken, output


def test_every_contract_has_a_negative_control() -> None:
    assert set(OFFENCES) == set(CONTRACTS)


def test_every_row_of_the_house_has_a_contract() -> None:
    rows = {path.parent.name for path in (ROOT / "twin").glob("*/__init__.py")}
    rows |= set(CONFIG["root_packages"]) - {"twin"} | {"evaluate"}
    assert rows <= set(CONTRACTS)


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a copy of the packages in which a test may do wrong, if it mends it again."""
    folder = tmp_path_factory.mktemp("tree")
    for package in CONFIG["root_packages"]:
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


@pytest.mark.parametrize("contract", OFFENCES)
def test_one_offending_import_breaks_exactly_its_contract(contract: str, tree: Path) -> None:
    file, line = OFFENCES[contract]
    right = (tree / file).read_text()
    (tree / file).write_text(f"{right}\n{line}\n")
    try:
        code, broken, output = _lint(tree)
    finally:
        (tree / file).write_text(right)
    assert code == 1, output
    assert broken == {contract}, output


def _lint(folder: Path) -> tuple[int, set[str], str]:
    """Run lint-imports in a folder; return its code, the ids of the broken contracts, and what it said."""
    command = [str(Path(sys.executable).parent / "lint-imports")]
    environment = {**os.environ, "COLUMNS": "400", "PYTHONPATH": str(folder)}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    output = done.stdout + done.stderr
    ids = {row["name"]: contract for contract, row in CONTRACTS.items()}
    return done.returncode, {ids[name] for name in re.findall(r"^(.+) BROKEN", output, re.MULTILINE)}, output
