"""Shedding: controllers that switch racks off when a unit is overloaded after a loss, before its breaker or UPS gives up.

A controller looks at the peak of its unit at the ticks of its period, when it will have something to do. Above its limit
it orders racks off, the least important first and as few as needed; racks that others have ordered off already count. Back
they come when they have been off for a while and every controller above them has room for what they drew. One that has to
shed again soon after racks came back waits twice as long the next time, so that a wrong guess does not swing for ever.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np

from twin.graph.compile import Compiled
from twin.graph.levels import Floats, Ints
from twin.model.change import Change, TimedChange
from twin.model.power import PowerUnit
from twin.model.protection import SheddingPolicy
from twin.records.text import count, figure, percent
from twin.sim.below import below, rack_tiers
from twin.sim.engine import Engine
from twin.sim.laws.load_shedding import switch_off, switch_on
from twin.sim.movers.by_controller import ByController, Order
from twin.sim.power import W

ORIGIN = "physics:shedding"
EVENT = "racks_shed"


@dataclass(frozen=True)
class Switching(Order):
    """Racks (rows) that a controller switches off (-1) or on (+1)."""

    racks: Ints
    value: float


class Shedding(ByController[Switching]):
    """The controllers of one run `[n]`, and the racks that are off.

    `_off` says of each rack (row) that is off since when it may come back [s], `_drew` what it drew before `[W, (R,)]`.
    """

    law: ClassVar[str] = "shedding"
    parts = ("shedding-controller", "shedding-sensor")

    def __init__(self, compiled: Compiled, rows: Sequence[tuple[int, PowerUnit, SheddingPolicy]]) -> None:
        super().__init__(compiled, rows, above=[policy.shed_above for *_, policy in rows])
        self._policies = [policy for *_, policy in rows]
        self._node = compiled.power.unit_node[self._unit]
        self._target_va = self._limit_va * [policy.shed_to for policy in self._policies]
        self._low_va = self._limit_va * [policy.restore_below for policy in self._policies]
        self._hold_s = np.array([policy.hold_s for policy in self._policies])
        self._tiers = rack_tiers(compiled)
        self._off: dict[int, float] = {}
        self._drew = np.zeros(len(self._tiers))
        self._able = np.ones(len(rows), dtype=bool)
        self._back_at = -np.inf
        # The peaks and controllers with which one found nothing to do: it does not look again before they change.
        self._seen = b""
        self._done: dict[int, bytes] = {}

    @classmethod
    def of(cls, compiled: Compiled) -> Self | None:
        """Return the controllers of a fresh run, all racks on; None when no unit has a policy."""
        policies = compiled.physics.shedding
        rows = [(i, u, policies[u.shedding]) for i, u in compiled.physics.units if u.shedding is not None]
        return cls(compiled, rows) if rows else None

    def read(self, now: float, engine: Engine) -> None:
        """See who has something to do at the next tick. Cost: two small array operations while nobody has."""
        peak_va = engine.unit_peak_va[self._unit]
        over = peak_va > self._high_va
        if self.at_rest and not over.any():
            return
        self._able = self._who_can(engine)
        self._seen = peak_va.tobytes() + self._able.tobytes()
        may = self._able & [i not in self._orders for i in range(len(self._units))]
        new = [self._done.get(i) != self._seen for i in range(len(self._units))]
        ticks = (np.floor(now / self._period_s) + 1.0) * self._period_s
        self._look_at = np.where(may & over & new, ticks, np.inf)
        for i in np.flatnonzero(may & ~over & (peak_va < self._low_va)).tolist() if self._off else ():
            ripe = min((at_s for at_s in self._off.values() if new[i] or at_s > now), default=np.inf)
            self._look_at[i] = max(ticks[i], np.ceil(ripe / self._period_s[i]) * self._period_s[i])

    @property
    def _in_force(self) -> bool:
        return bool(self._off)

    def _decide(self, i: int, now: float, engine: Engine) -> Switching | None:
        """The racks to switch off while the unit is above its limit, else those to give back."""
        over = engine.unit_peak_va[self._unit[i]] > self._high_va[i]
        order = self._shed(i, now, engine) if over else self._give_back(i, now, engine)
        if order is None:
            self._done[i] = self._seen
        return order

    def _under_way(self, value: float) -> Ints:
        """Racks that somebody has ordered off (-1) or on (+1)."""
        racks = [order.racks for order in self._orders.values() if order.value == value]
        return np.unique(np.concatenate(racks)) if racks else np.zeros(0, np.int64)

    def _shed(self, i: int, now: float, engine: Engine) -> Switching | None:
        """The racks to switch off so that the unit comes to its target; None when nobody is left, or enough are on the way."""
        policy, peak_va = self._policies[i], float(engine.unit_peak_va[self._unit[i]])
        flow = below(self._compiled, int(self._node[i]), engine.share) * engine.rack_w
        # In watts of racks below the unit: its peak moves in proportion to what flows.
        over_w = (1.0 - float(self._target_va[i]) / peak_va) * float(engine.load[self._node[i], W])
        going = self._under_way(-1.0)
        over_w -= float(flow[going].sum())
        flow[going] = 0.0
        rows = np.flatnonzero((flow > 0.0) & (self._tiers >= policy.least_tier))
        racks = rows[switch_off(flow[rows], self._tiers[rows], over_w)]
        if not len(racks):
            return None
        self._drew[racks] = engine.rack_w[racks]
        ratio = f"{percent(peak_va / self._units[i].rated_va)} % of its rating"
        words = f"{self._units[i].name} sheds {count(len(racks), 'rack')} to lose {figure(over_w / 1e3)} kW: {ratio}"
        return Switching(now + policy.actuation_s, words, racks, -1.0)

    def _give_back(self, i: int, now: float, engine: Engine) -> Switching | None:
        """The racks that may come back: every controller above them sees, and has room for what they drew.

        A rack that must stay off for a while yet keeps its place: what is less important does not take it.
        """
        coming = self._under_way(1.0)
        rows = np.setdiff1d(np.fromiter(self._off, dtype=np.int64), coming)
        share = self._shares_with(np.union1d(rows, coming), engine)
        weight = np.stack([below(self._compiled, node, share) for node in self._node.tolist()])
        rows = rows[weight[:, rows].any(axis=0)]
        ripe = np.array([self._off[rack] <= now for rack in rows.tolist()], dtype=bool)
        held = np.where(weight[:, rows] > 0.0, np.inf, 0.0)
        flow = np.where(ripe, weight[:, rows] * self._drew[rows], held)
        room_w = self._room_w(engine) - weight[:, coming] @ self._drew[coming]
        racks = rows[switch_on(flow, self._tiers[rows], room_w)]
        if not len(racks):
            return None
        kilowatts = figure(float(self._drew[racks].sum()) / 1e3)
        words = f"{self._units[i].name} gives {kilowatts} kW back to {count(len(racks), 'rack')}"
        return Switching(now + self._policies[i].actuation_s, words, racks, 1.0)

    def _room_w(self, engine: Engine) -> Floats:
        """What may be added below each unit before it is above the band of return `[W, (n,)]`; none where nobody sees."""
        peak_va, flows = engine.unit_peak_va[self._unit], engine.load[self._node, W]
        per_va = np.divide(flows, peak_va, out=np.ones_like(flows), where=peak_va > 0.0)
        return np.where(self._able, (self._low_va - peak_va) * per_va, -np.inf)

    def _shares_with(self, racks: Ints, engine: Engine) -> Floats:
        """How loads would split over the feeds `[(edges,)]` if these racks were on."""
        levels, state = self._compiled.power.levels, engine.state
        alive = engine.alive.copy()
        alive[self._compiled.power.rack_node[racks]] = True
        closed = state.feed_holds == 0 if state.feed_holds.any() else None
        drawn = np.ones(levels.nodes)
        drawn[self._compiled.power.unit_node] = state.draw
        return levels.shares(alive, closed) * drawn[levels.child]

    def _carry_out(self, i: int, now: float) -> Sequence[TimedChange]:
        order, unit = self._orders.pop(i), self._units[i].name
        racks = order.racks.tolist()
        if order.value > 0:
            self._back_at = now
            for rack in racks:
                del self._off[rack]
        else:
            again = now - self._back_at <= self._hold_s[i]
            self._hold_s[i] = 2.0 * self._hold_s[i] if again else self._policies[i].hold_s
            self._off.update(dict.fromkeys(racks, now + float(self._hold_s[i])))
        names, event = self._compiled.names["racks"], EVENT if order.value < 0 else ""
        return [
            TimedChange(now, Change("state", names[r], order.value), ORIGIN, order.text, (unit,), event)
            for r in racks
        ]
