"""``from twin import ...``: every published name is there, and costs nothing before it is used."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import twin

SOURCE = ast.parse(Path(twin.__file__).read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", twin.__all__)
def test_every_published_name_resolves(name: str) -> None:
    assert getattr(twin, name) is not None


def test_the_published_names_are_those_of_a_what_if_script() -> None:
    assert (
        set(twin.__all__)
        == set(dir(twin))
        == {
            *("Fleet", "FleetwinError", "GateSet", "Plan", "__version__"),
            *("check", "read_fleet", "read_gates", "read_plan", "read_suite", "simulate"),
        }
    )


def test_type_checkers_see_the_same_homes_as_the_interpreter() -> None:
    blocks = [node for node in SOURCE.body if isinstance(node, ast.If)]
    imports = [node for node in blocks[0].body if isinstance(node, ast.ImportFrom)]
    seen = {alias.name: node.module for node in imports for alias in node.names}
    assert seen == twin._HOMES


def test_importing_twin_imports_nothing_heavy() -> None:
    code = "import sys, twin; print(*(name for name in sys.modules if name.startswith(('twin', 'numpy'))))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["twin"]


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'twin' has no attribute 'chekc'"):
        _ = twin.chekc
