"""Cooling trips: a voltage sag or a failed control system stops plants that keep their power."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar

from pydantic import Field

from scenarios.hazards.base import Ill, Occasion, Setting, labelled
from scenarios.hazards.things import check_names
from scenarios.world import Spell
from twin.model.base import Name
from twin.model.change import Change
from twin.model.fleet import Fleet
from twin.model.units import PositiveSeconds


class CoolingTrip(Occasion):
    """All `plants` stop at one instant and are held for `lasts`: 10 s for a sag, until the reset for a hung controller.

    Then those that declare a `restart` need that long before they cool. The `stuck` among them do not restart before
    someone has mended them, `mended` after the trip (unset: not in this window). Servers ride through a sag on their UPS;
    chillers, fans and pumps do not.
    """

    kind: ClassVar[str] = "cooling-trip"
    plants: Annotated[tuple[Name, ...], Field(min_length=1)]
    lasts_s: Annotated[PositiveSeconds | None, Field(alias="lasts")] = 10.0
    stuck: tuple[Name, ...] = ()
    mended_s: Annotated[PositiveSeconds | None, Field(alias="mended")] = None

    def check(self, fleet: Fleet) -> Iterator[Ill]:
        """The plants exist; those that stick are among them and would have to restart."""
        ills = list(check_names(fleet, "plants", "cooling_plants", self.plants))
        yield from ills
        if ills:
            return
        for name in self.stuck:
            if name not in self.plants:
                yield Ill("stuck", f"{name!r} is not among the plants that trip", "name it in plants")
            elif fleet.things[name][1].restart_s is None:
                yield Ill("stuck", f"{name!r} has no restart to fail", "give the plant a restart time")

    def spells(self, setting: Setting) -> list[Spell]:
        """Return the trip, when it happens in this world."""
        occasion = self.when(setting, "+".join(self.plants))
        if occasion is None:
            return []
        origin, what = f"world:{self.kind}", labelled(self.plants)
        changes = tuple(Change("state", name, -1.0) for name in self.plants)
        spells = [Spell(*occasion, changes, f"{what} trip", f"what tripped {what} is over", origin)]
        if self.stuck:
            faults = tuple(Change("fault", name, 1.0, "restart") for name in self.stuck)
            lasts_s = self.mended_s if self.mended_s is not None else 2.0 * setting.window_s
            stuck = labelled(self.stuck)
            words = f"{stuck} will not restart", f"{stuck} can restart again"
            spells.append(Spell(occasion[0], lasts_s, faults, *words, origin))
        return spells
