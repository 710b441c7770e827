"""More demand than today, for a while."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar

from scenarios.hazards.base import Ill, Occasion, Setting
from scenarios.hazards.things import check_demand
from scenarios.world import Spell
from twin.model.base import Name
from twin.model.change import Change
from twin.model.fleet import Fleet
from twin.model.units import Quantity


class DemandSurge(Occasion):
    """Users ask `factor` times as much, of one service or all, from one region or all. Surges add up."""

    kind: ClassVar[str] = "demand-surge"
    factor: Annotated[float, Quantity("ratio", le=1000.0)]
    service: Name | None = None
    region: Name | None = None

    def check(self, fleet: Fleet) -> Iterator[Ill]:
        """Somebody asks for that service from that region."""
        yield from check_demand(fleet, self.service, self.region)
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
