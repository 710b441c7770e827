"""Faults that wait until a device is asked, and the person who mends what they broke."""

from __future__ import annotations

from twin.sim.engine import Engine


class Faults:
    """Which faults of the state still count: a device that a person has mended fails again only by a new fault.

    None of them does where the law that they belong to is switched off.
    """

    def __init__(self, *, strike: bool = True) -> None:
        self._strike = strike
        self._mended: dict[tuple[str, str], float] = {}

    def strikes(self, engine: Engine, thing: str, what: str) -> bool:
        """Return whether `thing` fails now that it is asked to do `what`."""
        count = engine.state.faults.get((thing, what), 0.0)
        mended = self._mended.get((thing, what), 0.0)
        if count < mended:
            self._mended[thing, what] = mended = count
        return self._strike and count > mended

    def mend(self, engine: Engine, thing: str, what: str) -> None:
        """A person has mended `thing`: the faults it has by now count no longer."""
        self._mended[thing, what] = engine.state.faults.get((thing, what), 0.0)
