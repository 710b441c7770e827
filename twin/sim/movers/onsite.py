"""On-site solar and batteries: they lessen what a unit takes from its feeders, and carry nothing alone.

Solar follows its series, up to what the unit carries: nothing flows back to the utility. A battery delivers what its unit
carries above a threshold, after the sun's part, and is charged from what is left below it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Self

import numpy as np

from twin.graph.compile import Compiled
from twin.graph.compile_demand import SeriesArray
from twin.graph.levels import Floats
from twin.model.change import Change, TimedChange
from twin.model.power import PowerUnit
from twin.sim.block import Block
from twin.sim.engine import Engine

# Outputs that differ by less than this part of the rating are the same (rounding of loads).
SAME = 1e-9


class OnSite:
    """The sources of one run as columns `[n]`, solar first: what each delivers [W] (negative: it is charged), its charge."""

    law: ClassVar[str] = "onsite"

    def __init__(self, compiled: Compiled, rows: Sequence[tuple[int, PowerUnit]]) -> None:
        rows = sorted(rows, key=lambda row: row[1].kind != "solar")
        self._units = units = [unit for _, unit in rows]
        index = compiled.index["power_units"]
        self._node = compiled.power.unit_node[[i for i, _ in rows]]
        self._into = [str(unit.feeds_into) for unit in units]
        self._into_index = [index[name] for name in self._into]
        self._target = compiled.power.unit_node[self._into_index]
        self._rated_w = np.array([unit.rated_va for unit in units])
        self._energy_j = np.array([(unit.battery_j or 0.0) * unit.battery_health for unit in units])
        self._series = [_Output(compiled, unit) if unit.kind == "solar" else None for unit in units]
        count = len(units)
        self.output_w, self.charge = np.zeros(count), np.ones(count)
        self._wanted_w, self._charge_per_s = np.zeros(count), np.zeros(count)
        self._due = np.inf

    @classmethod
    def of(cls, compiled: Compiled) -> Self | None:
        """Return the sources of a fresh run, batteries full; None when there are none."""
        rows = [(i, u) for i, u in compiled.physics.units if u.feeds_into is not None]
        return cls(compiled, rows) if rows else None

    def begin(self, now: float) -> Sequence[Change]:
        """Nothing is delivered yet."""
        return ()

    def advance(self, seconds: float) -> None:
        """Charge and discharge at constant rates."""
        self.charge += self._charge_per_s * seconds

    def read(self, now: float, engine: Engine) -> None:
        """Work out what each should deliver into what its unit carries now."""
        self._wanted_w = self._outputs(now, engine)
        spent = np.divide(
            -self.output_w, self._energy_j, out=np.zeros_like(self.charge), where=self._energy_j > 0
        )
        self._charge_per_s = spent
        off = np.abs(self._wanted_w - self.output_w) > SAME * self._rated_w
        rest = np.where(spent < 0, self.charge, 1.0 - self.charge)
        ends = np.divide(rest, np.abs(spent), out=np.full_like(spent, np.inf), where=spent != 0)
        knots = [series.next_knot(now) for series in self._series if series is not None]
        self._due = now if off.any() else min(float(now + np.maximum(ends, 0.0).min()), *knots, np.inf)

    def due(self) -> float:
        """Return when the next output changes."""
        return self._due

    def act(self, now: float, engine: Engine) -> Sequence[TimedChange]:
        """Change the outputs to what is wanted now."""
        self._settle_ends()
        self._due = np.inf
        wanted = self._outputs(now, engine)
        told = []
        for i in np.flatnonzero(np.abs(wanted - self.output_w) > SAME * self._rated_w).tolist():
            change = Change("inject", self._into[i], float(self.output_w[i] - wanted[i]))
            text = f"{self._units[i].name} {_words(float(wanted[i]))}"
            told.append(TimedChange(now, change, f"physics:{self.law}", text, (self._into[i],)))
            self.output_w[i] = wanted[i]
        return told

    def quiet(self, block: Block) -> int:
        """Each settle may change what is delivered."""
        return 0

    def steady(self, engine: Engine) -> bool:
        """Never: each settle may change what is delivered."""
        return False

    @property
    def at_rest(self) -> bool:
        """Whether nothing is delivered and all are charged."""
        return not self.output_w.any() and bool((self.charge == 1.0).all())

    def _settle_ends(self) -> None:
        """A charge that has arrived at an end is exactly there."""
        full = (self.charge > 1.0 - SAME) & (self._charge_per_s >= 0)
        self.charge[full] = 1.0
        self.charge[(self.charge < SAME) & (self._charge_per_s <= 0)] = 0.0

    def _outputs(self, now: float, engine: Engine) -> Floats:
        """What each delivers [W, (n,)] of what its unit carries: first the sun, then batteries what is above their thresholds."""
        carried_w = engine.unit_w - engine.state.inject_w
        left: dict[str, float] = {}
        found = np.zeros(len(self._units))
        for i, (unit, into) in enumerate(zip(self._units, self._into, strict=True)):
            carried = float(carried_w[self._into_index[i]])
            carried = left.setdefault(into, carried)
            if not engine.alive[self._target[i]] or not engine.alive[self._node[i]]:
                continue
            series = self._series[i]
            if series is not None:
                found[i] = min(unit.rated_va * series.at(now, engine), max(carried, 0.0))
            else:
                found[i] = self._shaved(i, carried - (unit.shave_above_w or 0.0))
            left[into] = carried - float(found[i])
        return found

    def _shaved(self, i: int, above_w: float) -> float:
        """What a battery delivers when its unit carries so much above the threshold; negative when it is charged."""
        unit, charge = self._units[i], self.charge[i]
        if above_w > 0:
            return min(above_w, unit.rated_va) if charge > SAME else 0.0
        return -min(-above_w, float(self._energy_j[i]) / unit.recharge_s) if charge < 1.0 - SAME else 0.0


class _Output:
    """The output of a solar unit over time, as a share of its rating."""

    def __init__(self, compiled: Compiled, unit: PowerUnit) -> None:
        # The last factor, after those of all series, is 1: without a series it always delivers its rating.
        self._row = compiled.index["series"][unit.output_series] if unit.output_series else -1
        self._series: SeriesArray | None = compiled.demand.series[self._row] if unit.output_series else None
        self._knots, self._until = np.zeros(0), -np.inf

    def at(self, now: float, engine: Engine) -> float:
        return float(engine.compiled.demand.factors(now)[self._row])

    def next_knot(self, now: float) -> float:
        """When it changes next; looked up one length of the series ahead at a time."""
        if self._series is None:
            return float("inf")
        if now >= self._until:
            ahead_s = self._series.step_s * (len(self._series.values) + 1)
            self._knots, self._until = self._series.knots(now, now + ahead_s), now + ahead_s
        later = self._knots[self._knots > now]
        return float(later[0]) if len(later) else float("inf")


def _words(watts: float) -> str:
    return f"delivers {watts / 1e3:.4g} kW" if watts >= 0 else f"is charged with {-watts / 1e3:.4g} kW"
