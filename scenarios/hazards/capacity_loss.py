"""A link that keeps only part of its capacity: a member of a bundle or a wavelength is lost."""

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
from twin.model.units import PositiveShare


class CapacityLoss(Occasion):
    """The `links` lose `share` of their capacity for `lasts`; routes stay as they are, since the links are up."""

    kind: ClassVar[str] = "capacity-loss"
    links: Annotated[tuple[Name, ...], Field(min_length=1)]
    share: PositiveShare
    at: Moment = "random"

    def check(self, fleet: Fleet) -> Iterator[Ill]:
        """The links exist."""
        return check_names(fleet, "links", "links", self.links)

    def spells(self, setting: Setting) -> list[Spell]:
        """Return the loss, when it happens in this world."""
        occasion = self.when(setting, "+".join(self.links))
        if occasion is None:
            return []
        changes = tuple(Change("bandwidth", link, -self.share) for link in dict.fromkeys(self.links))
        what = labelled(self.links)
        return [
            Spell(
                *occasion,
                changes,
                f"{what} lose {100 * self.share:g} % of their capacity"
                if len(changes) > 1
                else f"{what} loses {100 * self.share:g} % of its capacity",
                f"{what}: full capacity again",
                f"world:{self.kind}",
            )
        ]
