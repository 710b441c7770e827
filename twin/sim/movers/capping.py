"""Capping: controllers that cut the power of racks before the breaker above them opens, and hand it back afterwards.

A controller looks at the peak of its unit at every tick of its period. Conditions change only at settles, so a tick is
scheduled only when it will have something to do. Above the first band it orders caps, lowest priority and highest draws
first; below the last it hands back no more than fits under the target, so that it comes to rest between the bands.
Orders arrive after the actuation time; until then it looks away.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np

from twin.graph.compile import Compiled
from twin.graph.levels import Bools, Floats
from twin.model.change import Change, TimedChange
from twin.model.power import PowerUnit
from twin.model.protection import CappingPolicy
from twin.records.text import count, figure
from twin.sim.below import below, rack_tiers
from twin.sim.block import Block
from twin.sim.engine import Engine
from twin.sim.laws.capping import cut, hand_back
from twin.sim.power import W, server_watts
from twin.sim.sparse import add_up

ORIGIN = "physics:capping"


@dataclass(frozen=True)
class Order:
    """Caps on all racks `[W, (R,)]` that a controller has sent and that arrive at `at_s`; what they cut or give back."""

    at_s: float
    caps: Floats
    text: str


class Capping:
    """The controllers of one run `[n]`: when each looks next [s], the order under way, and the caps it holds `[W, (R,)]`."""

    law: ClassVar[str] = "capping"

    def __init__(self, compiled: Compiled, rows: Sequence[tuple[int, PowerUnit, CappingPolicy]]) -> None:
        self._compiled = compiled
        self._units = [unit for _, unit, _ in rows]
        self._policies = [policy for _, _, policy in rows]
        self._unit = np.array([i for i, _, _ in rows])
        self._tiers = rack_tiers(compiled)
        self._limit_va = compiled.power.limit_va[self._unit]
        self._high_va = self._limit_va * [policy.cap_above for policy in self._policies]
        self._low_va = self._limit_va * [policy.uncap_below for policy in self._policies]
        self._period_s = np.array([policy.period_s for policy in self._policies])
        self._caps: dict[int, Floats] = {}
        self._orders: dict[int, Order] = {}
        self._look_at = np.full(len(rows), np.inf)
        # The peak at which a controller found nothing left to do: it does not look again before that changes.
        self._done_va = np.full(len(rows), np.nan)

    @classmethod
    def of(cls, compiled: Compiled) -> Self | None:
        """Return the controllers of a fresh run, none of which caps anything; None when no unit has a policy."""
        policies = compiled.physics.policies
        rows = [(i, u, policies[u.capping]) for i, u in compiled.physics.units if u.capping is not None]
        return cls(compiled, rows) if rows else None

    def begin(self, now: float) -> Sequence[Change]:
        """Nothing is capped."""
        return ()

    def advance(self, seconds: float) -> None:
        """Controllers keep nothing that time moves."""

    def read(self, now: float, engine: Engine) -> None:
        """See who has something to do at the next tick. Cost: three small array operations while nobody has."""
        peak_va = engine.unit_peak_va[self._unit]
        wanted = peak_va > self._high_va
        if self.at_rest and not wanted.any():
            return
        for i in self._caps:
            wanted[i] |= bool(peak_va[i] < self._low_va[i])
        for i in self._orders:
            wanted[i] = False
        wanted &= peak_va != self._done_va
        if engine.state.faults:
            wanted &= self._able(engine)
        ticks = (np.floor(now / self._period_s) + 1.0) * self._period_s
        self._look_at = np.where(wanted, ticks, np.inf)

    def due(self) -> float:
        """Return when the next controller looks, or the next order arrives."""
        return min(float(self._look_at.min()), min((o.at_s for o in self._orders.values()), default=np.inf))

    def act(self, now: float, engine: Engine) -> Sequence[TimedChange]:
        """Look and order; carry out the orders that have arrived."""
        for i in np.flatnonzero(self._look_at <= now).tolist():
            self._look_at[i] = np.inf
            order = self._decide(i, now, engine)
            if order is None:
                self._done_va[i] = engine.unit_peak_va[self._unit[i]]
            else:
                self._orders[i] = order
        arrived = [i for i, order in self._orders.items() if order.at_s <= now]
        return [change for i in arrived for change in self._carry_out(i, now)]

    def quiet(self, block: Block) -> int:
        """Up to where a unit is above its band."""
        over = (block.unit_peak_va[self._unit] > self._high_va[:, None]).any(axis=0)
        return int(over.argmax()) if over.any() else len(block)

    def steady(self, engine: Engine) -> bool:
        """While nobody is capped: nothing but loads begins it."""
        return self.at_rest

    @property
    def at_rest(self) -> bool:
        """Whether nobody is capped and nobody is about to be."""
        return not (self._caps or self._orders) and bool(np.isinf(self._look_at).all())

    def _able(self, engine: Engine) -> Bools:
        """Controllers that live and see. An order of one that dies is lost; caps that are in force stay."""
        able = np.ones(len(self._units), dtype=bool)
        for i, unit in enumerate(self._units):
            dead = engine.state.faults.get((unit.name, "controller"), 0.0) > 0
            able[i] = not dead and engine.state.faults.get((unit.name, "sensor"), 0.0) <= 0
            if dead:
                self._orders.pop(i, None)
        return able

    def _decide(self, i: int, now: float, engine: Engine) -> Order | None:
        """The caps that bring the unit to its target, from what flows now; None when nothing is left to do."""
        policy, unit = self._policies[i], self._unit[i]
        caps = self._caps.get(i, np.full(engine.racks, np.inf))
        peak_va, node = float(engine.unit_peak_va[unit]), int(self._compiled.power.unit_node[unit])
        new = np.full(engine.racks, np.inf)
        over_w = 0.0
        if peak_va > 0:
            # In watts of racks below the unit: its peak moves in proportion to what flows.
            over_w = (1.0 - policy.cap_to * float(self._limit_va[i]) / peak_va) * float(engine.load[node, W])
            weight, (idle, draw, most) = below(self._compiled, node, engine.share), self._range_w(engine)
            rows = np.flatnonzero((weight > 0) & (most > 0) & (np.isfinite(caps) | (over_w > 0)))
            shared = weight[rows], self._tiers[rows], abs(over_w)
            if over_w > 0:
                floor = np.maximum(policy.floor * most, idle)[rows]
                new[rows] = np.minimum(caps[rows], cut(draw[rows], floor, *shared))
            else:
                new[rows] = hand_back(caps[rows], most[rows], *shared)
        if np.array_equal(new, caps):
            return None
        return Order(now + policy.actuation_s, new, _words(self._units[i].name, new, caps, over_w))

    def _carry_out(self, i: int, now: float) -> Sequence[TimedChange]:
        order, unit = self._orders.pop(i), self._units[i].name
        self._done_va[i] = np.nan
        before = self._caps.pop(i, np.full(len(order.caps), np.inf))
        if np.isfinite(order.caps).any():
            self._caps[i] = order.caps
        names = self._compiled.names["racks"]
        return [
            TimedChange(
                now,
                Change("cap", names[r], float(order.caps[r]), key=unit),
                ORIGIN,
                order.text,
                because=(unit,),
            )
            for r in np.flatnonzero(order.caps != before).tolist()
        ]

    def _range_w(self, engine: Engine) -> Floats:
        """What the working servers of each rack draw idle, now and at most `[W, (3, R)]`: caps act on no others."""
        servers = self._compiled.servers
        now = server_watts(servers, engine.group_utilisation[:, None], servers.group_type)[:, 0]
        idle, most = servers.type_watts[:, [0, -1]][servers.group_type].T
        each = np.stack([idle, now, most]) * engine.group_active
        return np.stack([add_up(servers.group_rack, row, engine.racks) for row in each])


def _words(unit: str, new: Floats, old: Floats, over_w: float) -> str:
    if not np.isfinite(new).any():
        return f"{unit} caps no rack any more"
    racks, kilowatts = count(int((new != old).sum()), "rack"), f"{figure(abs(over_w) / 1e3)} kW"
    return (
        f"{unit} caps {racks} to lose {kilowatts}"
        if over_w > 0
        else f"{unit} gives {kilowatts} back to {racks}"
    )
