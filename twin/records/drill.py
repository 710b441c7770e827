"""What a drill leaves behind: the events it is judged by, what was expected against what happened, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from twin.model.drill import Drill, EventKind
from twin.records.verdict import CounterExample, Happening

Role = Literal["calibrated", "predicted", "variant", "absent", "extra"]


@dataclass(frozen=True)
class Event:
    """One thing that happened to a `thing` of some `kind`; `of` is the kind of violation, `by` the law that acted."""

    at_s: float
    event: EventKind
    thing: str
    kind: str
    of: str = ""
    by: str = ""
    text: str = ""


@dataclass(frozen=True)
class Finding:
    """One expectation and what came of it: when it was fulfilled (or broken), and the events that did it."""

    id: str
    role: Role
    says: str
    account: str
    wanted: str
    ok: bool
    happened: str
    events: tuple[Event, ...] = ()


@dataclass(frozen=True)
class Drilled:
    """A drill that was played. `table` is what the sweep gave: x happened, . did not, ? in part."""

    drill: Drill
    findings: tuple[Finding, ...]
    variants: tuple[tuple[str, tuple[Finding, ...]], ...]
    table: tuple[str, ...]
    happenings: tuple[Happening, ...]
    example: CounterExample

    @property
    def passed(self) -> bool:
        """Whether all came as expected, nothing else did, no variant cascaded and the sweep is the rule's."""
        rows = [*self.findings, *(row for _, found in self.variants for row in found)]
        return all(row.ok for row in rows) and self.table == self.wanted_table

    @property
    def wanted_table(self) -> tuple[str, ...]:
        """What the sweep must give."""
        return self.drill.sweep.table if self.drill.sweep else ()

    def of(self, role: Role) -> tuple[Finding, ...]:
        """The findings of one role in the drill itself."""
        return tuple(row for row in self.findings if row.role == role)
