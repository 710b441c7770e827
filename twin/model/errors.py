"""What fleetwin says when something is wrong: where, what, and how to mend it.

Every error that a user can cause is a :class:`FleetwinError` and carries the exit code that the command line
returns for it (the table stands in the README and never changes meaning).
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


class FleetwinError(Exception):
    """Base of all errors that fleetwin raises on purpose."""

    exit_code = 2


@dataclass(frozen=True, order=True)
class Problem:
    """One thing that is wrong in a document: *where* (``file:line`` or row), *what*, and the likely *mend*."""

    where: str
    what: str
    mend: str = ""

    def __str__(self) -> str:
        mend = f" ({self.mend})" if self.mend else ""
        return f"{self.where}: {self.what}{mend}"


class DocumentError(FleetwinError):
    """A document that cannot be used; carries *all* its problems, not just the first."""

    noun = "document"

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems: tuple[Problem, ...] = tuple(dict.fromkeys(problems))
        count = len(self.problems)
        head = f"{count} problem{'s' if count != 1 else ''} in the {self.noun}:"
        super().__init__("\n".join([head, *(f"  - {problem}" for problem in self.problems)]))


class FleetError(DocumentError):
    """A fleet that cannot be used."""

    noun = "fleet"


class PlanError(DocumentError):
    """A plan that cannot be read."""

    noun = "plan"


class PlanRejected(DocumentError):
    """A plan that was read but is refused by the static checks, before any simulation."""

    noun = "plan"
    exit_code = 14


class StalePlan(FleetwinError):
    """A plan that was written for another snapshot of the fleet."""

    exit_code = 15


class ScenarioError(DocumentError):
    """A scenario or suite that cannot be used."""

    noun = "suite"


class DrillError(DocumentError):
    """A drill that cannot be used."""

    noun = "drill"


class GateError(DocumentError):
    """A gate set that cannot be used."""

    noun = "gate set"


class TraceError(DocumentError):
    """A trace or foreign file that cannot be imported."""

    noun = "imported files"


class UsageError(FleetwinError):
    """A request that makes no sense: unknown name, impossible combination of options."""


class NotSettled(FleetwinError):
    """A world whose coupled state found no rest within the allowed rounds at one instant."""

    exit_code = 12


class EvaluationError(FleetwinError):
    """An evaluation that could not be completed: a lost worker, a world that does not settle."""

    exit_code = 12


def did_you_mean(word: str, known: Sequence[str]) -> str:
    """Return "did you mean 'x'?" for the closest known word, or the empty string."""
    close = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    return f"did you mean '{close[0]}'?" if close else ""
