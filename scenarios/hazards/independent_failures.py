"""Everything breaks now and then, each thing on its own, and is mended."""

from __future__ import annotations

import functools
import heapq
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from scenarios.hazards.base import Hazard, Ill, Setting, draw_lognormal
from scenarios.hazards.things import noun
from scenarios.streams import first_uniforms
from scenarios.world import Spell
from twin.model.change import Change
from twin.model.fleet import Fleet

Class = Literal["server", "unit", "plant", "rack", "switch", "link"]
_TABLES: dict[Class, str] = {
    "server": "server_groups",
    "unit": "power_units",
    "plant": "cooling_plants",
    "rack": "racks",
    "switch": "switches",
    "link": "links",
}


class IndependentFailures(Hazard):
    """Failures of servers (counted per group), units, plants, racks, switches and links that state an mtbf.

    Times between failures are exponential (`shape` 1) or Weibull with mean mtbf / `scale`, `scale` being a
    factor on all rates. All is up when the window opens, and things have been in use for long: the first
    failure comes after a draw from the equilibrium distribution of the renewal process (Cox, Renewal Theory,
    1962), so that the expected count is window / mtbf whatever the shape. Servers of a group are many, and
    their superposition is taken as Poisson (Palm-Khintchine) over those that are up. Repairs have the row's
    mean mttr: lognormal with `repair_sigma` (1.36 fits 20 518 LANL repairs) or exponential.
    """

    kind: ClassVar[str] = "independent-failures"
    of: tuple[Class, ...] = tuple(_TABLES)
    scale: Annotated[float, Field(gt=0, le=1e6)] = 1.0
    shape: Annotated[float, Field(ge=0.2, le=10.0, description="Weibull shape of all but servers")] = 1.0
    repair: Literal["lognormal", "exponential"] = "lognormal"
    repair_sigma: Annotated[float, Field(gt=0, le=5.0)] = 1.36

    @property
    def random(self) -> bool:
        """Return True."""
        return True

    def check(self, fleet: Fleet) -> Iterator[Ill]:
        """Something states an mtbf."""
        if not any(exposure(fleet, name).names for name in self.of):
            yield Ill("of", f"no {' or '.join(self.of)} states an mtbf", "give mtbf values", absent=True)

    def spells(self, setting: Setting) -> list[Spell]:
        """Return every failure of the window with its repair."""
        return [spell for name in self.of for spell in self._class_spells(setting, name)]

    def _class_spells(self, setting: Setting, name: Class) -> Iterator[Spell]:
        exposed = exposure(setting.fleet, name)
        if not exposed.names:
            return
        uniforms = first_uniforms(setting.seed, exposed.names, setting.purpose)
        means_s = exposed.mtbf_s / (self.scale * exposed.count)
        shape = 1.0 if name == "server" else self.shape
        for row in np.flatnonzero(uniforms < _within(setting.window_s, means_s, shape)):
            one = exposed.one(int(row))
            spells = self._server_spells if name == "server" else self._unit_spells
            yield from spells(setting, one)

    def _server_spells(self, setting: Setting, one: _One) -> Iterator[Spell]:
        """One machine-repair process: each of the servers that are up breaks at rate 1 / mtbf."""
        rng, rate = setting.stream(one.name), self.scale * one.count / one.mtbf_s
        at_s, broken = -math.log1p(-rng.random()) / rate, list[float]()
        while at_s < setting.window_s:
            while broken and broken[0] <= at_s:
                heapq.heappop(broken)
            if len(broken) < one.count and rng.random() >= len(broken) / one.count:
                lasts_s = self._repair(rng, one.mttr_s)
                heapq.heappush(broken, at_s + lasts_s)
                yield self._spell(at_s, lasts_s, Change("failed", one.name, 1.0), one)
            at_s += -math.log1p(-rng.random()) / rate

    def _unit_spells(self, setting: Setting, one: _One) -> Iterator[Spell]:
        """An alternating renewal process."""
        rng, mean_s = setting.stream(one.name), one.mtbf_s / self.scale
        at_s = _first(rng.random(), mean_s, self.shape)
        while at_s < setting.window_s:
            lasts_s = self._repair(rng, one.mttr_s)
            yield self._spell(at_s, lasts_s, Change("state", one.name, -1.0), one)
            at_s += lasts_s + weibull_scale(mean_s, self.shape) * float(rng.weibull(self.shape))

    def _repair(self, rng: np.random.Generator, mttr_s: float) -> float:
        if self.repair == "exponential":
            return float(rng.exponential(mttr_s))
        return draw_lognormal(rng, mttr_s, self.repair_sigma)

    def _spell(self, at_s: float, lasts_s: float, change: Change, one: _One) -> Spell:
        return Spell(
            at_s,
            lasts_s,
            (change,),
            f"{one.words} fails (random)",
            f"{one.words} is repaired",
            f"world:{self.kind}",
            one.site,
            needs_crew=True,
        )


@dataclass(frozen=True)
class _One:
    name: str
    count: int
    mtbf_s: float
    mttr_s: float
    site: str
    words: str


@dataclass(frozen=True)
class Exposure:
    """The rows of one class that can fail, as columns."""

    fleet: Fleet
    names: tuple[str, ...]
    count: NDArray[np.float64]
    mtbf_s: NDArray[np.float64]
    mttr_s: NDArray[np.float64]

    def one(self, row: int) -> _One:
        """Return one row, with its words."""
        name = self.names[row]
        words = noun(self.fleet, name)
        return _One(
            name,
            int(self.count[row]),
            float(self.mtbf_s[row]),
            float(self.mttr_s[row]),
            self.fleet.site_of(name) or "",
            f"a server of {words}" if words.startswith("group ") else words,
        )


class _Same:
    """A key that is the fleet itself: hashing a frozen fleet by value would read all of it."""

    def __init__(self, fleet: Fleet) -> None:
        self.fleet = fleet

    def __hash__(self) -> int:
        return id(self.fleet)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.fleet is self.fleet


def exposure(fleet: Fleet, name: Class) -> Exposure:
    """Return the columns of one class; kept for the last fleets, since every world needs them."""
    return _exposure(_Same(fleet), name)


@functools.lru_cache(maxsize=24)
def _exposure(key: _Same, name: Class) -> Exposure:
    fleet = key.fleet
    rows: list[tuple[str, int, float, float]]
    if name == "server":
        types = {row.name: row for row in fleet.server_types}
        rows = [
            (group.name, group.count, mtbf_s, types[group.type].mttr_s)
            for group in fleet.server_groups
            if group.count and (mtbf_s := types[group.type].mtbf_s)
        ]
    else:
        rows = [
            (row.name, 1, float(row.mtbf_s), row.mttr_s) for row in fleet.rows(_TABLES[name]) if row.mtbf_s
        ]
    columns: list[Any] = list(zip(*rows, strict=True)) or [(), (), (), ()]
    return Exposure(fleet, tuple(columns[0]), *(np.array(column, dtype=np.float64) for column in columns[1:]))


def weibull_scale(mean_s: float, shape: float) -> float:
    """Return the scale of the Weibull distribution with the given mean."""
    return mean_s / math.gamma(1.0 + 1.0 / shape)


def _within(window_s: float, mean_s: NDArray[np.float64], shape: float) -> NDArray[np.float64]:
    """Return the probability that the first failure of things long in use falls into the window."""
    if shape == 1.0:
        return -np.expm1(-window_s / mean_s)
    from scipy.special import gammainc

    scale = mean_s / math.gamma(1.0 + 1.0 / shape)
    return np.asarray(gammainc(1.0 / shape, (window_s / scale) ** shape))


def _first(uniform: float, mean_s: float, shape: float) -> float:
    """Return the quantile of the first failure time: P(1/k, (t/scale)^k) inverted."""
    if shape == 1.0:
        return -math.log1p(-uniform) * mean_s
    from scipy.special import gammaincinv

    return float(weibull_scale(mean_s, shape) * gammaincinv(1.0 / shape, uniform) ** (1.0 / shape))
