"""Movers as a run begins: made once for all runs on a fleet, and copied for each."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from copy import deepcopy
from typing import Any

from twin.graph.compile import Compiled
from twin.model.base import Record
from twin.sim.mover import Mover
from twin.sim.movers import movers_of


class Pristine:
    """The movers of a fresh run. What never changes (the fleet, records, frozen descriptions of devices) is not copied."""

    def __init__(self, compiled: Compiled, without: Collection[str] = ()) -> None:
        self._movers = movers_of(compiled, without)
        frozen = [thing for mover in self._movers for thing in _parts(mover) if _never_changes(thing)]
        self._kept = {id(thing): thing for thing in (compiled, *frozen)}

    def copy(self) -> list[Mover]:
        """Return movers for one run. Cost: a copy of their arrays."""
        return deepcopy(self._movers, dict(self._kept))


def _parts(mover: Mover) -> Iterator[Any]:
    for value in vars(mover).values():
        yield from value if isinstance(value, (list, tuple)) else (value,)


def _never_changes(thing: Any) -> bool:
    params = getattr(type(thing), "__dataclass_params__", None)
    return isinstance(thing, Record) or (params is not None and params.frozen)
