"""What every hazard is: a record of parameters that draws spells of trouble for one world."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import BeforeValidator, Field, PlainSerializer, ValidationInfo, WithJsonSchema
from pydantic_core import PydanticCustomError

from scenarios.world import Spell
from twin.model.base import Record
from twin.model.fleet import Fleet
from twin.model.scenario import HazardSpec
from twin.model.streams import stream
from twin.model.units import PositiveSeconds, PositiveShare, format_quantity, parse_quantity


@dataclass(frozen=True)
class Setting:
    """Where a hazard strikes: the fleet (all entities of both arms), the window, the seed, the states.

    `purpose` names the hazard's own random streams, `states` are (label, offset) of the distinct states of
    the plan.
    """

    fleet: Fleet
    window_s: float
    start: datetime
    seed: int
    purpose: str = ""
    states: tuple[tuple[str, float], ...] = ()

    def stream(self, entity: str) -> np.random.Generator:
        """Return the entity's stream of this hazard in this world."""
        return stream(self.seed, entity, self.purpose)


@dataclass(frozen=True)
class Member:
    """One enumerated case: its label, when it strikes, how much of it is to be played, and what happens."""

    label: str
    at_s: float
    horizon_s: float
    spells: tuple[Spell, ...]


@dataclass(frozen=True)
class Ill:
    """A parameter that does not fit the fleet. `absent`: the hazard merely has nothing to strike there."""

    field: str
    what: str
    mend: str = ""
    absent: bool = False


class Hazard(Record):
    """One hazard. A new one is a file with a subclass, a line in the registry and a test.

    Subclasses fill `spells` (what happens in one world) or, when they enumerate, `members` (one world each).
    """

    kind: ClassVar[str]

    @property
    def random(self) -> bool:
        """Return whether two replications can differ."""
        return False

    @property
    def enumerates(self) -> bool:
        """Return whether the hazard yields `members`."""
        return False

    def check(self, fleet: Fleet) -> Iterator[Ill]:
        """Yield what is wrong with the parameters for this fleet."""
        return iter(())

    def spells(self, setting: Setting) -> list[Spell]:
        """Return what happens in one world."""
        return []

    def members(self, setting: Setting) -> Iterator[Member]:
        """Yield the enumerated cases."""
        return iter(())

    def arrange(self, spells: list[Spell]) -> list[Spell]:
        """Return the spells of all hazards of the scenario after this one has had its say."""
        return spells

    def spec(self) -> HazardSpec:
        """Return the hazard as it stands in a suite file."""
        params = self.model_dump(mode="json", by_alias=True, exclude_unset=True, context={"document": True})
        return HazardSpec(kind=self.kind, params=params)


def _read_moment(value: Any, info: ValidationInfo) -> Any:
    """Read "90 min", "random" or "2026-11-21T02:00Z"."""
    bare = isinstance(value, (int, float)) and bool(info.context and info.context.get("document"))
    if bare or isinstance(value, bool) or not isinstance(value, (str, int, float, datetime)):
        message = f"{value!r} is not a time; write e.g. '90 min'"
        raise PydanticCustomError("moment", "{message}", {"message": message})
    if not isinstance(value, str) or value == "random":
        return value
    if re.match(r"^\d{4}-\d\d-\d\d", value):
        moment = datetime.fromisoformat(value)
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    try:
        return parse_quantity(value, "duration")
    except ValueError as error:
        message = f"{error}; or 'random', or a date like 2026-11-21T02:00Z"
        raise PydanticCustomError("moment", "{message}", {"message": message}) from None


def _write_moment(value: float | str | datetime) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    return value if isinstance(value, str) else format_quantity(value, "duration")


Moment = Annotated[
    float | Literal["random"] | datetime,
    BeforeValidator(_read_moment),
    PlainSerializer(_write_moment),
    WithJsonSchema({"type": "string", "examples": ["90 min", "random", "2026-11-21T02:00Z"]}),
]


class Occasion(Hazard):
    """A hazard that strikes at most once: at a time, or at one drawn uniformly from the window.

    `lasts` unset means to the end of the window; `probability` is that of its happening in the window at all.
    """

    at: Moment = 0.0
    lasts_s: Annotated[PositiveSeconds | None, Field(alias="lasts")] = None
    probability: PositiveShare = 1.0

    @property
    def random(self) -> bool:
        """Return whether the time or the happening is drawn."""
        return self.at == "random" or self.probability < 1.0

    def when(self, setting: Setting, entity: str) -> tuple[float, float] | None:
        """Return (start, duration) in this world, or None when it does not happen."""
        happens, place = setting.stream(entity).random(2) if self.random else (0.0, 0.0)
        if happens >= self.probability:
            return None
        at_s = float(place) * setting.window_s if self.at == "random" else offset_s(self.at, setting.start)
        return at_s, (self.lasts_s if self.lasts_s is not None else 2.0 * setting.window_s + abs(at_s))


def offset_s(moment: float | str | datetime, start: datetime) -> float:
    """Return a moment as seconds after *start*."""
    return (moment - start).total_seconds() if isinstance(moment, datetime) else float(moment)


def draw_lognormal(rng: np.random.Generator, mean: float, sigma: float) -> float:
    """Return a lognormal value with the given mean (not median)."""
    return float(rng.lognormal(np.log(mean) - sigma * sigma / 2.0, sigma))


def labelled(names: Sequence[str]) -> str:
    """Return "a, b and 3 more" for a text."""
    shown = ", ".join(names[:3])
    return f"{shown} and {len(names) - 3} more" if len(names) > 3 else shown
