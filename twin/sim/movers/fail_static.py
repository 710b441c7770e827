"""Fail-static: a border switch that has lost its control plane forwards as it did for a while; then its routes are withdrawn.

What comes back within that time moves no traffic. Afterwards its backbone links carry nothing, at both of their ends, until
an instance of the control plane runs again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Self

import numpy as np

from twin.graph.compile import Compiled
from twin.graph.levels import Bools
from twin.model.change import Change, TimedChange
from twin.records.text import span
from twin.sim.block import Block
from twin.sim.engine import Engine


class FailStatic:
    """Since when each switch has been without control plane [s], and which have been withdrawn `[(W,)]`, of one run."""

    law: ClassVar[str] = "fail-static"

    def __init__(self, compiled: Compiled, lasts_s: float) -> None:
        self._compiled, self._lasts_s = compiled, lasts_s
        self._since = np.full(len(compiled.network.switch_site), np.inf)
        self._withdrawn = np.zeros(len(self._since), dtype=bool)
        self._due = np.inf

    @classmethod
    def of(cls, compiled: Compiled) -> Self | None:
        """Return the switches of a fresh run, all under control; None when the fleet does not say how long they stand it."""
        network = compiled.network
        if not network.fail_static_s or not len(network.backbone):
            return None
        return cls(compiled, network.fail_static_s)

    def begin(self, now: float) -> Sequence[Change]:
        """Nothing is withdrawn."""
        return ()

    def advance(self, seconds: float) -> None:
        """Nothing moves but the clock."""

    def read(self, now: float, engine: Engine) -> None:
        """Note since when which switch has been without control plane."""
        lost = self._lost(engine)
        self._since = np.where(lost, np.minimum(self._since, now), np.inf)
        ends = self._since[lost & ~self._withdrawn].min(initial=np.inf) + self._lasts_s
        self._due = now if (self._withdrawn & ~lost).any() else float(ends)

    def due(self) -> float:
        """When the next routes are withdrawn or announced again."""
        return self._due

    def act(self, now: float, engine: Engine) -> Sequence[TimedChange]:
        """Withdraw the routes of those that have been without for too long, announce those of who has control again."""
        should = self._since + self._lasts_s <= now
        found = [
            change
            for switch in np.flatnonzero(should != self._withdrawn).tolist()
            for change in self._tell(now, switch, down=bool(should[switch]))
        ]
        self._withdrawn, self._due = should, np.inf
        return found

    def quiet(self, block: Block) -> int:
        """All of a block: the control plane stays as it is in it."""
        return len(block)

    def steady(self, engine: Engine) -> bool:
        """While the same switches are without control plane."""
        return np.array_equal(self._lost(engine), np.isfinite(self._since))

    def _lost(self, engine: Engine) -> Bools:
        return engine.state.controllers_lost >= self._compiled.network.switch_controllers

    def _tell(self, now: float, switch: int, *, down: bool) -> Sequence[TimedChange]:
        network, names = self._compiled.network, self._compiled.names
        ends = (network.backbone_a == switch) | (network.backbone_b == switch)
        name, site = names["switches"][switch], names["sites"][network.switch_site[switch]]
        text = (
            f"the routes of {name} are withdrawn: it has had no control plane for {span(self._lasts_s)}"
            if down
            else f"the routes of {name} are announced again: it has a control plane"
        )
        changes = (
            Change("state", names["links"][i], -1.0 if down else 1.0) for i in network.backbone[ends].tolist()
        )
        return [
            TimedChange(now, change, f"physics:{self.law}", text, because=(site, name)) for change in changes
        ]
