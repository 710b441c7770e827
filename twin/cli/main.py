"""The outermost frame of the command line: every outcome of a command becomes an exit code here.

Typer and the command's own module are imported only when a command runs: ``fleetwin --help`` stays instant.
"""

import errno
import os
import sys
from collections.abc import Iterable, Sequence
from typing import NoReturn

from twin.cli.origin import strangers
from twin.cli.overview import OPTIONS, group_overview, overview
from twin.cli.table import find, first_words, members, second

_DISK_FULL = {errno.ENOSPC, errno.EDQUOT}
_UNREADABLE = (FileNotFoundError, PermissionError, IsADirectoryError, NotADirectoryError)


def main(argv: Sequence[str] | None = None) -> int:
    """Run ``fleetwin`` with the given arguments (by default the process's own) and return its exit code."""
    # The matrices of a settle are small: threads inside a product cost more than they give, and --jobs uses the cores.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        code = _run(list(sys.argv[1:] if argv is None else argv))
        # A full disk or a closed pipe may show only now; it must not end as a silent success.
        sys.stdout.flush()
    except KeyboardInterrupt:
        code = 130
    except Exception as error:  # noqa: BLE001 - the one place that catches everything
        code = _report(error)
    if code == 130:
        _complain("interrupted")
    return code


def _run(arguments: list[str]) -> int:
    if shell := os.environ.get("_FLEETWIN_COMPLETE"):
        from twin.cli.completion import answer

        return answer(shell, os.environ.get("_FLEETWIN_WORDS", ""))
    for warning in strangers():
        _complain(warning)
    verbosity = 0
    while arguments and arguments[0].startswith("-"):
        option = arguments.pop(0)
        if option not in ("-v", "-vv", "--verbose"):
            return _run_option(option, arguments)
        verbosity += option.count("v") if option != "--verbose" else 1
    if not arguments:
        print(overview(colour=_colour(sys.stderr)), file=sys.stderr)
        return 2
    return _run_command(arguments[0], arguments[1:], verbosity)


def _run_option(option: str, arguments: list[str]) -> int:
    match option:
        case "-h" | "--help":
            print(overview(colour=_colour(sys.stdout)))
        case "--version":
            from importlib.metadata import version

            print(f"fleetwin {version('fleetwin')}")
        case "--show-completion" | "--install-completion":
            from twin.cli import completion

            act = completion.show if option == "--show-completion" else completion.install
            print(act(arguments[0] if arguments else None))
        case _:
            _refuse("option", option, (word for row in OPTIONS for word in row.words))
    return 0


def _run_command(name: str, arguments: list[str], verbosity: int) -> int:
    if find(name) is None and members(name):
        if not arguments or arguments[0] in ("-h", "--help"):
            return _list_group(name, asked=bool(arguments))
        name = f"{name} {arguments.pop(0)}"
    command = find(name)
    if command is None:
        _refuse_command(name)
    from twin.cli.command import invoke, log

    log(verbosity)
    return invoke(command, arguments)


def _list_group(name: str, *, asked: bool) -> int:
    """Show the commands of a group: on the standard output when asked for, else as what is missing."""
    stream = sys.stdout if asked else sys.stderr
    print(group_overview(name, colour=_colour(stream)), file=stream)
    return 0 if asked else 2


def _refuse_command(name: str) -> NoReturn:
    group, _, word = name.partition(" ")
    if word:
        _refuse(f"command of {group}", word, map(second, members(group)), f"fleetwin {group} --help")
    _refuse("command", name, first_words())


def _refuse(noun: str, word: str, known: Iterable[str], page: str = "fleetwin --help") -> NoReturn:
    from twin.model.errors import UsageError, did_you_mean

    hint = did_you_mean(word, list(known)) or f"see {page}"
    raise UsageError(f"no such {noun}: {word} ({hint})")


def _report(error: Exception) -> int:
    from twin.model.errors import FleetwinError

    if isinstance(error, FleetwinError):
        _complain(str(error))
        return error.exit_code
    if isinstance(error, OSError):
        _forget_output()
    if isinstance(error, BrokenPipeError):
        return 1
    if isinstance(error, OSError) and error.errno in _DISK_FULL:
        _complain(f"no space left on the device: {error.filename or 'output'}")
        return 1
    if isinstance(error, _UNREADABLE) and error.filename:
        _complain(f"{error.filename}: {(error.strerror or 'unreadable').lower()}")
        return 2
    _complain(f"crashed with {type(error).__name__}: {error}")
    _trace_or_tell_how()
    return 1


def _trace_or_tell_how() -> None:
    import logging
    import traceback

    if logging.getLogger("twin").isEnabledFor(logging.INFO):
        traceback.print_exc()
    else:
        _complain("run it again with -v to see where")


def _forget_output() -> None:
    """Send what is still buffered nowhere, lest the interpreter fail on it once more when it exits."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _complain(message: str) -> None:
    from rich.console import Console
    from rich.text import Text

    text = Text.assemble(("fleetwin: ", "bold red"), message)
    Console(stderr=True, soft_wrap=True, highlight=False).print(text)


def _colour(stream: object) -> bool:
    isatty = getattr(stream, "isatty", None)
    return isatty is not None and isatty() and "NO_COLOR" not in os.environ


if __name__ == "__main__":
    sys.exit(main())
