"""``fleetwin --help`` and ``--version``: complete, instant, and without heavy imports."""

import re
import subprocess
import sys
import time
from collections.abc import Callable

import pytest

from twin.cli.overview import overview
from twin.cli.table import COMMANDS

Run = Callable[..., tuple[int, str, str]]
HEAVY = {"numpy", "scipy", "simpy", "matplotlib", "pydantic", "networkx", "polars", "typer", "rich"}
LIGHT_RUN = """
import sys
from twin.cli.main import main
code = main(sys.argv[1:])
print(*sorted({name.partition('.')[0] for name in sys.modules}), file=sys.stderr)
sys.exit(code)
"""


def test_the_overview_shows_every_command_of_the_table(cli: Run) -> None:
    code, out, err = cli("--help")
    assert (code, err) == (0, "")
    for command in COMMANDS:
        assert re.search(rf"^  {command.name} +{re.escape(command.help)}$", out, re.MULTILINE)
    assert max(len(line) for line in out.splitlines()) <= 100


def test_colours_are_for_terminals() -> None:
    assert "\x1b[" in overview(colour=True)
    assert re.sub(r"\x1b\[\d+m", "", overview(colour=True)) == overview(colour=False)


def test_the_version_is_that_of_the_distribution(cli: Run) -> None:
    from importlib.metadata import version

    assert cli("--version") == (0, f"fleetwin {version('fleetwin')}\n", "")


@pytest.mark.parametrize("arguments", [["--help"], ["--version"]])
def test_nothing_heavy_is_imported(arguments: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LIGHT_RUN, *arguments], capture_output=True, text=True, check=True
    )
    imported = set(done.stderr.split())
    assert "twin" in imported
    assert not imported & HEAVY


@pytest.mark.benchmark
def test_help_takes_less_than_300_ms() -> None:
    command = [sys.executable, "-m", "twin.cli.main", "--help"]
    assert min(_wall_time_s(command) for _ in range(5)) < 0.3


@pytest.mark.parametrize("name", [command.name for command in COMMANDS])
def test_every_command_has_help_with_examples(name: str, cli: Run) -> None:
    code, out, err = cli(*name.split(), "--help")
    assert (code, err) == (0, "")
    examples = out.partition("Examples:")[2]
    assert f"fleetwin {name} " in examples


def _wall_time_s(command: list[str]) -> float:
    start = time.perf_counter()
    subprocess.run(command, capture_output=True, check=True)
    return time.perf_counter() - start
