"""Capping: controllers that cut the power of racks before the breaker above them opens, and hand it back afterwards.

A controller looks at the peak of its unit at every tick of its period. Above the first band it orders caps, lowest
priority and highest draws first; below the last it hands back no more than fits under the target, so that it comes to rest
between the bands. Orders arrive after the actuation time; until then it looks away.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np

from twin.graph.compile import Compiled
from twin.graph.levels import Floats
from twin.model.change import Change, TimedChange
from twin.model.power import PowerUnit
from twin.model.protection import CappingPolicy
from twin.records.text import count, figure
from twin.sim.below import below, rack_tiers
from twin.sim.engine import Engine
from twin.sim.laws.capping import cut, hand_back
from twin.sim.movers.by_controller import ByController, Order
from twin.sim.power import W, server_watts
from twin.sim.sparse import add_up

ORIGIN = "physics:capping"


@dataclass(frozen=True)
class Caps(Order):
    """Caps on all racks `[W, (R,)]`."""

    caps: Floats


class Capping(ByController[Caps]):
    """The controllers of one run `[n]`, and the caps that each holds `[W, (R,)]`."""

    law: ClassVar[str] = "capping"
    parts = ("controller", "sensor")

    def __init__(self, compiled: Compiled, rows: Sequence[tuple[int, PowerUnit, CappingPolicy]]) -> None:
        super().__init__(compiled, rows, above=[policy.cap_above for *_, policy in rows])
        self._policies = [policy for *_, policy in rows]
        self._tiers = rack_tiers(compiled)
        self._low_va = self._limit_va * [policy.uncap_below for policy in self._policies]
        self._caps: dict[int, Floats] = {}
        # The peak at which a controller found nothing left to do: it does not look again before that changes.
        self._done_va = np.full(len(rows), np.nan)

    @classmethod
    def of(cls, compiled: Compiled) -> Self | None:
        """Return the controllers of a fresh run, none of which caps anything; None when no unit has a policy."""
        policies = compiled.physics.policies
        rows = [(i, u, policies[u.capping]) for i, u in compiled.physics.units if u.capping is not None]
        return cls(compiled, rows) if rows else None

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
            wanted &= self._who_can(engine)
        ticks = (np.floor(now / self._period_s) + 1.0) * self._period_s
        self._look_at = np.where(wanted, ticks, np.inf)

    @property
    def _in_force(self) -> bool:
        return bool(self._caps)

    def _decide(self, i: int, now: float, engine: Engine) -> Caps | None:
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
            self._done_va[i] = peak_va
            return None
        return Caps(now + policy.actuation_s, _words(self._units[i].name, new, caps, over_w), new)

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
