"""Copies of a settled state, to compare the next one with."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from twin.graph.compile import Compiled
from twin.graph.levels import Bools, Floats
from twin.sim.engine import Engine
from twin.sim.recorder import Recorder


@dataclass(frozen=True)
class Before:
    """What the narrator remembers of the settle before."""

    alive: Bools
    share: Floats
    load: Floats
    rack_ok: Bools
    running: Floats
    traffic: Floats
    flags: Bools

    @classmethod
    def of(cls, engine: Engine, recorder: Recorder) -> Before:
        """Copy the present state."""
        assert engine.flows is not None
        arrivals = engine.flows.arrivals
        total = arrivals.sum(axis=1, keepdims=True)
        traffic = np.divide(arrivals, total, out=np.zeros_like(arrivals), where=total > 0)
        return cls(
            engine.alive.copy(),
            engine.share.copy(),
            engine.load.copy(),
            engine.rack_ok.copy(),
            engine.running.copy(),
            traffic,
            recorder.flags.copy(),
        )

    @classmethod
    def blank(cls, engine: Engine, recorder: Recorder) -> Before:
        """The state before anything flowed."""
        now = cls.of(engine, recorder)
        return cls(
            now.alive,
            now.share,
            np.zeros_like(now.load),
            now.rack_ok,
            now.running,
            now.traffic,
            np.zeros_like(now.flags),
        )


def nodes_of(compiled: Compiled) -> list[tuple[str, str] | None]:
    """(kind, name) of each node of the power chain."""
    found: list[tuple[str, str] | None] = [None] * compiled.power.levels.nodes
    arrays = {
        "power_units": compiled.power.unit_node,
        "racks": compiled.power.rack_node,
        "cooling_plants": compiled.power.plant_node,
        "switches": compiled.power.switch_node,
    }
    for kind, nodes in arrays.items():
        for i, node in enumerate(nodes.tolist()):
            if node >= 0:
                found[node] = (kind, compiled.names[kind][i])
    return found
