"""Which jobs must not run together, and when one must not run at all: what is down or above its rating without some things.

Some jobs *conflict* when, together and with at most one further loss, they take something down (a rack, a plant), or load a unit
above its rating, that fewer of them do not with that loss: the spare that each leaves is the spare that the others need.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from solvers.maintenance_loads import Overloads
from twin.graph.levels import Bools, Ints
from twin.graph.sweep import Sweep, sweep_of
from twin.model.fleet import Fleet


class Down:
    """Which racks are down without some things `[racks]`, remembered."""

    def __init__(self, fleet: Fleet) -> None:
        self._sweep: Sweep = sweep_of(fleet)
        self._node = np.array([self._sweep.index[rack.name] for rack in fleet.racks], dtype=np.int64)
        self._plant = np.array(
            [self._sweep.index[plant.name] for plant in fleet.cooling_plants], dtype=np.int64
        )
        self._known: dict[frozenset[str], Bools] = {}

    def things(self, lost: Sequence[str]) -> Bools:
        """Return which racks, then which plants, are down."""
        key = frozenset(lost)
        if key not in self._known:
            alive = self._sweep.without(tuple(sorted(key)))
            self._known[key] = ~alive[np.concatenate([self._node, self._plant])]
        return self._known[key]

    def racks(self, lost: Sequence[str]) -> Bools:
        """Return which racks are down."""
        return self.things(lost)[: len(self._node)]


def unsafe_slots(units: Sequence[str], at: Sequence[str], overloads: Overloads, hour_of: Ints) -> Bools:
    """Return in which slots a job alone leaves a unit above its rating, now or after a further loss `[J, T]`."""
    hours = np.unique(hour_of)
    found = np.zeros((len(units), len(hour_of)), dtype=bool)
    for j, (unit, site) in enumerate(zip(units, at, strict=True)):
        for hour in hours.tolist():
            found[j, hour_of == hour] = bool(overloads.of(site, (unit,), hour) - overloads.of(site, (), hour))
    return found


def conflicts_of(
    fleet: Fleet,
    units: Sequence[str],
    at: Sequence[str],
    names: Sequence[str],
    looks: tuple[Down, Overloads],
) -> list[tuple[tuple[int, ...], str]]:
    """Return the pairs that conflict, then the triples without such a pair that do."""
    found: list[tuple[tuple[int, ...], str]] = []
    for size in (2, 3):
        for group in combinations(range(len(units)), size):
            if len({at[j] for j in group}) > 1 or any(set(known) <= set(group) for known, _ in found):
                continue
            why = _together(fleet, [units[j] for j in group], at[group[0]], names, looks)
            if why:
                found.append((group, why))
    return found


def _together(
    fleet: Fleet, units: Sequence[str], site: str, names: Sequence[str], looks: tuple[Down, Overloads]
) -> str:
    """Return what some units out of service at once break that fewer of them do not, in words; empty for nothing."""
    down, overloads = looks
    fewer = [tuple(unit for unit in units if unit != left) for left in units]
    labels = [*(rack.name for rack in fleet.racks), *(plant.name for plant in fleet.cooling_plants)]
    for further in ("", *names):
        if further in units:
            continue
        more = (further,) if further else ()
        gone = down.things((*units, *more))
        for some in fewer:
            gone = gone & ~down.things((*some, *more))
        if gone.any():
            first = labels[int(np.flatnonzero(gone)[0])]
            count = f" and {int(gone.sum()) - 1} more" if gone.sum() > 1 else ""
            return f"{first}{count} down" + (f" with the loss of {further}" if further else "")
    for hour in overloads.typical:
        over = overloads.of(site, units, hour)
        for some in fewer:
            over = over - overloads.of(site, some, hour)
        if over:
            unit, further = min(over)
            return f"{unit} above its rating" + (f" with the loss of {further}" if further else "")
    return ""
