"""Cooling zones: they heat up when cooling is short, throttle their servers, and shut them down.

Above the throttle temperature the servers of a zone slow down in steps, at the shutdown temperature its racks go off; the
steps are undone when it is cool again. Racks come back when it is cool, plants could take their heat again, and a person
has let them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, Self

import numpy as np

from twin.graph.compile import Compiled
from twin.graph.levels import Bools, Floats
from twin.model.change import Change, ChangeKind, TimedChange
from twin.records.text import percent
from twin.sim.block import Block
from twin.sim.cooling import Cooling, weather_at
from twin.sim.engine import Engine
from twin.sim.laws.thermal import Bodies, reach_s
from twin.sim.zone_states import SAME_K, Conditions, ZoneStates

ORIGIN = "physics:zones"
EVENT = "thermal_shutdowns"
# Assumed: three equal steps between throttle and shutdown, each a quarter of top speed; undone 2 K below where they began.
STEPS, STEP = 3, 0.25
BACK_K = 2.0


class Zones:
    """The zones of one run: temperatures, steps of throttling, which are off, and when a person powers them on [s]."""

    law: ClassVar[str] = "zones"

    def __init__(self, compiled: Compiled) -> None:
        self._compiled, self._cooling = compiled, Cooling(compiled.cooling, len(compiled.names["sites"]))
        self._zones = zones = compiled.cooling.zones
        self._sites = np.unique([compiled.index["sites"][zone.site] for zone in zones])
        self._supply_c = np.array([zone.supply_c for zone in zones])
        self._off_c = np.array([zone.shutdown_c for zone in zones])
        throttle = np.array([zone.throttle_c for zone in zones])
        self._steps_c = throttle[:, None] + (self._off_c - throttle)[:, None] * np.arange(STEPS) / STEPS
        self._back_k = self._hysteresis_k(self._supply_c)
        bodies = Bodies(
            np.array([zone.fluid_j_per_k for zone in zones]),
            np.array([zone.mass_j_per_k for zone in zones]),
            np.array([zone.coupling_w_per_k for zone in zones]),
        )
        self._size = bodies.fluid_j_per_k + bodies.mass_j_per_k
        self.states = ZoneStates(bodies, self._supply_c, np.array([zone.store_j for zone in zones]))
        count = len(zones)
        self.steps, self.off = np.zeros(count, dtype=np.int64), np.zeros(count, dtype=bool)
        self._heat_w, self._former_w = np.zeros(count), np.zeros(count)
        self._empty = [zone.store_j == 0.0 for zone in zones]
        self._restore_at, self._due = np.full(count, np.inf), np.full(count, np.inf)
        self._fresh, self._set_c = True, self._supply_c
        self._setpoint_k: Mapping[str, float] = {}

    @classmethod
    def of(cls, compiled: Compiled) -> Self | None:
        """Return the zones of a fresh run, at rest at their set points; None when the fleet has none."""
        return cls(compiled) if compiled.cooling.zones else None

    def begin(self, now: float) -> Sequence[Change]:
        """Every zone is cool."""
        return ()

    def advance(self, seconds: float) -> None:
        """Heat and cool."""
        if not self.at_rest:
            self.states.advance(seconds)

    def read(self, now: float, engine: Engine) -> None:
        """Take over heat, cooling and set points. Cost: nothing per rack while all is cool and no site is short."""
        self._setpoint_k = engine.state.setpoint_k
        supply = self._wanted_c()
        if self._fresh:
            self.states.place(supply)
            self._fresh = False
        elif (
            self.at_rest
            and not engine.cooling_short_w[self._sites].any()
            and np.array_equal(supply, self._set_c)
        ):
            return
        self._set_c, self._back_k = supply, self._hysteresis_k(supply)
        capacity = self._capacity_w(engine)
        wants = np.where(self.states.wanting(supply), self._size, 0.0)
        given, carried = self._cooling.given_w(engine.rack_w, capacity, wants)
        self._heat_w = self._cooling.zone_heat_w(engine.rack_w)
        self.states.take(Conditions(self._heat_w, given, carried, supply))
        self._due[:] = np.inf
        if self.at_rest:
            return
        if self.off.any():
            self._plan_restore(now, engine.rack_w, capacity)
        self._due = np.minimum(now + np.minimum(self.states.change_s(), self._limits_s()), self._restore_at)

    def due(self) -> float:
        """Return when the next zone crosses a limit, settles, or is powered on."""
        return float(self._due.min())

    def act(self, now: float, engine: Engine) -> Sequence[TimedChange]:
        """Throttle, shut down and restore the zones that are due."""
        found: list[TimedChange] = []
        for z in np.flatnonzero(self._due <= now).tolist():
            found += self._used_up(z, now, engine)
            found += self._throttle(z, now, engine)
            if not self.off[z] and self.states.fluid_c[z] >= self._off_c[z] - SAME_K:
                self.off[z], self._former_w[z] = True, self._heat_w[z]
                text = f"{self._label(z)} is at {self.states.fluid_c[z]:.1f} °C: {self._count(z)} shut down"
                found += self._say(z, now, engine, ("state", -1.0, text, EVENT))
            elif self.off[z] and self._restore_at[z] <= now:
                self.off[z], self._restore_at[z] = False, np.inf
                text = f"{self._label(z)} is cool: {self._count(z)} powered on"
                found += self._say(z, now, engine, ("state", 1.0, text, ""))
        self._due[self._due <= now] = np.inf
        return found

    def quiet(self, block: Block) -> int:
        """Up to where the cooling of a site falls short: until then zones stay at their set points."""
        short = (block.cooling_short_w[self._sites] > 0.0).any(axis=0)
        return int(short.argmax()) if short.any() else len(block)

    def inlet_c(self, name: str) -> float:
        """Return what the racks of a zone are supplied with [C]; raise KeyError when there is no such zone."""
        found = [z for z, zone in enumerate(self._zones) if zone.name == name]
        if not found:
            raise KeyError(name)
        return float(self.states.fluid_c[found[0]])

    def steady(self, engine: Engine) -> bool:
        """While all are at rest at set points that stay."""
        return not self._fresh and self.at_rest and np.array_equal(self._wanted_c(), self._set_c)

    @property
    def at_rest(self) -> bool:
        """Whether all are at their set points through and through, at full speed, with full stores."""
        return bool(self.states.settled.all()) and not self.steps.any() and not self.off.any()

    def _hysteresis_k(self, supply_c: Floats) -> Floats:
        """By how much it must be cooler for a step to be undone `[K, (Z,)]`: less where the set point is near."""
        return np.clip((self._steps_c[:, 0] - supply_c) / 2.0, SAME_K * 10.0, BACK_K)

    def _wanted_c(self) -> Floats:
        """The set points as plans have moved them `[C, (Z,)]`."""
        if not self._setpoint_k:
            return self._supply_c
        return self._supply_c + [self._setpoint_k.get(zone.name, 0.0) for zone in self._zones]

    def _capacity_w(self, engine: Engine) -> Floats:
        demand, state = self._compiled.demand, engine.state
        weather = weather_at(demand, demand.factors(engine.now)[None], state.warmer_c)
        supply_k = self._cooling.supply_k(state.setpoint_k)
        return self._cooling.capacity_w(weather, supply_k, engine.plant_alive)[:, 0]

    def _limits_s(self) -> Floats:
        """When the next limit of each zone is crossed `[s]`: a step up, a step down, shutdown."""
        rows, course = np.arange(len(self._zones)), self.states.course()
        up = self._steps_c[rows, np.minimum(self.steps, STEPS - 1)]
        down = self._steps_c[rows, np.maximum(self.steps - 1, 0)] - self._back_k
        times = np.where(self.steps < STEPS, reach_s(course, up, rising=True), np.inf)
        times = np.minimum(times, np.where(self.steps > 0, reach_s(course, down, rising=False), np.inf))
        times = np.minimum(times, np.where(self.off, np.inf, reach_s(course, self._off_c, rising=True)))
        crossed = self._crossed()
        return np.where(crossed, 0.0, np.where(self.states.held, np.inf, times))

    def _crossed(self) -> Bools:
        """Zones that stand beyond a limit already: after a change of set point, or several limits at once."""
        rows, fluid = np.arange(len(self._zones)), self.states.fluid_c
        up = self._steps_c[rows, np.minimum(self.steps, STEPS - 1)]
        down = self._steps_c[rows, np.maximum(self.steps - 1, 0)] - self._back_k
        higher = (self.steps < STEPS) & (fluid >= up - SAME_K)
        lower = (self.steps > 0) & (fluid <= down + SAME_K)
        return np.asarray(higher | lower | (~self.off & (fluid >= self._off_c - SAME_K)))

    def _used_up(self, z: int, now: float, engine: Engine) -> list[TimedChange]:
        """Say once that the chilled water is gone; nothing but the story changes."""
        empty, self._empty[z] = self._empty[z], bool(self.states.store_j[z] == 0.0)
        if empty or not self._empty[z]:
            return []
        text = f"the chilled water of {self._label(z)} is used up"
        change = Change("setpoint", self._zones[z].name, 0.0)
        return [TimedChange(now, change, ORIGIN, text, self._causes(z, engine))]

    def _throttle(self, z: int, now: float, engine: Engine) -> list[TimedChange]:
        fluid, before = self.states.fluid_c[z], self.steps[z]
        while self.steps[z] < STEPS and fluid >= self._steps_c[z, self.steps[z]] - SAME_K:
            self.steps[z] += 1
        while self.steps[z] > 0 and fluid <= self._steps_c[z, self.steps[z] - 1] - self._back_k[z] + SAME_K:
            self.steps[z] -= 1
        if self.steps[z] == before:
            return []
        lost = STEP * self.steps[z]
        speed = f"servers lose {percent(lost)} % of top speed" if lost else "servers have full speed again"
        text = f"{self._label(z)} is at {fluid:.1f} °C: {speed}"
        return self._say(z, now, engine, ("slow", STEP * float(self.steps[z] - before), text, ""))

    def _plan_restore(self, now: float, rack_w: Floats, capacity_w: Floats) -> None:
        """Off zones that are cool get a person, in order, as far as the plants could take what they gave off before."""
        spare, arrays = self._cooling.spare_w(rack_w, capacity_w), self._compiled.cooling
        for z in np.flatnonzero(self.off).tolist():
            circuits = [c for c in (int(arrays.zone_circuit[z]), int(arrays.zone_carry[z])) if c >= 0]
            former = self._former_w[z]
            if self.steps[z] == 0 and all(spare[c] >= former * (1.0 - 1e-9) for c in circuits):
                spare[circuits] -= former
                if self._restore_at[z] == np.inf:
                    self._restore_at[z] = now + self._zones[z].restore_s
            else:
                self._restore_at[z] = np.inf

    def _say(
        self, z: int, now: float, engine: Engine, what: tuple[ChangeKind, float, str, str]
    ) -> list[TimedChange]:
        """The same change of every rack of a zone."""
        kind, value, text, event = what
        because = self._causes(z, engine)
        return [
            TimedChange(now, Change(kind, rack, value), ORIGIN, text, because, event)
            for rack in self._racks(z)
        ]

    def _causes(self, z: int, engine: Engine) -> tuple[str, ...]:
        """The plants of a zone that are down, and its site (for the weather)."""
        arrays = self._compiled.cooling
        serves = (arrays.plant_circuit == arrays.zone_circuit[z]) | (
            arrays.plant_circuit == arrays.zone_carry[z]
        )
        down = np.flatnonzero(serves & ~engine.plant_alive).tolist()
        return (self._zones[z].site, *(arrays.plants[p].name for p in down))

    def _racks(self, z: int) -> list[str]:
        rows = np.flatnonzero(self._compiled.cooling.rack_zone == z)
        return [self._compiled.names["racks"][rack] for rack in rows.tolist()]

    def _count(self, z: int) -> str:
        number = int((self._compiled.cooling.rack_zone == z).sum())
        return "1 rack is" if number == 1 else f"{number:,} racks are"

    def _label(self, z: int) -> str:
        return f"row {self._zones[z].name} of {self._zones[z].site}"
