"""What is declared, pinned and shipped: the dependencies, the wheel and its contents."""

import ast
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("twin", "scenarios", "solvers", "agents", "reports")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
# Distributions whose modules have another name.
MODULES = {"pyyaml": "yaml"}
# Modules that come with a declared distribution, in its own version.
COMPANIONS = {"pydantic_core"}


def test_the_declared_dependencies_are_those_that_are_imported() -> None:
    declared = {_name(requirement) for requirement in PROJECT["dependencies"]}
    own = {*PACKAGES, *sys.stdlib_module_names, "__future__"}
    imported = {module for package in PACKAGES for module in _imports(ROOT / package)} - own - COMPANIONS
    assert imported == {MODULES.get(name, name) for name in declared}


def test_everything_that_is_installed_for_fleetwin_is_pinned() -> None:
    pins = dict(line.split("==") for line in _lines(ROOT / "constraints.txt"))
    pinned = {_normal(name): version for name, version in pins.items()}
    wanted = [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["dev"]]
    needed = _closure({_name(requirement) for requirement in wanted})
    assert needed <= set(pinned)
    assert {name: metadata.version(name) for name in needed} == {name: pinned[name] for name in needed}


def test_constraints_name_versions_and_nothing_else() -> None:
    for line in _lines(ROOT / "constraints.txt"):
        assert re.fullmatch(r"[\w.-]+==[\w.+!]+", line), line


def test_every_package_is_typed() -> None:
    for package in PACKAGES:
        assert (ROOT / package / "py.typed").read_bytes() == b""


def test_every_folder_with_modules_is_a_package() -> None:
    """A folder without ``__init__.py`` is neither shipped nor seen by the import contracts."""
    folders = {path.parent for package in PACKAGES for path in (ROOT / package).rglob("*.py")}
    bare = {str(folder.relative_to(ROOT)) for folder in folders if not (folder / "__init__.py").exists()}
    assert bare <= {"scenarios/examples"}


@pytest.mark.slow
def test_the_wheel_holds_the_packages_and_works_outside_the_checkout(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "build", "--wheel", "--outdir", str(tmp_path), str(_copy(tmp_path))]
    subprocess.run(build, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("fleetwin-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
        archive.extractall(tmp_path / "site")
    assert {name.partition("/")[0] for name in names} == set(PACKAGES)
    assert _shipped() <= names
    # -I leaves the checkout out of the path; the unpacked wheel comes before the development install.
    code = f"import sys; sys.path.insert(0, {str(tmp_path / 'site')!r})\n"
    code += "import twin.cli.main as shell; print(shell.__file__); sys.exit(shell.main(['demo']))"
    done = subprocess.run(
        [sys.executable, "-I", "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(str(tmp_path / "site"))
    assert (tmp_path / "demo" / "fleet.yaml").exists()


def _copy(tmp_path: Path) -> Path:
    """Copy what the build needs, so that it leaves nothing behind in the checkout."""
    source = tmp_path / "source"
    for package in PACKAGES:
        shutil.copytree(ROOT / package, source / package, ignore=shutil.ignore_patterns("__pycache__"))
    for file in (*ROOT.glob("*.md"), ROOT / "LICENSE", ROOT / "pyproject.toml"):
        shutil.copy(file, source)
    return source


def _shipped() -> set[str]:
    """Return the files below the packages that are under version control, but for plain scripts."""
    listed = subprocess.run(
        ["git", "ls-files", *PACKAGES], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    return {name for name in listed if not name.startswith("scenarios/examples/")}


def _imports(folder: Path) -> Iterator[str]:
    for path in folder.rglob("*.py"):
        if "examples" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                yield from (alias.name.partition(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                yield node.module.partition(".")[0]


def _closure(names: set[str]) -> set[str]:
    """Return the distributions with all that they require on this platform."""
    seen: set[str] = set()
    while names:
        name = names.pop()
        seen.add(name)
        rows = [row for row in metadata.requires(name) or [] if _applies(row)]
        names |= {_name(row) for row in rows} - seen
    return seen


def _applies(requirement: str) -> bool:
    from packaging.requirements import Requirement

    marker = Requirement(requirement).marker
    return marker is None or marker.evaluate({"extra": ""})


def _name(requirement: str) -> str:
    match = re.match(r"[\w.-]+", requirement)
    assert match is not None
    return _normal(match[0])


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _lines(path: Path) -> list[str]:
    return [line for line in path.read_text().splitlines() if line and not line.startswith("#")]
