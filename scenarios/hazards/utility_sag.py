"""Voltage sags: the utility is there, but for a moment its voltage is not."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Annotated, ClassVar

from pydantic import Field

from scenarios.hazards.base import Hazard, Ill, Setting
from scenarios.hazards.things import check_names
from scenarios.world import Spell
from twin.model.base import Name
from twin.model.change import Change
from twin.model.fleet import Fleet
from twin.model.units import PositiveSeconds

YEAR_S = 31557600.0


class UtilitySag(Hazard):
    """The utilities of `site` go away together for `lasts`, `per_year` times on average, at random (Poisson).

    How often is a matter of the place, so there is no default. A sag that a UPS rides through still calls generators
    and stops what hangs on the utility without one.
    """

    kind: ClassVar[str] = "utility-sag"
    site: Name
    per_year: Annotated[float, Field(gt=0, le=1e5)]
    lasts_s: Annotated[PositiveSeconds, Field(alias="lasts")] = 0.5

    @property
    def random(self) -> bool:
        """Return True."""
        return True

    def check(self, fleet: Fleet) -> Iterator[Ill]:
        """The site exists and buys power."""
        ills = list(check_names(fleet, "site", "sites", (self.site,)))
        yield from ills
        if not ills and not self._utilities(fleet):
            yield Ill("site", f"site {self.site!r} has no utility", "remove the hazard", absent=True)

    def spells(self, setting: Setting) -> list[Spell]:
        """Return the sags of this world; the next begins after the last is over."""
        rng, mean_s = setting.stream(self.site), YEAR_S / self.per_year
        changes = tuple(Change("state", name, -1.0) for name in self._utilities(setting.fleet))
        what, origin = f"the voltage at {self.site}", f"world:{self.kind}"
        found, at_s = [], -mean_s * math.log1p(-float(rng.random()))
        while at_s < setting.window_s:
            found.append(
                Spell(at_s, self.lasts_s, changes, f"{what} sags", f"{what} is back", origin, self.site)
            )
            at_s += self.lasts_s - mean_s * math.log1p(-float(rng.random()))
        return found

    def _utilities(self, fleet: Fleet) -> list[str]:
        return [unit.name for unit in fleet.power_units if unit.kind == "utility" and unit.site == self.site]
