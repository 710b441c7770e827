"""One file, one line in a hand-written registry, a word in a README, one test: nothing is forgotten."""

import ast
import re
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[1]


class Kind(NamedTuple):
    """A kind of thing: where its files lie, what tells them from the machinery beside them, the registry."""

    folder: str
    mark: str
    registry: str = "__init__.py"


KINDS = (
    Kind("twin/actions", r"^ACTION\b"),
    Kind("twin/gates", r"^class \w+:(?=(?:\n(?!class).*)*\n    def least_runs\()", registry="estimators.py"),
    Kind("twin/sim/movers", r"^    law: ClassVar"),
    Kind("twin/sync", r"^def import_\w"),
    Kind("scenarios/hazards", r"^class (?!Occasion)\w+\((?:Hazard|Occasion)\):"),
    Kind("reports/sections", r"^def render\("),
    Kind("reports/capacity", r"^def blocks\("),
)
MEMBERS = [
    pytest.param(kind, path.stem, id=f"{kind.folder}/{path.stem}")
    for kind in KINDS
    for path in sorted((ROOT / kind.folder).glob("*.py"))
    if re.search(kind.mark, path.read_text(encoding="utf-8"), re.MULTILINE)
]
every_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.folder)
every_member = pytest.mark.parametrize(("kind", "name"), MEMBERS)


@every_kind
def test_the_mark_finds_what_is_registered(kind: Kind) -> None:
    found = {member.values[1] for member in MEMBERS if member.values[0] == kind}
    assert len(found) >= 3


@every_member
def test_every_member_is_registered_by_hand(kind: Kind, name: str) -> None:
    tree = ast.parse((ROOT / kind.folder / kind.registry).read_text(encoding="utf-8"))
    assert name in _imported(tree, kind.folder.replace("/", "."))


@every_member
def test_every_member_is_documented(kind: Kind, name: str) -> None:
    folder = ROOT / kind.folder
    pages = [path for path in (folder / "README.md", folder.parent / "README.md") if path.exists()]
    assert pages, f"{kind.folder} has no README.md"
    assert _spelt(name).search(pages[0].read_text(encoding="utf-8"))


@every_member
def test_every_member_is_tested(kind: Kind, name: str) -> None:
    place = ROOT / "tests" / kind.folder.removeprefix("twin/").partition("/")[0]
    assert any(_spelt(name).search(path.read_text(encoding="utf-8")) for path in place.rglob("test_*.py"))


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
