"""What moves on its own between settles: breaker heat, battery charge, temperature, a generator that starts.

A mover applies one law to one run. It reads the settled state, advances its own state in closed form, knows when it will
act next, and acts by returning changes in the vocabulary that plans and worlds use.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, Protocol, Self

from twin.graph.compile import Compiled
from twin.model.change import Change, TimedChange

if TYPE_CHECKING:
    from twin.sim.block import Block
    from twin.sim.engine import Engine


class Mover(Protocol):
    """State of one law in one run. A new one is a file in `twin/sim/movers`, a line in its registry and a test."""

    law: ClassVar[str]

    @classmethod
    def of(cls, compiled: Compiled) -> Self | None:
        """Return the mover of a fresh run, or None when the fleet declares nothing that this law moves."""
        ...

    def begin(self, now: float) -> Sequence[Change]:
        """Return the changes that put the fleet into the state in which a run begins (a generator at rest is down)."""
        ...

    def advance(self, seconds: float) -> None:
        """Move the state over seconds of constant conditions."""
        ...

    def read(self, now: float, engine: Engine) -> None:
        """Take the conditions that hold from now on; called after every settle."""
        ...

    def due(self) -> float:
        """Return the time of its next event [s] (infinite: none)."""
        ...

    def act(self, now: float, engine: Engine) -> Sequence[TimedChange]:
        """Return what it does now; called when `due()` has come, and moves that on."""
        ...

    def quiet(self, block: Block) -> int:
        """Return how many leading instants of a block pass without its acting or remembering; asked only while steady."""
        ...

    def steady(self, engine: Engine) -> bool:
        """Whether it needs no look before `due()`, however often loads and weather change within what `quiet` allows.

        What lives and what is held down has just been settled, and stands still: it must be to it as at its last look.
        """
        ...
