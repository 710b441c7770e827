"""A link that goes down and up again and again: a loose optic, a card that restarts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar

from pydantic import Field

from scenarios.hazards.base import Ill, Moment, Occasion, Setting
from scenarios.hazards.things import check_names
from scenarios.world import Spell
from twin.model.base import Name
from twin.model.change import Change
from twin.model.fleet import Fleet
from twin.model.units import PositiveSeconds


class LinkFlapping(Occasion):
    """A link goes down `times` times: each time for `down`, with `up` between.

    What it costs depends on how fast routes converge: flaps that are over before routers know of them lose only what is
    on the link, longer ones move the traffic to and fro. With `lasts`, what has not begun by then does not happen.
    """

    kind: ClassVar[str] = "link-flapping"
    link: Name
    times: Annotated[int, Field(ge=1, le=10_000)] = 10
    down_s: Annotated[PositiveSeconds, Field(alias="down")] = 5.0
    up_s: Annotated[PositiveSeconds, Field(alias="up")] = 30.0
    at: Moment = "random"

    def check(self, fleet: Fleet) -> Iterator[Ill]:
        """The link exists."""
        return check_names(fleet, "link", "links", (self.link,))

    def spells(self, setting: Setting) -> list[Spell]:
        """Return one spell per flap, when it happens in this world."""
        occasion = self.when(setting, self.link)
        if occasion is None:
            return []
        at_s, lasts_s = occasion
        starts = (at_s + flap * (self.down_s + self.up_s) for flap in range(self.times))
        return [
            Spell(
                start_s,
                self.down_s,
                (Change("state", self.link, -1.0),),
                f"link {self.link} flaps: down",
                f"link {self.link} flaps: up",
                f"world:{self.kind}",
            )
            for start_s in starts
            if start_s < at_s + lasts_s
        ]
