"""The account of an import: what was read, what was inferred or assumed, what was dropped, and why."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from twin.model.fleet import Fleet
from twin.model.gateset import GateSet
from twin.model.plan import Plan
from twin.model.scenario import Suite

Verb = Literal["read", "inferred", "assumed", "dropped"]
VERBS: dict[Verb, str] = {
    "read": "taken from the files as it stands",
    "inferred": "computed from the files by a rule",
    "assumed": "not in the files: chosen by a documented rule",
    "dropped": "in the files and not in the fleet",
}


@dataclass(frozen=True)
class Entry:
    """One line of an account: how many of what, and why or how."""

    verb: Verb
    count: float
    what: str
    why: str = ""

    @property
    def number(self) -> str:
        """The count as people write it: 1 523, 0.25."""
        return (
            f"{self.count:,.6g}".replace(",", " ")
            if self.count < 1e6
            else f"{self.count:,.0f}".replace(",", " ")
        )


@dataclass
class Account:
    """The lines of an account, in the order in which things happened."""

    source: str
    entries: list[Entry] = field(default_factory=list)

    def read(self, count: float, what: str, why: str = "") -> None:
        """Note what was taken as it stands."""
        self.entries.append(Entry("read", count, what, why))

    def inferred(self, count: float, what: str, why: str) -> None:
        """Note what a rule computed from the files; nothing is noted when it computed nothing."""
        if count:
            self.entries.append(Entry("inferred", count, what, why))

    def assumed(self, count: float, what: str, why: str) -> None:
        """Note what a rule chose because the files do not hold it."""
        self.entries.append(Entry("assumed", count, what, why))

    def dropped(self, count: float, what: str, why: str) -> None:
        """Note what was left out; nothing is noted when nothing was."""
        if count:
            self.entries.append(Entry("dropped", count, what, why))

    def total(self, verb: Verb, what: str) -> float:
        """Return the sum of the counts of one kind of line."""
        return sum(entry.count for entry in self.entries if (entry.verb, entry.what) == (verb, what))

    def markdown(self) -> str:
        """Return the account as a Markdown page."""
        lines = [f"# Account of the import of {self.source}", ""]
        for verb, meaning in VERBS.items():
            entries = [entry for entry in self.entries if entry.verb == verb]
            lines += [f"## {verb.capitalize()}: {meaning}", ""]
            if not entries:
                lines += ["Nothing.", ""]
                continue
            lines += ["| count | what | why, how |", "|--:|---|---|"]
            lines += [f"| {e.number} | {_cell(e.what)} | {_cell(e.why)} |" for e in entries]
            lines += [""]
        return "\n".join(lines)


@dataclass(frozen=True)
class Imported:
    """What an importer hands over: a fleet, its account, and example documents that fit the fleet."""

    fleet: Fleet
    account: Account
    gates: tuple[GateSet, ...] = ()
    suites: tuple[Suite, ...] = ()
    plans: tuple[Plan, ...] = ()


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
