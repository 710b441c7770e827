"""A heat wave at one site: chillers work harder, and draw more."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Annotated, ClassVar

from pydantic import Field

from scenarios.hazards.base import Hazard, Ill, Setting
from scenarios.hazards.things import check_names
from scenarios.profiles import knots, sample
from scenarios.world import Spell
from twin.model.base import Name
from twin.model.change import Change
from twin.model.errors import Problem, ScenarioError
from twin.model.fleet import Fleet
from twin.model.units import Celsius

_HOUR_S = 3600.0
_HOTTEST_H = 15.0


class HeatWave(Hazard):
    """The outdoor temperature of `site` is raised so that its hottest instant of the window is `peak`.

    The weather keeps its shape: the same kelvin are added throughout. With `swing` the nights are that much
    cooler than the days: the addition falls by swing · (1 − cos(2π (h − 15)/24))/2, in steps of an hour, h =
    solar time. A site whose outdoor temperature is a constant has no shape of its own; give it a swing.

    Where the site has a humidity, the wet bulb follows: the air keeps its moisture (its vapour pressure), so that relative
    humidity falls while it is warmer, and the wet bulb rises by about a third of what the dry bulb does.
    """

    kind: ClassVar[str] = "heat-wave"
    site: Name
    peak_c: Annotated[Celsius, Field(alias="peak")]
    swing_k: Annotated[Celsius, Field(alias="swing", ge=0)] = 0.0

    def check(self, fleet: Fleet) -> Iterator[Ill]:
        """The site exists and is cooler than the peak."""
        ills = list(check_names(fleet, "site", "sites", (self.site,)))
        yield from ills
        if not ills:
            site = fleet.things[self.site][1]
            values = [series.values for series in fleet.series if series.name == site.outdoor_series]
            coolest = min(values[0]) if values else site.outdoor_c
            if coolest >= self.peak_c:
                yield Ill("peak", f"it is never below {coolest:g} °C at {self.site}", "give a higher peak")

    def spells(self, setting: Setting) -> list[Spell]:
        """Return the heat wave as one spell per hour (or one in all, without a swing)."""
        hottest = self._hottest(setting)
        if hottest >= self.peak_c:
            what = f"it is {hottest:g} °C at {self.site} in this window without a heat wave"
            raise ScenarioError([Problem(f"hazard {self.kind}: peak", what, "give a higher peak")])
        step_s = _HOUR_S if self.swing_k else setting.window_s
        hours = range(math.ceil(setting.window_s / step_s))
        return [self._spell(setting, hour * step_s, step_s, self.peak_c - hottest) for hour in hours]

    def _spell(self, setting: Setting, at_s: float, step_s: float, raised_k: float) -> Spell:
        site = setting.fleet.things[self.site][1]
        solar_h = (setting.start.timestamp() + at_s) / _HOUR_S + (site.longitude or 0.0) / 15.0
        cooler_k = self.swing_k * (1.0 - math.cos(2.0 * math.pi * (solar_h - _HOTTEST_H) / 24.0)) / 2.0
        last = at_s + step_s >= setting.window_s
        text = f"heat wave at {self.site}: up to {self.peak_c:g} °C"
        return Spell(
            at_s,
            2.0 * step_s if last else step_s,
            (Change("outdoor", self.site, raised_k - cooler_k),),
            text,
            text,
            f"world:{self.kind}",
            self.site,
        )

    def _hottest(self, setting: Setting) -> float:
        site = setting.fleet.things[self.site][1]
        for series in setting.fleet.series:
            if series.name == site.outdoor_series:
                times = knots(series, setting.start, setting.window_s)
                return float(sample(series, setting.start, times).max())
        return float(site.outdoor_c)
