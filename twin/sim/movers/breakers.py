"""Breakers: they gather heat above their pickup, lose it below, open when it is full, and wait for a person.

An overloaded UPS has two stages: its inverter gives up and the load goes to the static bypass, where no battery stands
behind it; if the bypass cannot carry it either, the UPS opens.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np

from twin.graph.compile import Compiled
from twin.graph.levels import Bools, Floats, Ints
from twin.model.change import Change, TimedChange
from twin.model.power import PowerUnit
from twin.model.protection import TripCurve
from twin.records.text import percent, span
from twin.sim.block import Block
from twin.sim.engine import Engine
from twin.sim.laws.trip import BYPASS, integral_rates, least_multiple

ORIGIN = "physics:breakers"


@dataclass(frozen=True, eq=False)
class Devices:
    """What protects the units of a fleet, as columns `[n]`; the static bypass of a UPS is a device of its own.

    `unit` indexes the power units, `curve` the `curves`; `pickup` is in multiples of the rating, `least` the multiple of
    the pickup up to which nothing gathers. `bypass` names the device that carries on after one, `inverter` the way back.
    """

    units: tuple[PowerUnit, ...]
    unit: Ints
    rated_va: Floats
    curves: tuple[TripCurve, ...]
    curve: Ints
    pickup: Floats
    least: Floats
    bypass: dict[int, int]
    inverter: dict[int, int]
    row: dict[str, int]

    @classmethod
    def of(cls, compiled: Compiled) -> Self | None:
        """Return the devices of a fleet; None when no unit has a trip curve."""
        curves = compiled.physics.curves
        rows = [(i, u, curves[u.trip]) for i, u in compiled.physics.units if u.trip is not None]
        if not rows:
            return None
        ups = [i for i, (_, unit, _) in enumerate(rows) if unit.kind == "ups"]
        bypass = {i: len(rows) + position for position, i in enumerate(ups)}
        row = {unit.name: i for i, (_, unit, _) in enumerate(rows)}
        for i, unit, _ in [rows[i] for i in ups]:
            rows.append((i, unit, BYPASS if unit.bypass_trip is None else curves[unit.bypass_trip]))
        used = {id(curve): curve for _, _, curve in rows}
        number = {key: i for i, key in enumerate(used)}
        curve = np.array([number[id(curve)] for _, _, curve in rows])
        return cls(
            units=tuple(unit for _, unit, _ in rows),
            unit=np.array([i for i, _, _ in rows]),
            rated_va=np.array([unit.rated_va for _, unit, _ in rows]),
            curves=tuple(used.values()),
            curve=curve,
            pickup=np.array([curve.pickup for curve in used.values()])[curve],
            least=np.array([least_multiple(curve) for curve in used.values()])[curve],
            bypass=bypass,
            inverter={stage: i for i, stage in bypass.items()},
            row=row,
        )


class Breakers:
    """The devices of one run as columns `[n]`: two integrals each `[n, 2]`, how fast they move [1/s], when they open [s].

    A device that carries nothing (it is open, or another stage carries) sees no current and cools.
    """

    law: ClassVar[str] = "breakers"

    def __init__(self, devices: Devices) -> None:
        self._devices = devices
        count = len(devices.units)
        self._pickup, self._least = devices.pickup, devices.pickup * devices.least
        self._per_va = 1.0 / devices.rated_va
        self._per_va[list(devices.inverter)] = 0.0
        self.heat, self._rate = np.zeros((count, 2)), np.zeros((count, 2))
        self._ratio, self._over = np.zeros(count), np.zeros(count, dtype=bool)
        self._since, self._due = np.zeros(count), np.full(count, np.inf)
        self._moving = False
        self._faults: Mapping[tuple[str, str], float] | None = None
        self._reset_at: dict[int, float] = {}

    @classmethod
    def of(cls, compiled: Compiled) -> Self | None:
        """Return the breakers of a fresh run, all closed and cold; None when no unit has a trip curve."""
        devices = Devices.of(compiled)
        return None if devices is None else cls(devices)

    def begin(self, now: float) -> Sequence[Change]:
        """Every breaker is closed."""
        return ()

    def advance(self, seconds: float) -> None:
        """Gather and lose heat at constant currents."""
        if self._moving:
            self.heat += self._rate * seconds
            np.clip(self.heat, 0.0, 1.0, out=self.heat)

    def read(self, now: float, engine: Engine) -> None:
        """Take over the peaks that flow. Cost: four small array operations while all are cold and below pickup."""
        self._ratio = engine.unit_peak_va[self._devices.unit] * self._per_va
        self._faults = engine.state.faults
        self._set_pickups()
        over = self._ratio > self._least
        if self._moving or over.any():
            self._take(now, over)

    def due(self) -> float:
        """Return when the next breaker opens, or a person has reset one."""
        return min(float(self._due.min()), min(self._reset_at.values(), default=np.inf))

    def act(self, now: float, engine: Engine) -> Sequence[TimedChange]:
        """Open what is full; close what a person has reset."""
        opened = [change for i in np.flatnonzero(self._due <= now).tolist() for change in self._open(i, now)]
        reset = [i for i, at_s in self._reset_at.items() if at_s <= now]
        return [*opened, *(change for i in reset for change in self._close(i, now))]

    def quiet(self, block: Block) -> int:
        """Up to where one is above its pickup."""
        self._set_pickups()
        ratio = block.unit_peak_va[self._devices.unit] * self._per_va[:, None]
        over = (ratio > self._least[:, None]).any(axis=0)
        return int(over.argmax()) if over.any() else len(block)

    def steady(self, engine: Engine) -> bool:
        """Whether all are cold; the first instant of a run stands alone, to learn of faults."""
        return self._faults is not None and self._cold

    @property
    def at_rest(self) -> bool:
        """Whether all are closed and cold, and none is above its pickup."""
        return self._cold and not self._reset_at

    @property
    def _cold(self) -> bool:
        return not (self._moving and (self.heat.any() or (self._rate > 0.0).any()))

    def _take(self, now: float, over: Bools) -> None:
        """New rates of all that are hot or above pickup, and when they will be full; the others cost nothing."""
        rows = np.flatnonzero(over | (self.heat[:, 0] > 0.0) | (self.heat[:, 1] > 0.0))
        kinds, multiple = self._devices.curve[rows], self._ratio[rows] / self._pickup[rows]
        rates = np.zeros((len(rows), 2))
        for number in np.unique(kinds).tolist():
            here = kinds == number
            rates[here] = integral_rates(self._devices.curves[number], multiple[here])
        left_s = np.full_like(rates, np.inf)
        np.divide(1.0 - self.heat[rows], rates, out=left_s, where=rates > 0.0)
        self._rate.fill(0.0)
        self._rate[rows] = rates
        self._due.fill(np.inf)
        self._due[rows] = now + np.minimum(left_s[:, 0], left_s[:, 1])
        self._since[over & ~self._over] = now
        self._over, self._moving = over, len(rows) > 0

    def _set_pickups(self) -> None:
        """A breaker that somebody has set too low has lost a share of its pickup (fault "pickup")."""
        if not self._faults:
            return
        self._pickup = self._devices.pickup.copy()
        for (thing, what), share in self._faults.items():
            if what == "pickup" and thing in self._devices.row:
                self._pickup[self._devices.row[thing]] *= max(1.0 - share, 0.01)
        self._least = self._pickup * self._devices.least

    def _open(self, i: int, now: float) -> Sequence[TimedChange]:
        unit, inverter, bypass = self._devices.units[i], self._devices.inverter, self._devices.bypass
        how = f"{percent(float(self._ratio[i]))} % of its rating for {span(now - float(self._since[i]))}"
        self._per_va[i], self._due[i] = 0.0, np.inf
        self._reset_at.pop(inverter.get(i, -1), None)
        self._reset_at[i] = now + unit.reset_s
        if i in bypass:
            self._per_va[bypass[i]] = 1.0 / unit.rated_va
            words = f"{unit.name} goes to bypass, its battery protects no longer: {how}"
            return [_told(now, Change("ride", unit.name, -1.0), words)]
        words = f"{unit.name} trips{' on bypass' if i in inverter else ''}: {how}"
        return [_told(now, Change("state", unit.name, -1.0), words, event="breaker_trips")]

    def _close(self, i: int, now: float) -> Sequence[TimedChange]:
        """A person has come: a breaker closes, a UPS returns to its inverter."""
        del self._reset_at[i]
        unit, first = self._devices.units[i], self._devices.inverter.get(i, i)
        self._per_va[first] = 1.0 / unit.rated_va
        bypass = self._devices.bypass.get(first)
        if bypass is None:
            return [_told(now, Change("state", unit.name, 1.0), f"{unit.name} is reset by a person")]
        self._per_va[bypass] = 0.0
        words = f"{unit.name} is put back from bypass by a person"
        opened = [_told(now, Change("state", unit.name, 1.0), words)] if i == bypass else []
        return [_told(now, Change("ride", unit.name, 1.0), words), *opened]


def _told(now: float, change: Change, text: str, *, event: str = "") -> TimedChange:
    return TimedChange(now, change, ORIGIN, text, because=(change.target,), event=event)
