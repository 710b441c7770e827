"""Every outcome of a command becomes the exit code and the message that the user sees."""

import errno
import logging
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Annotated

import pytest
import typer

from twin.cli import main as shell
from twin.cli.table import Command
from twin.model import errors
from twin.model.exit_codes import ExitCode

Become = Callable[[Callable[..., object]], None]
Run = Callable[..., tuple[int, str, str]]
FLEETWIN_HELP = [sys.executable, "-m", "twin.cli.main", "--help"]
DEVICE_FULL = Path("/dev/full")


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> Become:
    """Make ``fleetwin fake`` call a function."""
    module = ModuleType("fake_commands")
    monkeypatch.setitem(sys.modules, "fake_commands", module)
    monkeypatch.setattr(shell, "find", lambda name: Command("fake", "fake_commands:fake", "Fake"))

    def become(function: Callable[..., object]) -> None:
        monkeypatch.setattr(module, "fake", function, raising=False)

    return become


def _raising(error: BaseException) -> Callable[[], None]:
    def fake() -> None:
        raise error

    return fake


@pytest.mark.parametrize("result", [None, 0, 10, 11, ExitCode.STALE])
def test_what_a_command_returns_is_the_exit_code(result: int | None, cli: Run, command: Become) -> None:
    def fake() -> int | None:
        return result

    command(fake)
    assert cli("fake").code == int(result or 0)


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (errors.FleetError([errors.Problem("a.yaml:3", "no such rack")]), 2, "a.yaml:3: no such rack"),
        (errors.PlanRejected([errors.Problem("p.yaml:1", "steps overlap")]), 14, "steps overlap"),
        (errors.StalePlan("written for another snapshot"), 15, "another snapshot"),
        (errors.NotSettled("no rest at 12 s"), 12, "no rest at 12 s"),
        (errors.UsageError("no such [bold] thing"), 2, "no such [bold] thing"),
        (FileNotFoundError(errno.ENOENT, "No such file", "nowhere.yaml"), 2, "nowhere.yaml: no such file"),
        (OSError(errno.ENOSPC, "No space", "out.json"), 1, "no space left on the device: out.json"),
        (ZeroDivisionError("division by zero"), 1, "crashed with ZeroDivisionError: division by zero"),
        (MemoryError(), 1, "crashed with MemoryError"),
        (KeyboardInterrupt(), 130, "interrupted"),
    ],
)
def test_errors_are_told_without_a_traceback(
    error: BaseException, code: int, message: str, cli: Run, command: Become
) -> None:
    command(_raising(error))
    outcome = cli("fake")
    assert outcome.code == code
    assert message in outcome.err
    assert "Traceback" not in outcome.err
    assert outcome.out == ""


@pytest.mark.parametrize("arguments", [("-v", "fake"), ("fake", "-v"), ("--verbose", "fake")])
def test_verbose_shows_the_traceback_of_a_crash(
    arguments: tuple[str, ...], cli: Run, command: Become
) -> None:
    command(_raising(ZeroDivisionError("division by zero")))
    assert "Traceback" in cli(*arguments).err


@pytest.mark.parametrize(
    ("arguments", "level"),
    [(("fake",), logging.WARNING), (("-v", "fake"), logging.INFO), (("-vv", "fake"), logging.DEBUG)],
)
def test_verbose_sets_the_level_of_our_loggers(
    arguments: tuple[str, ...], level: int, cli: Run, command: Become
) -> None:
    seen = []
    command(lambda: seen.append(logging.getLogger("twin.sim").getEffectiveLevel()))
    cli(*arguments)
    assert seen == [level]


def test_usage_errors_are_2(cli: Run, command: Become) -> None:
    def fake(days: Annotated[int, typer.Option(min=1)] = 1) -> None:
        """Do nothing."""

    command(fake)
    assert cli("fake", "--days", "0").code == 2
    assert cli("fake", "--nonsense").code == 2
    assert cli("fake", "superfluous").code == 2


def test_the_help_of_a_command_keeps_brackets_and_the_lines_of_its_examples(
    cli: Run, command: Become
) -> None:
    def fake(name: Annotated[str, typer.Argument(help="A rack [of many].")]) -> None:
        """Do nothing to racks [of all kinds].

        Examples
        --------
        $ fleetwin fake r[01-40]
        $ fleetwin fake [all]
        """

    command(fake)
    code, out, _ = cli("fake", "--help")
    assert code == 0
    lines = [line.strip() for line in out.splitlines()]
    first = lines.index("Examples:")
    assert lines[first + 1 : first + 3] == ["$ fleetwin fake r[01-40]", "$ fleetwin fake [all]"]
    assert "Do nothing to racks [of all kinds]." in lines
    assert "A rack [of many]." in out
    assert "--verbose" in out


def test_an_unknown_command_gets_a_proposal(cli: Run) -> None:
    outcome = cli("chek")
    assert outcome.code == 2
    assert "no such command: chek (did you mean 'check'?)" in outcome.err


def test_an_unknown_option_gets_a_proposal(cli: Run) -> None:
    outcome = cli("--verison")
    assert outcome.code == 2
    assert "did you mean '--version'?" in outcome.err


def test_no_command_shows_the_overview_as_a_usage_error(cli: Run) -> None:
    outcome = cli()
    assert outcome.code == 2
    assert "Usage: fleetwin" in outcome.err


@pytest.mark.skipif(not DEVICE_FULL.exists(), reason="no /dev/full on this system")
def test_output_to_a_full_disk_is_not_a_success() -> None:
    with DEVICE_FULL.open("w") as full:
        done = subprocess.run(FLEETWIN_HELP, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "fleetwin: no space left on the device: output\n")


def test_a_closed_pipe_is_quiet_but_no_success() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(FLEETWIN_HELP, stdout=writer, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writer)
    assert (done.returncode, done.stderr) == (1, "")


def test_the_exit_codes_are_those_that_were_published() -> None:
    assert {code.name: int(code) for code in ExitCode} == {
        "PASS": 0,
        "CRASH": 1,
        "USAGE": 2,
        "FAIL": 10,
        "INCONCLUSIVE": 11,
        "EVALUATION_ERROR": 12,
        "REJECTED": 14,
        "STALE": 15,
        "NOT_AUTHORISED": 16,
        "LOCKED": 17,
        "ROLLED_BACK": 18,
        "ROLLBACK_INCOMPLETE": 19,
        "INTERRUPTED": 130,
    }
    assert all(code.meaning for code in ExitCode)
