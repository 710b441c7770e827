"""Every single loss of a kind, enumerated at each distinct state of the plan and at peak demand."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, get_args

from pydantic import BeforeValidator, Field

from scenarios.hazards.base import Hazard, Ill, Member, Setting
from scenarios.hazards.things import check_names, lost, noun
from scenarios.world import Spell
from twin.model.base import Name
from twin.model.errors import did_you_mean
from twin.model.fleet import Fleet
from twin.model.power import UnitKind
from twin.model.units import PositiveSeconds

_TABLES = {
    "rack": "racks",
    "plant": "cooling_plants",
    "switch": "switches",
    "link": "links",
    "site": "sites",
    "region": "regions",
}
KINDS: tuple[str, ...] = (*get_args(UnitKind), *_TABLES)


def _one_or_many(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


class SingleLosses(Hazard):
    """One world for each (thing, state of the plan): the thing is lost and stays lost for `horizon`.

    Nothing is random: the set is complete, so a plan that survives it survives every single loss of these kinds at every
    state it passes through; of a plan that starts at once also a minute before it. `sites` keeps to some sites (a link
    counts when either end is there).
    """

    kind: ClassVar[str] = "single-losses"
    of: Annotated[tuple[str, ...], Field(alias="kind", min_length=1), BeforeValidator(_one_or_many)]
    sites: tuple[Name, ...] = ()
    horizon_s: Annotated[PositiveSeconds, Field(alias="horizon")] = 900.0

    @property
    def enumerates(self) -> bool:
        """Return True."""
        return True

    def check(self, fleet: Fleet) -> Iterator[Ill]:
        """The kinds are kinds, the sites exist, and there is something to lose."""
        unknown = [word for word in self.of if word not in KINDS]
        for word in unknown:
            mend = did_you_mean(word, KINDS) or f"one of {', '.join(KINDS)}"
            yield Ill("kind", f"there is no kind {word!r}", mend)
        yield from check_names(fleet, "sites", "sites", self.sites)
        if not unknown and not self.things(fleet):
            yield Ill(
                "kind", f"the fleet has no {' or '.join(self.of)} to lose", "remove the hazard", absent=True
            )

    def things(self, fleet: Fleet) -> list[str]:
        """Return the names of the things that are lost, one at a time."""
        return [name for word in self.of for name in _names(fleet, word) if self._is_here(fleet, name)]

    def members(self, setting: Setting) -> Iterator[Member]:
        """Yield one case per thing and state."""
        for name in self.things(setting.fleet):
            what = noun(setting.fleet, name)
            changes = lost(setting.fleet, name)
            for label, at_s in setting.states:
                spell = Spell(
                    at_s,
                    2.0 * self.horizon_s,
                    changes,
                    f"{what} is lost",
                    f"{what} is back",
                    f"world:{self.kind}",
                )
                yield Member(f"{what} lost {label}", at_s, self.horizon_s, (spell,))

    def _is_here(self, fleet: Fleet, name: str) -> bool:
        if not self.sites:
            return True
        kind, row = fleet.things[name]
        if kind == "regions":
            return any(site.region == name and site.name in self.sites for site in fleet.sites)
        if kind == "links":
            return any(fleet.things[end][1].site in self.sites for end in (row.a, row.b))
        return fleet.site_of(name) in self.sites


def _names(fleet: Fleet, word: str) -> list[str]:
    if word in _TABLES:
        return [row.name for row in fleet.rows(_TABLES[word])]
    return [unit.name for unit in fleet.power_units if unit.kind == word]
