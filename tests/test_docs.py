"""The commands and snippets of the documentation do what the pages show."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests import docs

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("", "twin", "twin/*", "scenarios", "scenarios/*", "solvers", "agents", "reports", "reports/*")
PAGES = sorted(page for folder in FOLDERS for page in ROOT.glob(f"{folder}/*.md".lstrip("/")))
every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))

TUTORIAL = """
<!-- test -->
```console
$ printf 'one\\ntwo\\nthree\\n'
one
...
$ false
$ echo $?
1
$ name=world
$ echo hello \\
    $name
hello w...d
```
"""


@every_page
def test_every_block_says_how_it_is_tested(page: Path) -> None:
    found = docs.blocks(page.relative_to(ROOT), page.read_text(encoding="utf-8"))
    assert [f"{block}: {wrong}" for block in found if (wrong := docs.fault(block))] == []


@pytest.mark.slow
@every_page
def test_the_blocks_of_a_page_run_in_order(page: Path, tmp_path: Path) -> None:
    found = docs.blocks(page.relative_to(ROOT), page.read_text(encoding="utf-8"))
    data = Path(os.environ.get("FLEETWIN_DATA", ROOT.parent / "shared" / "data")).resolve()
    folder = _checkout_like(tmp_path, data)
    left_out = 0
    for block in found:
        if block.comment == "test" or (block.comment == "test: data" and data.is_dir()):
            docs.run(block, folder, _environment(data))
        left_out += block.comment == "test: data" and not data.is_dir()
    if left_out:
        pytest.skip(f"{left_out} blocks need the real data sets: set FLEETWIN_DATA")


def test_a_console_block_that_does_what_it_shows_passes(tmp_path: Path) -> None:
    (block,) = docs.blocks(Path("page.md"), TUTORIAL)
    assert docs.fault(block) == ""
    docs.run(block, tmp_path, os.environ)


@pytest.mark.parametrize(
    ("true", "false"),
    [("one\n", "won\n"), ("\n1\n", "\n0\n"), ("hello w...d", "hello w...x"), ("$ echo $?\n1\n", "")],
    ids=["output", "exit code", "wildcard", "failure that nobody asks for"],
)
def test_a_console_block_that_does_something_else_is_found(true: str, false: str, tmp_path: Path) -> None:
    (block,) = docs.blocks(Path("page.md"), TUTORIAL.replace(true, false, 1))
    with pytest.raises(docs.Mismatch, match="page.md:4"):
        docs.run(block, tmp_path, os.environ)


def test_a_console_block_that_exits_early_is_found(tmp_path: Path) -> None:
    block = docs.Block(Path("page.md"), 1, "console", "$ exit 0\n$ echo unreachable\n", "test")
    with pytest.raises(docs.Mismatch, match="ended within: \\$ exit 0"):
        docs.run(block, tmp_path, os.environ)


@pytest.mark.parametrize(("shown", "true"), [("3", True), ("4", False)])
def test_the_announced_output_of_a_script_is_compared(shown: str, true: bool, tmp_path: Path) -> None:
    page = "<!-- test -->\n```python\nprint(1 + 2)\n```\nwhich prints\n\n<!-- output -->\n"
    page += f"```text\n{shown}\n```\n"
    (block,) = docs.blocks(Path("page.md"), page)
    assert _holds(lambda: docs.run(block, tmp_path, os.environ)) is true


def test_a_failing_script_is_found(tmp_path: Path) -> None:
    block = docs.Block(Path("page.md"), 1, "python", "raise SystemExit(3)\n", "test")
    assert not _holds(lambda: docs.run(block, tmp_path, os.environ))


@pytest.mark.parametrize(
    ("page", "marked"),
    [
        ("```console\n$ true\n```\n", False),
        ("<!-- test: skip -->\n```console\n$ true\n```\n", False),
        ("<!-- test: skip it would take a day -->\n```console\n$ true\n```\n", True),
        ("<!-- test -->\nprose between\n```python\n1\n```\n", False),
        ("<!-- test: data -->\n\n```python\n1\n```\n", True),
        ("```\nunknown\n```\n", False),
        ("```bash\ntrue\n```\n", False),
        ("```yaml\na: 1\n```\n", True),
        ("````text\n```console\n$ true\n```\n````\n", True),
    ],
)
def test_blocks_that_do_not_say_how_they_are_tested_are_found(page: str, marked: bool) -> None:
    (block,) = docs.blocks(Path("page.md"), page)
    assert (docs.fault(block) == "") is marked


def test_a_block_without_end_is_found() -> None:
    with pytest.raises(docs.Mismatch, match="page.md:1: this block has no end"):
        docs.blocks(Path("page.md"), "```text\nand so on")


def _checkout_like(tmp_path: Path, data: Path) -> Path:
    """Make a folder from which ``../shared/data`` leads to the data sets, as it does from a checkout."""
    folder = tmp_path / "checkout"
    folder.mkdir()
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared" / "data").symlink_to(data)
    return folder


def _environment(data: Path) -> dict[str, str]:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    foreign = {"GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY", "FORCE_COLOR"}
    kept = {name: value for name, value in os.environ.items() if name not in foreign}
    return kept | {"PATH": path, "FLEETWIN_DATA": str(data), "COLUMNS": "120", "NO_COLOR": "1"}


def _holds(act: Callable[[], None]) -> bool:
    try:
        act()
    except docs.Mismatch:
        return False
    return True
