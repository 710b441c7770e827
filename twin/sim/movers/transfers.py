"""Transfer switches: exactly one feed is closed, another is chosen when it dies, and the preferred one when it is back.

A switch breaks before it makes. A break shorter than what power supplies ride through (20 ms at no voltage, the ITIC
curve) is none: such a switch carries its load over while it moves, at one instant. A longer one is felt below.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import ClassVar, Self

import numpy as np

from twin.graph.compile import Compiled
from twin.model.change import Change, ChangeKind, TimedChange
from twin.model.power import PowerUnit
from twin.records.text import span
from twin.sim.engine import Engine
from twin.sim.faults import Faults
from twin.sim.feeders import Feeders
from twin.sim.movers.by_device import ByDevice

# ITIC (CBEMA) curve: information technology rides through 20 ms without voltage.
RIDE_THROUGH_S = 0.020
SWITCHES = ("ats", "sts")
NONE = 1 << 30
# A change of a switch: kind, value, key.
Part = tuple[ChangeKind, float, str]


class Mode(IntEnum):
    """A switch stands on one feed, is between two, or stuck open until a person closes it."""

    CLOSED = 0
    MOVING = 1
    STUCK = 2


class Transfers(ByDevice):
    """The switches of one run as columns `[n]`: mode, the position it stands on or moves to, what happens when [s]."""

    law: ClassVar[str] = "transfers"

    def __init__(self, compiled: Compiled, rows: Sequence[tuple[int, PowerUnit]]) -> None:
        self._units = [unit for _, unit in rows]
        self._feeders = Feeders(compiled, [i for i, _ in rows])
        self._faults = Faults()
        feeds = self._feeders
        count = len(rows)
        self._rank = np.arange(len(feeds.edges)) - np.repeat(feeds.starts, feeds.widths)
        self.mode, self.position = np.full(count, Mode.CLOSED), np.zeros(count, dtype=np.int64)
        self._seamless = np.array([(unit.transfer_s or 0.0) <= RIDE_THROUGH_S for unit in self._units])
        self._patience_s = np.array([unit.retransfer_s for unit in self._units])
        self._riding = self._seamless.copy()
        # The first of its feeders that live (NONE: none does), and since when that is another than the one it stands on.
        self._best, self._since = np.zeros(count, dtype=np.int64), np.full(count, np.inf)
        self._lives, self._source_lives = np.zeros(0, dtype=bool), np.ones(count, dtype=bool)
        self._moves_at, self._due = np.full(count, np.inf), np.full(count, np.inf)

    @classmethod
    def of(cls, compiled: Compiled) -> Self | None:
        """Return the switches of a fresh run, all on their preferred feeds; None when no switch says how long it takes."""
        rows = [(i, u) for i, u in compiled.physics.units if u.kind in SWITCHES and u.transfer_s is not None]
        return cls(compiled, rows) if rows else None

    def begin(self, now: float) -> Sequence[Change]:
        """All feeds but the preferred are open; static switches carry over while they move."""
        opened = [Change("feed", u.name, -1.0, name) for u in self._units for name in u.fed_by[1:]]
        carry = zip(self._units, self._seamless, strict=True)
        return [*opened, *(Change("ride", u.name, 1.0) for u, seamless in carry if seamless)]

    def advance(self, seconds: float) -> None:
        """Nothing of a switch changes with time but what is due."""

    def read(self, now: float, engine: Engine) -> None:
        """Take over which sources live; a switch on a dead one moves when there is a better one."""
        feeds = self._feeders
        self._lives = lives = engine.alive[feeds.parent]
        if self.at_rest and lives[feeds.starts].all():
            self._due.fill(np.inf)
            return
        best = np.minimum.reduceat(np.where(lives, self._rank, NONE), feeds.starts)
        self._source_lives = lives[feeds.starts + self.position]
        returning = (self.mode == Mode.CLOSED) & self._source_lives & (best < self.position)
        waits = returning & np.isfinite(self._since) & (best == self._best)
        self._since = np.where(returning, np.where(waits, self._since, now), np.inf)
        self._best = best
        self._due = np.where(returning, self._since + self._patience_s, self._moves_at)
        dead = (self.mode == Mode.CLOSED) & ~self._source_lives
        dark = self._seamless & (self._riding == dead) & (self.mode == Mode.CLOSED)
        self._due[(dead & (best < NONE)) | dark] = now
        for i in np.flatnonzero(self.mode == Mode.STUCK).tolist():
            if not self._faults.strikes(engine, self._units[i].name, "transfer"):
                self._due[i] = now

    def steady(self, engine: Engine) -> bool:
        """While the same feeders live; one that is stuck waits for what is no crossing, a fault that is mended."""
        lives = engine.alive[self._feeders.parent]
        return np.array_equal(lives, self._lives) and not (self.mode == Mode.STUCK).any()

    @property
    def at_rest(self) -> bool:
        """Whether all stand on their preferred feeds, and none waits."""
        return not (self.mode.any() or self.position.any() or (self._riding != self._seamless).any())

    def _act(self, i: int, now: float, engine: Engine) -> Sequence[TimedChange]:
        if self.mode[i] == Mode.STUCK:
            self._faults.mend(engine, self._units[i].name, "transfer")
            return self._close(i, now, " by hand")
        if self.mode[i] == Mode.MOVING:
            return self._close(i, now)
        if self._best[i] == NONE or self._best[i] == self.position[i]:
            return self._carry(i, now)
        if self._faults.strikes(engine, self._units[i].name, "transfer"):
            return self._stick(i, now)
        return self._open(i, now)

    def _carry(self, i: int, now: float) -> Sequence[TimedChange]:
        """A static switch whose sources have all died drops its load; it carries again as soon as its own is back."""
        unit = self._units[i]
        self._riding[i] = self._source_lives[i]
        if self._riding[i]:
            return self._told(i, now, f"{unit.name} carries its load again", unit.fed_by, ("ride", 1.0, ""))
        return self._told(i, now, f"{unit.name} finds no live source", unit.fed_by, ("ride", -1.0, ""))

    def _stick(self, i: int, now: float) -> Sequence[TimedChange]:
        unit = self._units[i]
        text = f"{unit.name} fails to transfer: it stays open until a person closes it"
        changes: list[Part] = [("feed", -1.0, unit.fed_by[self.position[i]])]
        changes += [("ride", -1.0, "")] if self._riding[i] else []
        self.mode[i], self._riding[i], self._moves_at[i] = Mode.STUCK, False, now + unit.mttr_s
        return self._told(i, now, text, self._because(i), *changes, event="standby_failures")

    def _open(self, i: int, now: float) -> Sequence[TimedChange]:
        unit, best = self._units[i], int(self._best[i])
        old, new = unit.fed_by[self.position[i]], unit.fed_by[best]
        because, lasts_s = self._because(i), unit.transfer_s or 0.0
        changes: list[Part] = [("feed", -1.0, old)]
        self.position[i] = best
        if self._seamless[i]:
            changes += [("feed", 1.0, new)] if self._riding[i] else [("feed", 1.0, new), ("ride", 1.0, "")]
            self._riding[i] = True
            return self._told(i, now, f"{unit.name} transfers from {old} to {new}", because, *changes)
        self.mode[i], self._moves_at[i] = Mode.MOVING, now + lasts_s
        text = f"{unit.name} leaves {old} for {new}: {span(lasts_s)}"
        return self._told(i, now, text, because, *changes)

    def _close(self, i: int, now: float, how: str = "") -> Sequence[TimedChange]:
        """Close on the first source that lives now; when none does, on the one it moved to."""
        unit = self._units[i]
        if self._best[i] < NONE:
            self.position[i] = self._best[i]
        new = unit.fed_by[self.position[i]]
        self.mode[i], self._moves_at[i] = Mode.CLOSED, np.inf
        carries = self._seamless[i] and self._best[i] < NONE
        self._riding[i] = carries
        changes: list[Part] = [("feed", 1.0, new)]
        changes += [("ride", 1.0, "")] if carries else []
        return self._told(i, now, f"{unit.name} closes on {new}{how}", (unit.name, new), *changes)

    def _because(self, i: int) -> tuple[str, ...]:
        """A dead source, or the better one that is back."""
        unit = self._units[i]
        cause = self._best[i] if self._source_lives[i] else self.position[i]
        return (unit.fed_by[int(cause)],)

    def _told(
        self, i: int, now: float, text: str, because: tuple[str, ...], *changes: Part, event: str = ""
    ) -> list[TimedChange]:
        """The changes of one happening; the first of them is its event."""
        name, origin = self._units[i].name, f"physics:{self.law}"
        return [
            TimedChange(now, Change(kind, name, value, key), origin, text, because, event if k == 0 else "")
            for k, (kind, value, key) in enumerate(changes)
        ]
