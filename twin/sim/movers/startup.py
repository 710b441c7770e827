"""Start-up: a service whose servers have all been without power runs again only when what it needs to start answers.

While it runs it does not need them, so that two services may need each other to start and nobody notices before both are
down at once. Then neither starts, and the run says so; a person may start one by hand (a change of kind `boot`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Self

import numpy as np

from twin.graph.compile import Compiled
from twin.graph.levels import Bools
from twin.model.change import Change, TimedChange
from twin.model.services import Service
from twin.sim.block import Block
from twin.sim.engine import Engine

Cell = tuple[int, int]


class Startup:
    """The (service, site) cells `[n]` of one run that have to be started: which are stopped, and since when they could start."""

    law: ClassVar[str] = "startup"

    def __init__(self, compiled: Compiled, rows: Sequence[tuple[int, Service]]) -> None:
        self._compiled = compiled
        at, deployed = compiled.index["services"], compiled.services.replicas > 0
        cells = [(k, s, row) for k, row in rows for s in np.flatnonzero(deployed[k]).tolist()]
        self._cells: list[Cell] = [(k, s) for k, s, _ in cells]
        self._number = {cell: i for i, cell in enumerate(self._cells)}
        self._start_s = np.array([row.start_s for *_, row in cells])
        self._needs = [[at[name] for name in row.starts_after] for *_, row in cells]
        self._k, self._s = np.array(self._cells, dtype=np.int64).reshape(-1, 2).T
        self._rack_powered: Bools | None = None
        self._powered = np.ones(len(cells), dtype=bool)
        self._stopped, self._told = (np.zeros(len(cells), dtype=bool) for _ in range(2))
        self._ready, self._new = self._stopped.copy(), self._stopped.copy()
        self._since, self._due = np.full(len(cells), np.inf), np.inf

    @classmethod
    def of(cls, compiled: Compiled) -> Self | None:
        """Return the services of a fresh run, all started; None when none says what it takes to start."""
        rows = compiled.stress.started
        return cls(compiled, rows) if rows else None

    def begin(self, now: float) -> Sequence[Change]:
        """All have been started."""
        return ()

    def advance(self, seconds: float) -> None:
        """Nothing moves but the clock."""

    def read(self, now: float, engine: Engine) -> None:
        """See which have lost their last server, and which could start. Cost: nothing while no rack loses or gains power."""
        if engine.rack_powered is not self._rack_powered:
            self._rack_powered = engine.rack_powered
            self._powered = self._have_power(engine)
        self._new = ~self._powered & ~self._stopped
        if not (self._stopped.any() or self._new.any()):
            self._due = np.inf
            return
        self._stopped &= engine.state.boot[self._k, self._s] < 0  # somebody may have started one by hand
        waits = self._stopped & self._powered
        answers = [waits[i] and not self._missing(i, engine) for i in range(len(self._cells))]
        self._ready = np.array(answers, dtype=bool)
        self._since = np.where(self._ready, np.minimum(self._since, now), np.inf)
        tell = self._new | (waits & ~self._ready & ~self._told)
        self._due = now if tell.any() else float((self._since + self._start_s).min())

    def due(self) -> float:
        """When the next one starts, stops, or begins to wait."""
        return self._due

    def act(self, now: float, engine: Engine) -> Sequence[TimedChange]:
        """Stop who has no power, start who can, and say who waits for whom."""
        starts = self._ready & (self._since + self._start_s <= now)
        waits = self._stopped & self._powered & ~self._ready & ~self._told
        found = [
            *(
                self._change(now, i, -1.0, "is down and has to be started")
                for i in np.flatnonzero(self._new).tolist()
            ),
            *(self._change(now, i, 1.0, "starts") for i in np.flatnonzero(starts).tolist()),
            *(self._change(now, i, 0.0, self._waiting(i, engine)) for i in np.flatnonzero(waits).tolist()),
        ]
        self._stopped = (self._stopped | self._new) & ~starts
        self._told = (self._told | waits) & ~self._new
        self._due = np.inf
        return found

    def quiet(self, block: Block) -> int:
        """All of a block: no rack loses power in it."""
        return len(block)

    def steady(self, engine: Engine) -> bool:
        """While all run and have power; who is stopped goes by who answers."""
        same = engine.rack_powered is self._rack_powered
        return self.at_rest and (same or bool(self._have_power(engine).all()))

    @property
    def at_rest(self) -> bool:
        """Whether all run."""
        return not self._stopped.any()

    def _have_power(self, engine: Engine) -> Bools:
        """Whether any server of the reservation at the site of each cell has power. Cost: one pass over groups."""
        servers, services = self._compiled.servers, self._compiled.services
        on = (engine.state.count > 0) & engine.rack_powered[servers.group_rack]
        pairs = np.bincount(servers.group_rs[on], minlength=len(servers.rs_site) + 1) > 0
        return pairs[services.rs[self._k, self._s]]

    def _missing(self, i: int, engine: Engine) -> list[int]:
        """What a service needs and does not answer: at its own site where that is deployed there, else anywhere."""
        able, here = engine.services.able, self._cells[i][1]
        deployed = engine.state.replicas[:, here] > 0
        return [k for k in self._needs[i] if not (able[k, here] if deployed[k] else able[k].any())]

    def _waiting(self, i: int, engine: Engine) -> str:
        names = self._compiled.names["services"]
        circle = [j for j in self._behind(i, engine) if i in self._behind(j, engine)]
        if i in circle:
            members = ", ".join(sorted(names[self._cells[j][0]] for j in circle))
            return f"can never start: {members} wait for each other"
        return f"waits for {', '.join(names[k] for k in self._missing(i, engine))}"

    def _behind(self, i: int, engine: Engine) -> set[int]:
        """All cells with power that one waits for, directly or through others."""
        found: set[int] = set()
        ahead = [i]
        while ahead:
            j = ahead.pop()
            here = self._cells[j][1]
            for k in self._missing(j, engine):
                own = self._number.get((k, here))
                cells = [own] if own is not None else [n for (m, _), n in self._number.items() if m == k]
                new = {n for n in cells if self._stopped[n] and self._powered[n]} - found
                found |= new
                ahead += new
        return found

    def _change(self, now: float, i: int, value: float, words: str) -> TimedChange:
        names, (k, s) = self._compiled.names, self._cells[i]
        service, site = names["services"][k], names["sites"][s]
        because = tuple(names["services"][need] for need in self._needs[i])
        text = f"{service} at {site} {words}"
        return TimedChange(now, Change("boot", service, value, site), f"physics:{self.law}", text, because)
