"""Controllers of load shedding that are blind or dead when they are needed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from scenarios.hazards.base import Ill, Occasion, Setting, labelled
from scenarios.hazards.things import check_names
from scenarios.world import Spell
from twin.model.base import Name
from twin.model.change import Change
from twin.model.fleet import Fleet

_WORDS = {"sensor": ("is blind", "sees again"), "controller": ("is dead", "works again")}


class SheddingFault(Occasion):
    """The controllers that shed load below `units` do not see the power (`sensor`) or do nothing at all (`controller`).

    Racks that are off stay off. An order under way arrives when only the sensor has failed, and is lost with the controller.
    """

    kind: ClassVar[str] = "shedding-fault"
    units: Annotated[tuple[Name, ...], Field(min_length=1)]
    part: Literal["sensor", "controller"] = "controller"

    def check(self, fleet: Fleet) -> Iterator[Ill]:
        """The units exist and have a shedding policy."""
        yield from check_names(fleet, "units", "power_units", self.units)
        for unit in fleet.power_units:
            if unit.name in self.units and unit.shedding is None:
                what = f"{unit.name!r} has no shedding policy"
                yield Ill("units", what, "give it one, or name another unit", absent=True)

    def spells(self, setting: Setting) -> list[Spell]:
        """Return the failure, when it happens in this world."""
        occasion = self.when(setting, "+".join(self.units))
        if occasion is None:
            return []
        units = tuple(dict.fromkeys(self.units))
        changes = tuple(Change("fault", name, 1.0, f"shedding-{self.part}") for name in units)
        fails, mended = (f"the load shedding of {labelled(units)} {words}" for words in _WORDS[self.part])
        return [Spell(*occasion, changes, fails, mended, f"world:{self.kind}")]
