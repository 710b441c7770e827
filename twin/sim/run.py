"""Play one world: the only entry to the simulator."""

from __future__ import annotations

from collections.abc import Sequence

from twin.graph.compile import Compiled
from twin.model.change import TimedChange
from twin.records.run import Run
from twin.sim.coordinator import Coordinator, Observer


def simulate(compiled: Compiled, plan: Sequence[TimedChange] = (), world: Sequence[TimedChange] = (), *,
             start_s: float = 0.0, until_s: float, observe: Observer | None = None) -> Run:
    """Play `plan` (timed changes; empty = do nothing) in `world` over [start_s, until_s).

    Changes before `start_s` are in force at the start. Raises NotSettled when an instant finds no rest, KeyError when
    a change names an unknown thing.
    """
    ordered = sorted(plan, key=lambda change: change.at_s)
    coordinator = Coordinator(compiled, start_s=start_s, until_s=until_s, observe=observe)
    return coordinator.run(ordered, sorted(world, key=lambda change: change.at_s))
