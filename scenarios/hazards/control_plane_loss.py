"""The control plane goes away: what runs goes on, but nothing can be steered."""

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
from twin.model.units import PositiveSeconds


class ControlPlaneLoss(Occasion):
    """For `lasts` no step of a plan takes effect and no traffic is failed over; data paths go on.

    With `network` (sites) it is the control plane of their routes instead, all instances of it: their border switches forward
    as they did for `fail_static` of the fleet, then their routes are withdrawn.
    """

    kind: ClassVar[str] = "control-plane-loss"
    at: Moment = "random"
    lasts_s: Annotated[PositiveSeconds | None, Field(alias="lasts")] = 3600.0
    network: tuple[Name, ...] = ()

    def check(self, fleet: Fleet) -> Iterator[Ill]:
        """The sites exist, and their routes can be withdrawn."""
        yield from check_names(fleet, "network", "sites", self.network)
        if self.network and fleet.fail_static_s is None:
            mend = "give it one (fail_static), or leave network out"
            yield Ill("network", "the fleet forwards for ever without control plane", mend, absent=True)

    def spells(self, setting: Setting) -> list[Spell]:
        """Return the loss, when it happens in this world."""
        occasion = self.when(setting, "+".join(self.network) or "control")
        if occasion is None:
            return []
        changes, what = [Change("control", "", -1.0)], "the control plane"
        if self.network:
            borders = [s for s in setting.fleet.switches if s.tier == "border" and s.site in self.network]
            changes = [Change("control", s.name, -float(s.controllers)) for s in borders]
            what = f"the control plane of the network of {labelled(self.network)}"
        return [Spell(*occasion, tuple(changes), f"{what} is lost", f"{what} is back", f"world:{self.kind}")]
