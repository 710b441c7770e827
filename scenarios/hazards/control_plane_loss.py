"""The control plane goes away: what runs goes on, but nothing can be steered."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from scenarios.hazards.base import Moment, Occasion, Setting
from scenarios.world import Spell
from twin.model.change import Change
from twin.model.units import PositiveSeconds


class ControlPlaneLoss(Occasion):
    """For `lasts` no step of a plan takes effect and no traffic is failed over; data paths go on."""

    kind: ClassVar[str] = "control-plane-loss"
    at: Moment = "random"
    lasts_s: Annotated[PositiveSeconds | None, Field(alias="lasts")] = 3600.0

    def spells(self, setting: Setting) -> list[Spell]:
        """Return the loss, when it happens in this world."""
        occasion = self.when(setting, "control")
        if occasion is None:
            return []
        return [
            Spell(
                *occasion,
                (Change("control", "", -1.0),),
                "the control plane is lost",
                "the control plane is back",
                f"world:{self.kind}",
            )
        ]
