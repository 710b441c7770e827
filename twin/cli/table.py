"""The commands of fleetwin, written by hand: name, where its function lives, one line of help, and its group.

Nothing heavy may be imported here: ``fleetwin --help`` and shell completion read only this table.
"""

from typing import NamedTuple


class Command(NamedTuple):
    """One row: the function behind a command as ``module:function``, and how the overview shows it."""

    name: str
    target: str
    help: str
    group: str


COMMANDS = (
    Command("demo", "scenarios.cli:demo", "Write an example into demo/ and check three plans on it", "Start"),
    Command("new", "scenarios.cli:new", "Write a new fleet of any size", "Start"),
    Command("new-plan", "twin.actions.cli:new_plan", "Write a new plan for a fleet", "Start"),
    Command("import", "twin.sync.cli:import_", "Read a fleet from foreign files", "Start"),
    Command("validate", "twin.files.cli:validate", "Read documents and list everything wrong in them", "Look"),
    Command("inspect", "twin.graph.cli:inspect", "Ask for blast radius, single points, headroom, fit", "Look"),
    Command("draw", "reports.cli:draw", "Draw the power, the network or one service", "Look"),
    Command("diff", "twin.files.cli:diff", "Say in words how two fleets or plans differ", "Look"),
    Command("schema", "twin.files.cli:schema", "Print the JSON Schema of a document", "Look"),
    Command("check", "twin.evaluate_cli:check", "Judge a plan: is it safe, does it do what it claims?", "Judge"),
    Command("simulate", "twin.evaluate_cli:simulate", "Play a fleet, with or without a plan, in one world", "Judge"),
    Command("replay", "twin.evaluate_cli:replay", "Play the counter-example of a failed gate again", "Judge"),
    Command("explain", "reports.cli:explain", "Show why a gate decided as it did", "Judge"),
)


def find(name: str) -> Command | None:
    """Return the row of a command, or None."""
    return next((command for command in COMMANDS if command.name == name), None)
