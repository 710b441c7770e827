"""What ``fleetwin --help`` shows: the table of commands in groups, the options, and the exit codes."""

from typing import NamedTuple

from twin.cli.table import COMMANDS, GROUPS, members, second


class Option(NamedTuple):
    """An option of ``fleetwin`` itself, before the command."""

    words: tuple[str, ...]
    help: str


OPTIONS = (
    Option(("-v", "--verbose"), "Say what happens on the way (-vv: everything); show tracebacks"),
    Option(("--version",), "Print the version"),
    Option(("-h", "--help"), "Show this page"),
    Option(("--install-completion",), "Install completion for bash, zsh or fish"),
    Option(("--show-completion",), "Print the completion script of bash, zsh or fish"),
)

_EXIT_CODES = (
    "0 pass or warn · 1 crash or full disk · 2 usage or unreadable input · 10 fail · 11 inconclusive",
    "12 evaluation error · 14 plan rejected statically · 15 stale · 130 interrupted",
)


def overview(*, colour: bool) -> str:
    """Return the page as text, with ANSI colours if wanted."""
    bold, plain, cyan = ("\x1b[1m", "\x1b[0m", "\x1b[36m") if colour else ("", "", "")
    lines = [
        f"{bold}fleetwin{plain}: is this change safe for the fleet, and does it do what it claims?",
        "",
        "Usage: fleetwin [OPTIONS] COMMAND [ARGUMENTS]...",
    ]
    width = max(len(row.name) for row in COMMANDS)
    for group, rows in GROUPS.items():
        lines += ["", f"{bold}{group}{plain}"]
        lines += [f"  {cyan}{row.name:<{width}}{plain} {row.help}" for row in rows]
    lines += ["", f"{bold}Options{plain}"]
    lines += [f"  {cyan}{', '.join(row.words):<22}{plain} {row.help}" for row in OPTIONS]
    lines += ["", f"{bold}Exit codes{plain}", *(f"  {line}" for line in _EXIT_CODES)]
    lines += ["", "'fleetwin COMMAND --help' shows the options and examples of one command."]
    return "\n".join(lines)


def group_overview(group: str, *, colour: bool) -> str:
    """Return the page of a group of commands, with ANSI colours if wanted."""
    plain, cyan = ("\x1b[0m", "\x1b[36m") if colour else ("", "")
    rows = members(group)
    width = max(len(second(row)) for row in rows)
    lines = [f"Usage: fleetwin {group} COMMAND [ARGUMENTS]...", ""]
    lines += [f"  {cyan}{second(row):<{width}}{plain} {row.help}" for row in rows]
    lines += ["", f"'fleetwin {group} COMMAND --help' shows the options and examples of one command."]
    return "\n".join(lines)
