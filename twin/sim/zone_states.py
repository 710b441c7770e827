"""The temperatures of all cooling zones of one run, moved in closed form under constant heat and cooling.

A zone is in one of two regimes. *Held*: its fluid is at the set point, what cools it gives just what that takes, and its
mass decays to the set point; what plants do not give comes from the store of chilled water, what they have to spare fills
it. *Free*: cooling is what there is (none while the fluid is colder than the set point), and both nodes follow the law.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from twin.graph.levels import Bools, Floats
from twin.sim.laws.thermal import Bodies, Course, hold, hold_until_s, hold_w, reach_s, relax

# A mass that has come so near to the set point is taken to be there.
NEAR_K = 0.01
# Rounding (of times too): what is nearer than this to a temperature, an amount or a balance of heat is there.
SAME_K, SAME_J, SAME = 1e-7, 1.0, 1e-9


@dataclass(frozen=True)
class Conditions:
    """What holds until the next event `[Z]`: heat, what plants give, what carriers can carry (infinite: all) and set points."""

    heat_w: Floats
    plants_w: Floats
    carried_w: Floats
    supply_c: Floats


class ZoneStates:
    """Temperatures of fluid and mass `[C]` and chilled water in store `[J]`, as columns `[Z]`."""

    def __init__(self, bodies: Bodies, supply_c: Floats, store_j: Floats) -> None:
        self._bodies, self._full_j = bodies, store_j
        self.fluid_c, self.mass_c, self.store_j = supply_c.copy(), supply_c.copy(), store_j.copy()
        nothing = np.zeros_like(supply_c)
        self._now = Conditions(nothing, nothing, nothing + np.inf, supply_c)
        self.held = np.ones(len(supply_c), dtype=bool)
        self._cool_w, self._drain_w = nothing.copy(), nothing.copy()

    @property
    def settled(self) -> Bools:
        """Zones that are at their set point through and through, with a store that is full and not drawn on."""
        now = self._now
        level = (self.fluid_c == now.supply_c) & (self.mass_c == now.supply_c)
        fed = (now.plants_w >= now.heat_w * (1.0 - SAME)) | (self._full_j == 0.0)
        return self.held & level & fed & (self.store_j == self._full_j)

    def wanting(self, supply_c: Floats) -> Bools:
        """Zones that want more cooling than their heat: warmer than their set point, or with room in the store."""
        return (self.fluid_c > supply_c) | (self.mass_c > supply_c) | (self.store_j < self._full_j)

    def place(self, supply_c: Floats) -> None:
        """Put all zones to rest at their set points."""
        self.fluid_c, self.mass_c = supply_c.copy(), supply_c.copy()

    def take(self, conditions: Conditions) -> None:
        """Take new conditions, and find the regime of each zone."""
        self._now = conditions
        supply = conditions.supply_c
        at = np.abs(self.fluid_c - supply) <= SAME_K
        self.fluid_c[at] = supply[at]
        near = at & (np.abs(self.mass_c - supply) <= NEAR_K * (1.0 + 1e-6))
        self.mass_c[near] = supply[near]
        need = hold_w(self._bodies, conditions.heat_w, supply, self.mass_c)
        # Nothing heats a zone: where the mass takes more than the servers give, the fluid falls below its set point.
        cold = at & (need < 0.0)
        self.fluid_c[cold] -= 2.0 * SAME_K
        given = np.where(self.store_j > 0.0, np.inf, conditions.plants_w)
        given = np.minimum(given, conditions.carried_w)
        self.held = at & ~cold & (given >= need - SAME * np.maximum(need, 1.0))
        above, hot = ~self.held & (self.fluid_c >= supply), self.store_j > 0.0
        rich = np.where(
            np.isfinite(conditions.carried_w),
            conditions.carried_w,
            np.maximum(conditions.plants_w, conditions.heat_w),
        )
        cool = np.where(hot, rich, np.minimum(conditions.plants_w, conditions.carried_w))
        self._cool_w = np.where(above, cool, 0.0)
        self._drain_w = np.where(self.held, 0.0, self._cool_w - conditions.plants_w)

    def advance(self, seconds: float) -> None:
        """Move all zones over seconds of these conditions."""
        now, held, before = self._now, self.held, self.mass_c
        fluid, mass = relax(
            self._bodies, self.fluid_c, self.mass_c, net_w=now.heat_w - self._cool_w, seconds=seconds
        )
        self.mass_c = np.where(held, hold(self._bodies, now.supply_c, before, seconds), mass)
        self.fluid_c = np.where(held, self.fluid_c, fluid)
        if self._full_j.any():
            given = self._bodies.mass_j_per_k * (before - self.mass_c)
            drained = np.where(held, (now.heat_w - now.plants_w) * seconds + given, self._drain_w * seconds)
            self.store_j = np.clip(self.store_j - drained, 0.0, self._full_j)
            near_j = SAME * self._full_j + SAME_J
            self.store_j[self.store_j <= near_j] = 0.0
            full = self.store_j >= self._full_j - near_j
            self.store_j[full] = self._full_j[full]

    def change_s(self) -> Floats:
        """When the regime of each zone changes `[s]`: at the set point, with its mass at rest, its store empty or full."""
        now = self._now
        course = self.course()
        falls = np.where(self.fluid_c > now.supply_c, reach_s(course, now.supply_c, rising=False), np.inf)
        rises = np.where(self.fluid_c < now.supply_c, reach_s(course, now.supply_c, rising=True), np.inf)
        free = np.minimum(np.minimum(falls, rises), self._free_store_s())
        rest = hold_until_s(self._bodies, now.supply_c, self.mass_c, NEAR_K)
        held = np.minimum(np.where(self.mass_c == now.supply_c, np.inf, rest), self._held_store_s())
        return np.where(self.held, held, free)

    def course(self) -> Course:
        """The course of the fluid of each zone, were it free."""
        return Course.of(self._bodies, self.fluid_c, self.mass_c, self._now.heat_w - self._cool_w)

    def _free_store_s(self) -> Floats:
        """When a store that drains or fills at a constant rate is empty or full."""
        left = np.where(self._drain_w > 0.0, self.store_j, self._full_j - self.store_j)
        speed = np.abs(self._drain_w)
        moves = (left > 0.0) & (speed > 0.0) & (self._full_j > 0.0)
        return np.divide(left, speed, out=np.full_like(left, np.inf), where=moves)

    def _held_store_s(self) -> Floats:
        """When a held zone has emptied or filled its store, or begins to need more than plants give.

        The flow out of the store is a + b exp(-r t): its integral is a course like that of a temperature.
        """
        now, bodies = self._now, self._bodies
        lasting = now.heat_w - now.plants_w
        fading = bodies.coupling_w_per_k * (self.mass_c - now.supply_c)
        rate = bodies.coupling_w_per_k / bodies.mass_j_per_k
        drawn = Course(np.zeros_like(lasting), lasting, -fading / rate, rate)
        flow = lasting + fading
        empty = np.where(self.store_j > 0.0, reach_s(drawn, self.store_j, rising=True), np.inf)
        room = self._full_j - self.store_j
        full = np.where(room > 0.0, reach_s(drawn, -room, rising=False), np.inf)
        with np.errstate(divide="ignore", invalid="ignore"):
            turns = np.where((lasting > 0.0) & (flow < 0.0), np.log(-fading / lasting) / rate, np.inf)
        return np.minimum(np.minimum(empty, full), turns)
