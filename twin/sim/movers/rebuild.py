"""Rebuilding: parts of objects on racks that stay away are written again on the racks that remain."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from typing import ClassVar, Self

import numpy as np

from twin.graph.compile import Compiled
from twin.graph.levels import Bools
from twin.model.change import Change, TimedChange
from twin.model.services import Storage
from twin.records.text import span
from twin.sim.block import Block
from twin.sim.engine import Engine
from twin.sim.laws.rebuild import at_risk_share, raw_bytes, rebuilt, seconds_to_next


class Rebuild:
    """The stateful sets of one run whose parts are counted."""

    law: ClassVar[str] = "rebuild"

    def __init__(self, compiled: Compiled) -> None:
        racks = compiled.index["racks"]
        self.rows = [row for row, _ in compiled.stress.stored]
        self.sets = [
            _Set(storage, np.array([racks[name] for name in storage.racks]))
            for _, storage in compiled.stress.stored
        ]

    @classmethod
    def of(cls, compiled: Compiled) -> Self | None:
        """Return the sets of a fresh run, all parts in their places; None when no set counts its parts."""
        return cls(compiled) if compiled.stress.stored else None

    def begin(self, now: float) -> Sequence[Change]:
        """All parts are in their places."""
        return ()

    def advance(self, seconds: float) -> None:
        """Write parts, as far as racks, bandwidth and free space go."""
        for one in self.sets:
            one.advance(seconds)

    def read(self, now: float, engine: Engine) -> None:
        """See which racks are away, and which are back."""
        for one in self.sets:
            one.read(now, engine.rack_powered[one.racks], engine.rack_reachable[one.racks])

    def due(self) -> float:
        """Return when a wait is over, all is rebuilt or the space is full."""
        return min((one.due for one in self.sets), default=inf)

    def act(self, now: float, engine: Engine) -> Sequence[TimedChange]:
        """Begin what has waited long enough; tell what is finished, and what is stuck."""
        return [told for one in self.sets if one.due <= now for told in one.act(now, f"physics:{self.law}")]

    def quiet(self, block: Block) -> int:
        """It goes by what lives and what is held down, and that stands still over a block."""
        return len(block)

    def steady(self, engine: Engine) -> bool:
        """While all parts are in their places, and their racks stay."""
        here = engine.rack_powered & engine.rack_reachable
        return all(one.whole and here[one.racks].all() for one in self.sets)


class _Set:
    """One stateful set: since when each rack is away [s], what is owed to it, and what is done of that [B]."""

    def __init__(self, storage: Storage, racks: np.ndarray) -> None:
        parts = storage.parts or 1
        self.storage, self.racks, self._parts = storage, racks, parts
        self._rack_bytes = raw_bytes(storage.bytes_stored, parts, storage.needed) / len(racks)
        shape = len(racks)
        self._away_since = np.full(shape, np.inf)
        self._dead = np.zeros(shape, dtype=bool)
        self._decided = np.zeros(shape, dtype=bool)
        self._owed, self._done = np.zeros(shape), np.zeros(shape)
        self._live = shape
        self.state = "whole"
        self.due = inf
        self.rebuilt_bytes = self.at_risk_bytes = self.at_risk_max_bytes = self.at_risk_byte_s = 0.0

    @property
    def whole(self) -> bool:
        """Whether every rack is there and nothing is owed."""
        return not np.isfinite(self._away_since).any() and not self._owed.any()

    def advance(self, seconds: float) -> None:
        """Write for some seconds, and keep the books."""
        before = self.at_risk_bytes
        if self._owed.any():
            amount = min(self._bytes_per_s * seconds, self._free, float(self._owed.sum()))
            self._owed, self._done = rebuilt(self._owed, self._done, amount)
            complete = (self._done > 0) & (self._owed < 1e-9 * self._rack_bytes)
            self._owed[complete], self._done[complete] = 0.0, self._rack_bytes
            self.rebuilt_bytes += amount
            self.at_risk_bytes = self._at_risk()
        self.at_risk_byte_s += 0.5 * (before + self.at_risk_bytes) * seconds

    def read(self, now: float, powered: Bools, reachable: Bools) -> None:
        """Take note of racks that went away or came back."""
        here = powered & reachable
        away = np.isfinite(self._away_since)
        if (here == ~away).all() and (self._dead == ~powered).all() and not self._owed.any():
            return
        self._away_since = np.where(here, np.inf, np.minimum(self._away_since, now))
        self._dead = ~powered
        back = away & here
        # What is back needs no second copy, unless it decided alone that its mates are lost.
        alone = back & self._decided if self.storage.rebuild_by == "peers" else np.zeros_like(back)
        self._owed[back], self._done[back] = 0.0, 0.0
        self._owed[alone] = self._rack_bytes
        self._decided[here] = False
        self._live = int(here.sum())
        self._look(now)

    def act(self, now: float, origin: str) -> list[TimedChange]:
        """Begin the racks that have waited long enough; finish those to which nothing is owed any more."""
        ready = ~self._decided & (self._away_since + self.storage.rebuild_wait_s <= now + 1e-6)
        self._decided |= ready
        begun = ready if self.storage.rebuild_by == "manager" else ready & self._dead
        self._owed[begun] += self._rack_bytes
        here = np.isinf(self._away_since)
        finished = here & (self._done > 0) & (self._owed == 0)
        self._done[finished] = 0.0  # the copies of before are given back
        self._look(now)
        state, text = self._words()
        if state == self.state:
            return []
        was, self.state = self.state, state
        step = float(state != "whole") - float(was != "whole")
        return [
            TimedChange(
                now, Change("fault", self.storage.name, step, "whole"), origin, text, self.storage.racks
            )
        ]

    def _look(self, now: float) -> None:
        """When the next thing happens, and what is at risk until then."""
        waits = np.where(self._decided, np.inf, self._away_since + self.storage.rebuild_wait_s)
        ends = now + seconds_to_next(float(self._owed.sum()), self._free, self._bytes_per_s)
        self.due = min(float(waits.min()), ends)
        if self._words()[0] != self.state:
            self.due = now
        self.at_risk_bytes = self._at_risk()
        self.at_risk_max_bytes = max(self.at_risk_max_bytes, self.at_risk_bytes)

    @property
    def _bytes_per_s(self) -> float:
        return self._live * self.storage.rebuild_bps / 8.0

    @property
    def _free(self) -> float:
        """Free space on the racks that are there; a thousandth of a byte is none."""
        if self.storage.spare_bytes is None:
            return inf
        free = self.storage.spare_bytes * self._live / len(self.racks) - float(self._done.sum())
        return free if free > 1e-9 * self.storage.spare_bytes else 0.0

    def _at_risk(self) -> float:
        """Bytes of objects that lack a part."""
        if not self._rack_bytes:
            return 0.0
        away = np.isfinite(self._away_since)
        absent = np.where(away, 1.0 - self._done / self._rack_bytes, self._owed / self._rack_bytes)
        share = at_risk_share(len(self.racks), float(absent.sum()), self._parts)
        return share * self.storage.bytes_stored

    def _words(self) -> tuple[str, str]:
        """In which state the set is, and the words for it."""
        name, wait = self.storage.name, span(self.storage.rebuild_wait_s)
        owed = float(self._owed.sum())
        if owed <= 0:
            return "whole", f"{name} has rebuilt all its parts"
        if self._free <= 0:
            return "stuck", f"{name} has no free space left: {owed / 1e12:.3g} TB cannot be rebuilt"
        return "rebuilding", f"{name} rebuilds {owed / 1e12:.3g} TB of parts that were away for {wait}"
