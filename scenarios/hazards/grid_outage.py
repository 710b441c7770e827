"""The public grid of a region goes away: every utility feed of its sites at once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar

from pydantic import Field

from scenarios.hazards.base import Ill, Occasion, Setting
from scenarios.hazards.things import check_names
from scenarios.world import Spell
from twin.model.base import Name
from twin.model.change import Change
from twin.model.fleet import Fleet
from twin.model.units import PositiveSeconds


class GridOutage(Occasion):
    """All utilities of `region` are down for `lasts`; what has a standby feed runs on its generators.

    The default length is that of the average US customer, 5.6 h over 1.4 interruptions a year (EIA 2022): 4
    h.
    """

    kind: ClassVar[str] = "grid-outage"
    region: Name
    lasts_s: Annotated[PositiveSeconds | None, Field(alias="lasts")] = 4 * 3600.0

    def check(self, fleet: Fleet) -> Iterator[Ill]:
        """The region exists and buys power."""
        ills = list(check_names(fleet, "region", "regions", (self.region,)))
        yield from ills
        if not ills and not self._utilities(fleet):
            yield Ill(
                "region", f"region {self.region!r} has no utility to lose", "remove the hazard", absent=True
            )

    def spells(self, setting: Setting) -> list[Spell]:
        """Return the outage, when it happens in this world."""
        occasion = self.when(setting, self.region)
        if occasion is None:
            return []
        changes = tuple(Change("state", name, -1.0) for name in self._utilities(setting.fleet))
        what = f"the grid of region {self.region}"
        return [Spell(*occasion, changes, f"{what} fails", f"{what} is back", f"world:{self.kind}")]

    def _utilities(self, fleet: Fleet) -> list[str]:
        sites = {site.name for site in fleet.sites if site.region == self.region}
        return [unit.name for unit in fleet.power_units if unit.kind == "utility" and unit.site in sites]
