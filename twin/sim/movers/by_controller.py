"""What movers made of controllers share: each looks at the peak of its unit at ticks, and its orders arrive some time later.

Conditions change only at settles, so a tick is scheduled only when a controller will have something to do.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Generic, TypeVar

import numpy as np

from twin.graph.compile import Compiled
from twin.graph.levels import Bools
from twin.model.change import Change, TimedChange
from twin.model.power import PowerUnit
from twin.model.protection import CappingPolicy, SheddingPolicy
from twin.sim.block import Block
from twin.sim.engine import Engine


@dataclass(frozen=True)
class Order:
    """What a controller has sent, which arrives at `at_s`, and its words."""

    at_s: float
    text: str


Rows = Sequence[tuple[int, PowerUnit, CappingPolicy | SheddingPolicy]]
Sent = TypeVar("Sent", bound=Order)


class ByController(ABC, Generic[Sent]):
    """Controllers `[n]` of units: when each looks next [s], its order under way, and above which peak it acts `[VA]`."""

    parts: ClassVar[tuple[str, str]]  # controller and sensor, as faults name them

    def __init__(self, compiled: Compiled, rows: Rows, *, above: Sequence[float]) -> None:
        """Place controllers with their policies at units; they act above so many times the limit of each."""
        self._compiled = compiled
        self._units = [unit for _, unit, _ in rows]
        self._unit = np.array([i for i, _, _ in rows])
        self._limit_va = compiled.power.limit_va[self._unit]
        self._high_va = self._limit_va * above
        self._period_s = np.array([policy.period_s for *_, policy in rows])
        self._orders: dict[int, Sent] = {}
        self._look_at = np.full(len(rows), np.inf)

    def begin(self, now: float) -> Sequence[Change]:
        """Nothing has been ordered."""
        return ()

    def advance(self, seconds: float) -> None:
        """Controllers keep nothing that time moves."""

    def due(self) -> float:
        """Return when the next controller looks, or the next order arrives."""
        return min(float(self._look_at.min()), min((o.at_s for o in self._orders.values()), default=np.inf))

    def act(self, now: float, engine: Engine) -> Sequence[TimedChange]:
        """Look and order; carry out the orders that have arrived."""
        for i in np.flatnonzero(self._look_at <= now).tolist():
            self._look_at[i] = np.inf
            order = self._decide(i, now, engine)
            if order is not None:
                self._orders[i] = order
        arrived = [i for i, order in self._orders.items() if order.at_s <= now]
        return [change for i in arrived for change in self._carry_out(i, now)]

    def quiet(self, block: Block) -> int:
        """Up to where a unit is above its limit."""
        over = (block.unit_peak_va[self._unit] > self._high_va[:, None]).any(axis=0)
        return int(over.argmax()) if over.any() else len(block)

    def steady(self, engine: Engine) -> bool:
        """While nothing is ordered: nothing but loads begins it."""
        return self.at_rest

    @property
    def at_rest(self) -> bool:
        """Whether nothing that was ordered is in force, and nobody is about to do anything."""
        return not (self._in_force or self._orders) and bool(np.isinf(self._look_at).all())

    def _who_can(self, engine: Engine) -> Bools:
        """Controllers that live and see. An order of one that dies is lost; what is in force stays."""
        able, faults = np.ones(len(self._units), dtype=bool), engine.state.faults
        controller, sensor = self.parts
        for i, unit in enumerate(self._units) if faults else ():
            dead = faults.get((unit.name, controller), 0.0) > 0
            able[i] = not dead and faults.get((unit.name, sensor), 0.0) <= 0
            if dead:
                self._orders.pop(i, None)
        return able

    @property
    @abstractmethod
    def _in_force(self) -> bool:
        """Whether anything that was ordered is in force."""

    @abstractmethod
    def _decide(self, i: int, now: float, engine: Engine) -> Sent | None:
        """Return what one controller orders; None when nothing is left to do, which it remembers."""

    @abstractmethod
    def _carry_out(self, i: int, now: float) -> Sequence[TimedChange]:
        """Carry out the order of a controller that has arrived."""
