"""Breakers whose pickup somebody has set too low: found only when load comes that they should carry."""

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
from twin.model.units import PositiveShare


class BreakerMisset(Occasion):
    """The breakers of `units` open as if their pickup were `share` lower, from the start unless `at` says otherwise.

    Amazon's outage of 14 June 2012 had this cause: load moved to a second path, and its breaker, set too low, opened.
    """

    kind: ClassVar[str] = "breaker-misset"
    units: Annotated[tuple[Name, ...], Field(min_length=1)]
    share: Annotated[PositiveShare, Field(lt=1.0)]

    def check(self, fleet: Fleet) -> Iterator[Ill]:
        """The units exist and have a trip curve."""
        yield from check_names(fleet, "units", "power_units", self.units)
        bare = [unit.name for unit in fleet.power_units if unit.name in self.units and unit.trip is None]
        for name in bare:
            yield Ill(
                "units",
                f"{name!r} has no trip curve",
                "give it one (trip), or name another unit",
                absent=True,
            )

    def spells(self, setting: Setting) -> list[Spell]:
        """Return the wrong setting, when it is there in this world."""
        occasion = self.when(setting, "+".join(self.units))
        if occasion is None:
            return []
        units = tuple(dict.fromkeys(self.units))
        changes = tuple(Change("fault", name, self.share, "pickup") for name in units)
        who = labelled(units)
        what = f"the pickup of {who} is {100 * self.share:g} % too low"
        return [Spell(*occasion, changes, what, f"the pickup of {who} is set right", f"world:{self.kind}")]
