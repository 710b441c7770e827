"""Several things that go down together: weather over neighbouring rows, one firmware on many switches."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar

from pydantic import Field

from scenarios.hazards.base import Ill, Moment, Occasion, Setting, labelled
from scenarios.hazards.things import check_references, lost
from scenarios.world import Spell
from twin.model.fleet import Fleet


class CommonCause(Occasion):
    """All `things` fail at one instant (by default a random one) for `lasts`, with `probability`.

    This is the lethal shock of a binomial-failure-rate model (Vesely 1977): independent failures come on top
    of it as a hazard of their own.
    """

    kind: ClassVar[str] = "common-cause"
    things: Annotated[tuple[str, ...], Field(min_length=1)]
    at: Moment = "random"

    def check(self, fleet: Fleet) -> Iterator[Ill]:
        """The things exist and can be lost."""
        return check_references(fleet, "things", self.things)

    def spells(self, setting: Setting) -> list[Spell]:
        """Return the common failure, when it happens in this world."""
        occasion = self.when(setting, "+".join(self.things))
        if occasion is None:
            return []
        changes = tuple(dict.fromkeys(c for thing in self.things for c in lost(setting.fleet, thing)))
        what = labelled(self.things)
        return [Spell(*occasion, changes, f"{what} fail together", f"{what} are back", f"world:{self.kind}")]
