"""One command at a time: its function becomes a Typer command when it is invoked, not before."""

import functools
import inspect
import logging
import re
import textwrap
from collections.abc import Callable
from typing import Annotated, Any

import typer
from rich.markup import escape

from twin.cli.load import load
from twin.cli.table import Command

_LOGGERS = ("twin", "scenarios", "solvers", "agents", "reports")
_LEVELS = (logging.WARNING, logging.INFO, logging.DEBUG)


def invoke(command: Command, arguments: list[str]) -> int:
    """Run a command and return its exit code; usage errors are shown by Typer and give 2."""
    try:
        build(command)(args=arguments, prog_name=f"fleetwin {command.name}")
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else int(stop.code is not None)
    return 0


def build(command: Command) -> Any:
    """Return the Typer command of a row, with ``-v`` added to its own options."""
    function = load(command.target)
    built = _typer_command(command.name, _exit_with_result(function), _help(inspect.getdoc(function) or ""))
    for parameter in built.params:
        if parameter.help:
            parameter.help = escape(parameter.help)
    built.params += [option for option in _typer_command("-", _common, "").params if option.name == "verbose"]
    return built


def log(verbosity: int) -> None:
    """Let fleetwin's loggers speak on stderr: warnings (0), what happens (1), everything (2)."""
    logging.basicConfig(format="%(levelname)s %(name)s: %(message)s")
    for name in _LOGGERS:
        logging.getLogger(name).setLevel(_LEVELS[min(verbosity, 2)])


def _typer_command(name: str, function: Callable[..., Any], page: str) -> Any:
    app = typer.Typer(add_completion=False, rich_markup_mode="rich")
    app.command(name, help=page, context_settings={"help_option_names": ["-h", "--help"]})(function)
    return typer.main.get_command(app)


def _exit_with_result(function: Callable[..., int | None]) -> Callable[..., None]:
    @functools.wraps(function)
    def run(*args: Any, **kwargs: Any) -> None:
        raise typer.Exit(int(function(*args, **kwargs) or 0))

    return run


def _log_if_asked(verbosity: int) -> None:
    if verbosity:
        log(verbosity)


def _common(
    verbose: Annotated[
        int,
        typer.Option(
            "-v",
            "--verbose",
            count=True,
            callback=_log_if_asked,
            expose_value=False,
            show_default=False,
            help="Say what happens on the way (-vv: everything); show tracebacks.",
        ),
    ] = 0,
) -> None:
    """Carry the options that every command has."""


def _help(docstring: str) -> str:
    """Return the help page: prose as it is, the ``Examples`` block with its lines kept."""
    prose, *examples = re.split(r"^Examples:?\n(?:-+\n)?", docstring, maxsplit=1, flags=re.MULTILINE)
    paragraphs = [_unwrap(paragraph) for paragraph in prose.strip().split("\n\n")]
    paragraphs += ["Examples:\n" + textwrap.indent(inspect.cleandoc(block), "  ") for block in examples]
    return escape("\n\n".join(paragraphs))


def _unwrap(paragraph: str) -> str:
    """Leave the breaking of prose to the terminal, but keep the lines of lists."""
    listed = re.search(r"^\s*[-*] |^\s", paragraph, flags=re.MULTILINE)
    return paragraph if listed else paragraph.replace("\n", " ")
