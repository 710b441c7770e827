"""Engines in a wanted state, and hypothesis' seeds of random fleets."""

from __future__ import annotations

from collections.abc import Iterable

from hypothesis import strategies as st

from tests.sim.fleets import START
from tests.sim.naive_services import Instant, Memory, Traffic
from tests.sim.naive_things import Cells
from twin.graph.compile import compile_fleet
from twin.model.change import Change
from twin.model.fleet import Fleet
from twin.sim.engine import Engine

SEEDS = st.integers(0, 2**32 - 1)


def settled(fleet: Fleet, changes: Iterable[Change] = (), *, now_s: float = 0.0) -> Engine:
    """Return a fresh engine to which all changes were applied at once, settled once."""
    engine = Engine(compile_fleet(fleet, start=START))
    for change in changes:
        engine.state.apply(change)
    engine.settle(now_s)
    return engine


def naively(fleet: Fleet, changes: Iterable[Change] = (), *, now_s: float = 0.0) -> Traffic:
    """Return the same from the naive rules: nothing waits yet, and the load balancers know the truth."""
    cells = Cells()
    for change in changes:
        cells.apply(change)
    instant = Instant(fleet, cells, start=START, now_s=now_s)
    return Traffic(instant, Memory(believed=dict(instant.able)))
