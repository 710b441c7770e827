"""UPS batteries: they carry the load while no feed lives, hand it back step by step, and are charged again.

A UPS with charge *rides*: it stays alive without live feeders, until its battery is empty. While it rides it takes
nothing from its feeders, so that a source that comes to life meets no load at once; then its share grows in steps over
the walk-in, the battery carrying the rest; then what was drawn is put back. One that could not carry its load and *locks out*
stays off, whatever its feeders do, until a person puts it on its bypass.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from enum import IntEnum
from typing import ClassVar, Self

import numpy as np

from twin.graph.compile import Compiled
from twin.graph.levels import Bools
from twin.model.change import Change, ChangeKind, TimedChange
from twin.model.power import PowerUnit
from twin.records.text import span
from twin.sim.engine import Engine
from twin.sim.faults import Faults
from twin.sim.feeders import Feeders
from twin.sim.laws.battery import Bank, charging_w, drain_per_s, runtime_s
from twin.sim.movers.by_device import ByDevice

# A walk-in is played in so many equal steps (a power of two: they add up to exactly 1), the first at once, the last at
# its end: the battery gives as much as over a straight ramp.
STEPS = 4
# The metric that counts batteries which could not carry their load.
EMPTY = "batteries_empty"
# A change of a UPS: kind and value.
Part = tuple[ChangeKind, float]


class Mode(IntEnum):
    """What a battery does: it is full, is charged, carries the rest of a walk-in, carries all; or it is empty, or broken."""

    FULL = 0
    CHARGING = 1
    WALKING_IN = 2
    CARRYING = 3
    EMPTY = 4
    FAILED = 5


class Batteries(ByDevice):
    """The batteries of one run as columns `[n]`: mode, charge (1 = full), energy drawn since full [J], what happens when."""

    law: ClassVar[str] = "batteries"

    def __init__(self, compiled: Compiled, rows: Sequence[tuple[int, PowerUnit]]) -> None:
        self._units = [unit for _, unit in rows]
        self._index = np.array([i for i, _ in rows], dtype=np.int64)
        self._feeders = Feeders(compiled, self._index.tolist())
        self._bank = Bank.of(self._units)
        self._faults = Faults()
        count = len(rows)
        self.mode = np.full(count, Mode.FULL)
        self.charge, self.drawn_j = np.ones(count), np.zeros(count)
        self._charge_per_s, self._drawn_w = np.zeros(count), np.zeros(count)
        # Of its load, what each takes from its feeders; the power that charges it.
        self._taken, self._charging_w = np.ones(count), np.zeros(count)
        self._load_w, self._live = np.zeros(count), np.ones(count, dtype=bool)
        # When its charge reaches an end; its next step, or the end of a repair; the next of all that.
        self._ends_at, self._step_at, self._due = (np.full(count, np.inf) for _ in range(3))
        # When a person has put one on bypass that has locked out.
        self._free_at = np.full(count, np.inf)

    @classmethod
    def of(cls, compiled: Compiled) -> Self | None:
        """Return the batteries of a fresh run, all full; None when no UPS has one."""
        rows = [(i, u) for i, u in compiled.physics.units if u.kind == "ups" and u.battery_j is not None]
        return cls(compiled, rows) if rows else None

    @classmethod
    def endless(cls, compiled: Compiled) -> Self | None:
        """Return batteries that never run empty and never fail: what is left of them when the law is switched off."""
        found = cls.of(compiled)
        if found is not None:
            found._bank = replace(found._bank, energy_j=np.full(len(found._units), np.inf))
            found._faults = Faults(strike=False)
        return found

    def begin(self, now: float) -> Sequence[Change]:
        """Every UPS can ride."""
        return [Change("ride", unit.name, 1.0) for unit in self._units]

    def advance(self, seconds: float) -> None:
        """Discharge and charge at constant rates."""
        self.charge += self._charge_per_s * seconds
        self.drawn_j += self._drawn_w * seconds

    def read(self, now: float, engine: Engine) -> None:
        """Take over loads and who has live feeders; whatever does not fit its mode any more acts now."""
        self._live = self._feeders.live(engine)
        if self.at_rest and self._live.all():
            self._charge_per_s.fill(0.0)
            self._drawn_w.fill(0.0)
            return
        alive = engine.alive[self._feeders.node]
        self._load_w = engine.unit_w[self._index]
        carried_w = np.where(alive, self._load_w * (1.0 - self._taken), 0.0)
        charged = (self.mode == Mode.CHARGING) & self._live & alive
        self._charge_per_s = np.where(
            charged, 1.0 / self._bank.recharge_s, -drain_per_s(self._bank, carried_w)
        )
        self._drawn_w = np.where(charged, -self._charging_w, carried_w)
        rest, speed = np.where(charged, 1.0 - self.charge, self.charge), np.abs(self._charge_per_s)
        left_s = np.divide(rest, speed, out=np.full_like(rest, np.inf), where=speed > 0)
        self._ends_at = now + np.maximum(left_s, 0.0)
        self._due = np.minimum(np.minimum(self._ends_at, self._step_at), self._free_at)
        self._due[self._asked(alive) | self._struck_or_mended(engine)] = now

    def steady(self, engine: Engine) -> bool:
        """While all are full and feeders live: what a battery carries goes by loads."""
        return self.at_rest and bool(self._feeders.live(engine).all())

    @property
    def at_rest(self) -> bool:
        """Whether all are full, carry nothing, and let their feeders through."""
        return not (self.mode.any() or np.isfinite(self._free_at).any())

    def _asked(self, alive: Bools) -> Bools:
        """Those whose feeders have died under them (they live all the same: they ride), or are back."""
        lost = ~self._live & alive & (self.mode < Mode.CARRYING)
        ready = (self.mode == Mode.EMPTY) & np.isinf(self._free_at)
        return lost | (self._live & ((self.mode == Mode.CARRYING) | ready))

    def _struck_or_mended(self, engine: Engine) -> Bools:
        found = np.zeros(len(self._units), dtype=bool)
        for i in np.flatnonzero((self.mode == Mode.CARRYING) | (self.mode == Mode.FAILED)).tolist():
            strikes = self._faults.strikes(engine, self._units[i].name, "battery")
            found[i] = strikes == (self.mode[i] == Mode.CARRYING)
        return found

    def _act(self, i: int, now: float, engine: Engine) -> Sequence[TimedChange]:
        mode, live, name = self.mode[i], bool(self._live[i]), self._units[i].name
        if self._free_at[i] <= now:
            self._free_at[i] = np.inf
            return self._told(i, now, f"a person puts {name} on its bypass", (name,), ("state", 1.0))
        if mode == Mode.FAILED:
            self._faults.mend(engine, name, "battery")
            return self._ready(i, now, f"the battery of {name} is mended")
        if not live and self._faults.strikes(engine, name, "battery"):
            return self._fail(i, now)
        if not live and mode < Mode.CARRYING:
            return self._carry(i, now)
        if mode == Mode.EMPTY:
            return self._ready(i, now, f"{name} can ride again, as far as it is charged")
        if mode == Mode.CHARGING:
            return self._full(i, now)
        if mode == Mode.CARRYING and not live:
            return self._empty(i, now)
        return self._walk_in(i, now)

    def _carry(self, i: int, now: float) -> Sequence[TimedChange]:
        unit = self._units[i]
        share = self._load_w[i] / unit.rated_va
        lasts_s = float(self.charge[i]) * float(runtime_s(self._bank, self._load_w)[i])
        lasts = f", enough for {span(lasts_s)}" if np.isfinite(lasts_s) else ""
        text = f"{unit.name} is on its battery: {100 * share:.0f} % load{lasts}"
        stopped = self._stop_charging(i)
        self.mode[i], self._step_at[i] = Mode.CARRYING, np.inf
        return self._told(i, now, text, unit.fed_by, *stopped, ("draw", self._take(i, 0.0)))

    def _empty(self, i: int, now: float) -> Sequence[TimedChange]:
        name = self._units[i].name
        text = (
            f"the battery of {name} is empty at {100 * self._load_w[i] / self._units[i].rated_va:.0f} % load"
        )
        self.mode[i], self.charge[i] = Mode.EMPTY, 0.0
        changes: list[Part] = [("ride", -1.0), ("draw", self._take(i, 1.0))]
        return self._told(i, now, text, (name,), *changes, *self._lock_out(i, now), event=EMPTY)

    def _fail(self, i: int, now: float) -> Sequence[TimedChange]:
        unit = self._units[i]
        text = f"the battery of {unit.name} fails as it is asked"
        stopped = self._stop_charging(i)
        self.mode[i], self._step_at[i] = Mode.FAILED, now + unit.mttr_s
        changes: list[Part] = [("ride", -1.0), ("draw", self._take(i, 1.0)), *stopped]
        changes += self._lock_out(i, now)
        return self._told(i, now, text, (unit.name, *unit.fed_by), *changes, event=EMPTY)

    def _lock_out(self, i: int, now: float) -> list[Part]:
        """It stays off until a person has been there, if it is one of those."""
        lockout_s = self._units[i].lockout_s
        if lockout_s is None:
            return []
        self._free_at[i] = now + lockout_s
        return [("state", -1.0)]

    def _ready(self, i: int, now: float, text: str) -> Sequence[TimedChange]:
        """It may ride again at once, and is charged when its feeders live."""
        self._step_at[i] = np.inf
        changes: list[Part] = [("ride", 1.0)]
        return self._told(i, now, text, self._units[i].fed_by, *changes, *self._start_charging(i))

    def _walk_in(self, i: int, now: float) -> Sequence[TimedChange]:
        """One more step; the whole rest when there is no walk-in, or no charge left to carry the rest."""
        unit = self._units[i]
        begins = self.mode[i] == Mode.CARRYING
        last = unit.walk_in_s == 0 or self._ends_at[i] <= now or self._taken[i] >= 1.0 - 1.0 / STEPS
        taken = 1.0 if last else float(self._taken[i]) + 1.0 / STEPS
        draw: Part = ("draw", self._take(i, taken))
        if not last:
            self.mode[i], self._step_at[i] = Mode.WALKING_IN, now + unit.walk_in_s / (STEPS - 1)
            text = f"{unit.name} walks in: its feeders carry {100 * taken:.3g} %"
            return self._told(i, now, text, unit.fed_by if begins else (unit.name,), draw)
        self._step_at[i] = np.inf
        text = f"{unit.name} is back on its feeders with {100 * max(self.charge[i], 0.0):.0f} % charge"
        return self._told(i, now, text, (*unit.fed_by, unit.name), draw, *self._start_charging(i))

    def _full(self, i: int, now: float) -> Sequence[TimedChange]:
        name = self._units[i].name
        stopped = self._stop_charging(i)
        self.mode[i], self.charge[i], self.drawn_j[i] = Mode.FULL, 1.0, 0.0
        return self._told(i, now, f"the battery of {name} is full again", (name,), *stopped)

    def _take(self, i: int, share: float) -> float:
        """Set the share of its load that a UPS takes from its feeders; return the change."""
        change = share - float(self._taken[i])
        self._taken[i] = share
        return change

    def _start_charging(self, i: int) -> list[Part]:
        self.charge[i] = min(max(self.charge[i], 0.0), 1.0)
        if self.charge[i] >= 1.0:
            self.mode[i], self.drawn_j[i] = Mode.FULL, 0.0
            return []
        self.mode[i] = Mode.CHARGING
        self._charging_w[i] = charging_w(self._bank, self.drawn_j, self.charge)[i]
        return [("inject", float(self._charging_w[i]))]

    def _stop_charging(self, i: int) -> list[Part]:
        watts, self._charging_w[i] = float(self._charging_w[i]), 0.0
        return [("inject", -watts)] if self.mode[i] == Mode.CHARGING else []

    def _told(
        self, i: int, now: float, text: str, because: tuple[str, ...], *changes: Part, event: str = ""
    ) -> list[TimedChange]:
        """The changes of one happening; the first of them is its event."""
        name, origin = self._units[i].name, f"physics:{self.law}"
        return [
            TimedChange(now, Change(kind, name, value), origin, text, because, event if k == 0 else "")
            for k, (kind, value) in enumerate(changes)
        ]
