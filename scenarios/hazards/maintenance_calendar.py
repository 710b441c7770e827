"""Work that others have planned in the same window."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar

from pydantic import Field

from scenarios.hazards.base import Hazard, Ill, Moment, Setting, offset_s
from scenarios.hazards.things import check_references, lost
from scenarios.world import Spell
from twin.model.base import Record
from twin.model.fleet import Fleet
from twin.model.units import PositiveSeconds


class Entry(Record):
    """One entry of a calendar: a thing that is out of service for a while."""

    thing: str
    at: Moment
    lasts_s: Annotated[PositiveSeconds, Field(alias="lasts")]


class MaintenanceCalendar(Hazard):
    """Things that others take out of service at known times, as offsets into the window or as dates."""

    kind: ClassVar[str] = "maintenance-calendar"
    entries: Annotated[tuple[Entry, ...], Field(min_length=1)]

    def check(self, fleet: Fleet) -> Iterator[Ill]:
        """The things exist and the times are known."""
        yield from check_references(fleet, "entries", tuple(entry.thing for entry in self.entries))
        for entry in self.entries:
            if entry.at == "random":
                yield Ill("entries", f"the work on {entry.thing} has no time", "give an offset or a date")

    def spells(self, setting: Setting) -> list[Spell]:
        """Return the entries that touch the window."""
        return [
            Spell(
                offset_s(entry.at, setting.start),
                entry.lasts_s,
                lost(setting.fleet, entry.thing),
                f"{entry.thing} is taken out for planned work",
                f"planned work on {entry.thing} ends",
                f"world:{self.kind}",
            )
            for entry in self.entries
        ]
