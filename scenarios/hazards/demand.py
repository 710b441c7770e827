"""More demand than today: a surge for a while, or growth that stays."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar

from scenarios.hazards.base import Hazard, Ill, Occasion, Setting
from scenarios.hazards.things import check_names
from scenarios.world import Spell
from twin.model.base import Name
from twin.model.change import Change
from twin.model.fleet import Fleet
from twin.model.units import Quantity, SignedRatio


class DemandSurge(Occasion):
    """Users ask `factor` times as much, of one service or all, from one region or all. Surges add up."""

    kind: ClassVar[str] = "demand-surge"
    factor: Annotated[float, Quantity("ratio", le=1000.0)]
    service: Name | None = None
    region: Name | None = None

    def check(self, fleet: Fleet) -> Iterator[Ill]:
        """Somebody asks for that service from that region."""
        yield from _check_demand(fleet, self.service, self.region)
        if self.factor == 1.0:
            yield Ill("factor", "a factor of 1 changes nothing", "write e.g. 1.3 for 30 % more")

    def spells(self, setting: Setting) -> list[Spell]:
        """Return the surge, when it happens in this world."""
        occasion = self.when(setting, f"{self.service or '*'}@{self.region or '*'}")
        if occasion is None:
            return []
        change = Change("demand", self.service or "*", self.factor - 1.0, self.region or "*")
        what = f"demand for {self.service or 'every service'} from {self.region or 'everywhere'}"
        return [
            Spell(
                *occasion,
                (change,),
                f"{what} is {self.factor:g} times as high",
                f"{what} is normal again",
                f"world:{self.kind}",
            )
        ]


class Growth(Hazard):
    """Demand is `by` higher (or lower) during the whole window: today's plan in next year's load."""

    kind: ClassVar[str] = "growth"
    by: SignedRatio
    service: Name | None = None
    region: Name | None = None

    def check(self, fleet: Fleet) -> Iterator[Ill]:
        """Somebody asks for that service from that region, and it changes."""
        yield from _check_demand(fleet, self.service, self.region)
        if self.by == 0.0:
            yield Ill("by", "growth by nothing changes nothing", "write e.g. 20 %")

    def spells(self, setting: Setting) -> list[Spell]:
        """Return the growth."""
        change = Change("demand", self.service or "*", self.by, self.region or "*")
        text = f"demand for {self.service or 'every service'} has grown by {100 * self.by:g} %"
        return [Spell(0.0, 2.0 * setting.window_s, (change,), text, "", f"world:{self.kind}")]


def _check_demand(fleet: Fleet, service: str | None, region: str | None) -> Iterator[Ill]:
    ills = [
        *check_names(fleet, "service", "services", (service,) if service else ()),
        *check_names(fleet, "region", "regions", (region,) if region else ()),
    ]
    yield from ills
    rows = [row for row in fleet.demand if service in (None, row.service) and region in (None, row.region)]
    if not ills and not rows:
        yield Ill("service", "nobody asks for that there", "demand has no such row", absent=True)
