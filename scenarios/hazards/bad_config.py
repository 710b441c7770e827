"""A bad configuration reaches every replica of some services at once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar

from pydantic import Field

from scenarios.hazards.base import Ill, Moment, Occasion, Setting, labelled
from scenarios.hazards.things import check_names
from scenarios.world import Spell
from twin.model.base import Name
from twin.model.change import Change
from twin.model.fleet import Fleet
from twin.model.units import PositiveSeconds, PositiveShare


class BadConfig(Occasion):
    """`services` (all, when none is named) lose `share` of their replicas at every site at one instant.

    Pushes of binaries and configuration started 37 % and 31 % of Google's outages of 2010-17 (SRE workbook);
    the default length is a little under the published median of incidents, 3 h, since a roll-back is quicker
    than a repair.
    """

    kind: ClassVar[str] = "bad-config"
    share: PositiveShare
    services: tuple[Name, ...] = ()
    at: Moment = "random"
    lasts_s: Annotated[PositiveSeconds | None, Field(alias="lasts")] = 1800.0

    def check(self, fleet: Fleet) -> Iterator[Ill]:
        """The services exist."""
        yield from check_names(fleet, "services", "services", self.services)
        if not fleet.services:
            yield Ill("services", "the fleet has no services", "remove the hazard", absent=True)

    def spells(self, setting: Setting) -> list[Spell]:
        """Return the push, when it happens in this world."""
        occasion = self.when(setting, "+".join(self.services) or "*")
        if occasion is None:
            return []
        names = self.services or tuple(service.name for service in setting.fleet.services)
        changes = tuple(Change("sick", name, self.share) for name in names)
        what = f"a bad configuration stops {100 * self.share:g} % of the replicas of {labelled(names)}"
        return [
            Spell(
                *occasion,
                changes,
                what,
                f"the configuration of {labelled(names)} is rolled back",
                f"world:{self.kind}",
            )
        ]
