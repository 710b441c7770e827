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
from twin.graph.levels import Bools
from twin.model.change import Change, TimedChange
from twin.model.power import PowerUnit
from twin.model.protection import TripCurve
from twin.records.text import percent, span
from twin.sim.block import Block
from twin.sim.engine import Engine
from twin.sim.laws.trip import BYPASS, integral_rates, least_multiple

ORIGIN = "physics:breakers"


@dataclass(frozen=True)
class Device:
    """One stage of protection: the unit (index, record), its curve, and the stage that carries on after it (-1: none)."""

    index: int
    unit: PowerUnit
    curve: TripCurve
    then: int = -1


class Breakers:
    """The devices of one run as columns `[n]`: two integrals each `[n, 2]`, how fast they move [1/s], when they open [s].

    A device that carries nothing (it is open, or another stage carries) sees no current and cools.
    """

    law: ClassVar[str] = "breakers"

    def __init__(self, devices: Sequence[Device]) -> None:
        self._devices = devices
        self._unit = np.array([device.index for device in devices])
        self._rated_va = np.array([device.unit.rated_va for device in devices])
        self._pickup = np.array([device.curve.pickup for device in devices])
        self._first = stages = {device.then: i for i, device in enumerate(devices) if device.then >= 0}
        curves = {id(device.curve): device.curve for device in devices}
        number = {key: i for i, key in enumerate(curves)}
        self._curves = list(curves.values())
        self._curve = np.array([number[id(device.curve)] for device in devices])
        # Nothing gathers up to this multiple of the pickup, or of the rating.
        self._multiple = np.array([least_multiple(curve) for curve in self._curves])[self._curve]
        self._least = self._pickup * self._multiple
        self._dialled = self._pickup
        self._row = {device.unit.name: i for i, device in enumerate(devices) if i not in stages}
        count = len(devices)
        self._per_va = 1.0 / self._rated_va
        self._per_va[list(stages)] = 0.0
        self.heat, self._rate = np.zeros((count, 2)), np.zeros((count, 2))
        self._ratio, self._over = np.zeros(count), np.zeros(count, dtype=bool)
        self._since, self._due = np.zeros(count), np.full(count, np.inf)
        self._moving = False
        self._faults: Mapping[tuple[str, str], float] | None = None
        self._reset_at: dict[int, float] = {}

    @classmethod
    def of(cls, compiled: Compiled) -> Self | None:
        """Return the breakers of a fresh run, all closed and cold; None when no unit has a trip curve."""
        curves = compiled.physics.curves
        tripping = [(i, u, curves[u.trip]) for i, u in compiled.physics.units if u.trip is not None]
        ups = [(i, u) for i, u, _ in tripping if u.kind == "ups"]
        stage = {i: len(tripping) + position for position, (i, _) in enumerate(ups)}
        devices = [Device(i, u, curve, stage.get(i, -1)) for i, u, curve in tripping]
        devices += [Device(i, u, BYPASS) for i, u in ups]
        return cls(devices) if devices else None

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
        self._ratio = engine.unit_peak_va[self._unit] * self._per_va
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
        reset = [i for i, at_s in self._reset_at.items() if at_s <= now]
        found = [change for i in np.flatnonzero(self._due <= now).tolist() for change in self._open(i, now)]
        return [*found, *(change for i in reset for change in self._close(i, now))]

    def quiet(self, block: Block) -> int:
        """Up to where one is above its pickup; the first instant of a run stands alone, to learn of faults."""
        if self._faults is None:
            return 1
        self._set_pickups()
        over = (block.unit_peak_va[self._unit] * self._per_va[:, None] > self._least[:, None]).any(axis=0)
        return int(over.argmax()) if over.any() else len(block)

    @property
    def at_rest(self) -> bool:
        """Whether all are closed and cold, and none is above its pickup."""
        if not self._moving:
            return not self._reset_at
        return not (self._reset_at or self.heat.any() or (self._rate > 0.0).any())

    def _take(self, now: float, over: Bools) -> None:
        """New rates of all that are hot or above pickup, and when they will be full; the others cost nothing."""
        rows = np.flatnonzero(over | (self.heat[:, 0] > 0.0) | (self.heat[:, 1] > 0.0))
        kinds, multiple = self._curve[rows], self._ratio[rows] / self._pickup[rows]
        rates = np.zeros((len(rows), 2))
        for number in np.unique(kinds).tolist():
            here = kinds == number
            rates[here] = integral_rates(self._curves[number], multiple[here])
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
        self._pickup = self._dialled.copy()
        for (thing, what), share in self._faults.items():
            if what == "pickup" and thing in self._row:
                self._pickup[self._row[thing]] *= max(1.0 - share, 0.01)
        self._least = self._pickup * self._multiple

    def _open(self, i: int, now: float) -> Sequence[TimedChange]:
        device, self._due[i] = self._devices[i], np.inf
        how = f"{percent(float(self._ratio[i]))} % of its rating for {span(now - float(self._since[i]))}"
        self._per_va[i] = 0.0
        self._reset_at.pop(self._first.get(i, -1), None)
        self._reset_at[i] = now + device.unit.reset_s
        name = device.unit.name
        if device.then >= 0:
            self._per_va[device.then] = 1.0 / self._rated_va[device.then]
            words = f"{name} goes to bypass, its battery protects no longer: {how}"
            return [_told(now, Change("ride", name, -1.0), words)]
        on = " on bypass" if i in self._first else ""
        return [_told(now, Change("state", name, -1.0), f"{name} trips{on}: {how}", event="breaker_trips")]

    def _close(self, i: int, now: float) -> Sequence[TimedChange]:
        """A person has come: a breaker closes, a UPS returns to its inverter."""
        del self._reset_at[i]
        name, first = self._devices[i].unit.name, self._first.get(i, i)
        self._per_va[first] = 1.0 / self._rated_va[first]
        bypass = self._devices[first].then
        if bypass < 0:
            return [_told(now, Change("state", name, 1.0), f"{name} is reset by a person")]
        self._per_va[bypass] = 0.0
        back = [_told(now, Change("ride", name, 1.0), f"{name} is put back from bypass by a person")]
        if i == bypass:
            back.append(_told(now, Change("state", name, 1.0), back[0].text))
        return back


def _told(now: float, change: Change, text: str, *, event: str = "") -> TimedChange:
    return TimedChange(now, change, ORIGIN, text, because=(change.target,), event=event)
