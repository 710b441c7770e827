"""One file, one line in a hand-written registry, one paragraph in a README, one test: nothing is forgotten.

A folder of things of one kind holds a file for each. The files named beside it are its machinery.
"""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

MACHINERY: dict[str, set[str]] = {
    "twin/actions": {"base", "cli", "fold", "lookup"},
    "twin/gates": {"base"},
    "twin/sync": {"account", "cli", "foreign", "hardware", "layout", "options", "placement", "plant"},
    "scenarios/hazards": {"base", "things"},
    "reports/sections": {"base"},
}
MEMBERS = [
    pytest.param(folder, path.stem, id=f"{folder}/{path.stem}")
    for folder, machinery in MACHINERY.items()
    for path in sorted((ROOT / folder).glob("*.py"))
    if not path.stem.startswith("_") and path.stem not in machinery
]


@pytest.mark.parametrize("folder", MACHINERY)
def test_every_such_folder_has_members(folder: str) -> None:
    assert [parameters for parameters in MEMBERS if parameters.values[0] == folder]


@pytest.mark.parametrize(("folder", "name"), MEMBERS)
def test_every_member_is_registered_by_hand(folder: str, name: str) -> None:
    tree = ast.parse((ROOT / folder / "__init__.py").read_text(encoding="utf-8"))
    assert name in _imported(tree, folder.replace("/", "."))


@pytest.mark.parametrize(("folder", "name"), MEMBERS)
def test_every_member_is_documented(folder: str, name: str) -> None:
    pages = [path for path in (ROOT / folder, (ROOT / folder).parent) if (path / "README.md").exists()]
    assert pages, f"{folder} has no README.md"
    assert _spelt(name).search((pages[0] / "README.md").read_text(encoding="utf-8"))


@pytest.mark.parametrize(("folder", "name"), MEMBERS)
def test_every_member_is_tested(folder: str, name: str) -> None:
    place = ROOT / "tests" / folder.removeprefix("twin/")
    tests = [path for path in (place, place.parent) if path.is_dir() and path != ROOT / "tests"]
    texts = (path.read_text(encoding="utf-8") for where in tests for path in where.rglob("test_*.py"))
    assert any(_spelt(name).search(text) for text in texts)


def _imported(tree: ast.Module, package: str) -> set[str]:
    """Return the modules of a package that its ``__init__`` imports, or names as ``module:function``."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == package:
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith(f"{package}."):
            found.add(str(node.module).removeprefix(f"{package}."))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and ":" in node.value:
            found.add(node.value.partition(":")[0].removeprefix(f"{package}."))
    return found


def _spelt(name: str) -> re.Pattern[str]:
    """Match a name as file (`rack_drain`), as word (`rack.drain`, `rack-drain`) or as class (`RackDrain`)."""
    return re.compile(r"[-_. ]?".join(re.escape(part) for part in name.split("_")), re.IGNORECASE)
