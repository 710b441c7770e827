"""The loss of a named thing, at a time or at a state of the plan."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Annotated, ClassVar

from pydantic import Field, model_validator

from scenarios.hazards.base import Ill, Member, Occasion, Setting
from scenarios.hazards.things import check_references, lost, noun, site_of
from scenarios.world import Spell
from twin.model.errors import Problem, ScenarioError
from twin.model.fleet import Fleet
from twin.model.units import PositiveSeconds


class Loss(Occasion):
    """One named thing is lost and comes back after `lasts`.

    With `state`, a pattern over the labels of the plan's states, it is lost at each matching one, in a world
    of its own that plays `horizon`.
    """

    kind: ClassVar[str] = "loss"
    thing: str
    state: str | None = None
    horizon_s: Annotated[PositiveSeconds, Field(alias="horizon")] = 900.0

    @model_validator(mode="after")
    def _time_is_given_once(self) -> Loss:
        if self.state is not None and {"at", "probability"} & self.model_fields_set:
            raise ValueError("give either 'state' or 'at' and 'probability'")
        return self

    @property
    def enumerates(self) -> bool:
        """Return whether the loss is tied to states of the plan."""
        return self.state is not None

    def check(self, fleet: Fleet) -> Iterator[Ill]:
        """The thing exists and can be lost."""
        return check_references(fleet, "thing", (self.thing,))

    def spells(self, setting: Setting) -> list[Spell]:
        """Return the loss."""
        occasion = self.when(setting, self.thing)
        return [self._spell(setting.fleet, *occasion)] if occasion else []

    def members(self, setting: Setting) -> Iterator[Member]:
        """Yield one case per matching state of the plan."""
        matching = [(label, at_s) for label, at_s in setting.states if fnmatchcase(label, self.state or "*")]
        if not matching:
            known = ", ".join(label for label, _ in setting.states)
            what = f"no state of the plan matches {self.state!r}"
            raise ScenarioError([Problem(f"hazard {self.kind}: state", what, f"this plan has {known}")])
        for label, at_s in matching:
            spell = self._spell(setting.fleet, at_s, self.lasts_s or 2.0 * self.horizon_s)
            yield Member(f"{self.thing} lost {label}", at_s, self.horizon_s, (spell,))

    def _spell(self, fleet: Fleet, at_s: float, lasts_s: float) -> Spell:
        what = noun(fleet, self.thing) if "[" not in self.thing else self.thing
        return Spell(
            at_s,
            lasts_s,
            lost(fleet, self.thing),
            f"{what} is lost",
            f"{what} is back",
            f"world:{self.kind}",
            site_of(fleet, self.thing),
        )
