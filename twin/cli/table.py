"""The commands of fleetwin, written by hand: name, where its function lives, one line of help, in groups.

A name of two words ("report capacity") is a command of the group that its first word names: ``fleetwin report`` lists them.
Nothing heavy may be imported here: ``fleetwin --help`` and shell completion read only this table.
"""

from typing import NamedTuple


class Command(NamedTuple):
    """One row: the function behind a command as ``module:function``, and its line in the overview."""

    name: str
    target: str
    help: str


GROUPS = {
    "Start": (
        Command("demo", "twin.cli.demo:demo", "Write an example into demo/ and check three plans on it"),
        Command("new", "twin.cli.new:new", "Write a new fleet of any size"),
        Command("new-plan", "twin.cli.new_plan:new_plan", "Write a new plan for a fleet"),
        Command("import", "twin.sync.cli:import_", "Read a fleet from foreign files"),
    ),
    "Look": (
        Command("validate", "twin.files.cli:validate", "Read documents and list everything wrong in them"),
        Command("inspect", "twin.cli.inspect:inspect", "Ask for blast radius, single points, headroom, fit"),
        Command("draw", "twin.cli.draw:draw", "Draw the power, the network or one service"),
        Command("diff", "twin.files.cli:diff", "Say in words how two fleets or plans differ"),
        Command("schema", "twin.files.cli:schema", "Print the JSON Schema of a document"),
    ),
    "Plan": (
        Command(
            "plan capacity", "twin.cli.plan_capacity:capacity", "Who gets which servers, surviving any loss"
        ),
        Command(
            "plan placement", "twin.cli.plan_placement:placement", "Where demand is served, hour by hour"
        ),
        Command(
            "plan expansion", "twin.cli.plan_expansion:expansion", "What to buy, build and retire, and when"
        ),
        Command(
            "plan maintenance", "twin.cli.plan_maintenance:maintenance", "What to maintain together, and when"
        ),
        Command("plan power", "twin.cli.plan_power:power", "Which caps, feeds and swaps free stranded power"),
    ),
    "Judge": (
        Command("check", "twin.cli.check:check", "Judge a plan: is it safe, does it do what it claims?"),
        Command("simulate", "twin.cli.simulate:simulate", "Play a fleet, or a plan on it, in one world"),
        Command("drill", "twin.cli.drill:drill", "Play real incidents: does the twin do what they did?"),
        Command("replay", "twin.cli.replay:replay", "Play the counter-example of a failed gate again"),
        Command("explain", "twin.cli.explain:explain", "Show why a gate decided as it did"),
    ),
    "Report": (
        Command(
            "report capacity", "twin.cli.report:capacity", "Write the capacity report that a planner signs"
        ),
    ),
}

COMMANDS = tuple(command for group in GROUPS.values() for command in group)


def find(name: str) -> Command | None:
    """Return the row of a command by its whole name, or None."""
    return next((command for command in COMMANDS if command.name == name), None)


def members(word: str) -> tuple[Command, ...]:
    """Return the commands of the group that a word names."""
    return tuple(command for command in COMMANDS if command.name.startswith(f"{word} "))


def first_words() -> dict[str, str]:
    """Return the first word of every command with its help; that of a group lists its commands."""
    return {word: _help(word) for word in dict.fromkeys(command.name.split()[0] for command in COMMANDS)}


def second(command: Command) -> str:
    """Return the word that names a command within its group."""
    return command.name.partition(" ")[2]


def _help(word: str) -> str:
    command = find(word)
    return command.help if command else " | ".join(second(row) for row in members(word))
