"""More demand than today, to stay."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from scenarios.hazards.base import Hazard, Ill, Setting
from scenarios.hazards.things import check_demand
from scenarios.world import Spell
from twin.model.base import Name
from twin.model.change import Change
from twin.model.fleet import Fleet
from twin.model.units import SignedRatio


class Growth(Hazard):
    """Demand is `by` higher (or lower) during the whole window: today's plan in next year's load."""

    kind: ClassVar[str] = "growth"
    by: SignedRatio
    service: Name | None = None
    region: Name | None = None

    def check(self, fleet: Fleet) -> Iterator[Ill]:
        """Somebody asks for that service from that region, and it changes."""
        yield from check_demand(fleet, self.service, self.region)
        if self.by == 0.0:
            yield Ill("by", "growth by nothing changes nothing", "write e.g. 20 %")

    def spells(self, setting: Setting) -> list[Spell]:
        """Return the growth."""
        change = Change("demand", self.service or "*", self.by, self.region or "*")
        text = f"demand for {self.service or 'every service'} has grown by {100 * self.by:g} %"
        return [Spell(0.0, 2.0 * setting.window_s, (change,), text, "", f"world:{self.kind}")]
