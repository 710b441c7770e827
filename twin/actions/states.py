"""The distinct states that a plan leads the fleet through: where single losses are tried."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from twin.actions.fold import Cells, fold
from twin.model.change import TimedChange

# What is lost before a plan that starts at once is lost that long before the window: switches have changed over, load
# balancers have moved their users (assumed: all within a minute), and the plan still starts while it is away.
BEFORE_S = 60.0


@dataclass(frozen=True, slots=True)
class State:
    """What is in force between two instants: its words ("mid drain"), and an instant well inside it."""

    label: str
    at_s: float
    from_s: float
    until_s: float


def states_of(changes: Sequence[TimedChange], end_s: float) -> tuple[State, ...]:
    """Return the distinct states in time order, "before" first, one "mid STEP" at most for each step.

    `changes` are in time order; the last state lasts until `end_s` at least. A state in which the same things
    are in force as in an earlier one is left out.
    """
    first_s = changes[0].at_s if changes else end_s
    before_s = min(0.0, first_s - BEFORE_S)
    found = [State("before", before_s, before_s, first_s)]
    seen = [_Interval("before", before_s, first_s, frozenset())]
    for _, group in groupby(_intervals(changes, end_s), key=lambda interval: interval.label):
        same_label = list(group)
        chosen = same_label[len(same_label) // 2]
        if all(chosen.in_force != other.in_force for other in seen):
            seen.append(chosen)
            middle_s = (chosen.from_s + chosen.until_s) / 2
            found.append(State(chosen.label, middle_s, chosen.from_s, chosen.until_s))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class _Interval:
    label: str
    from_s: float
    until_s: float
    in_force: frozenset[tuple[object, ...]]


def _intervals(changes: Sequence[TimedChange], end_s: float) -> Iterator[_Interval]:
    """Yield what is in force between any two instants at which something changes."""
    totals, done = Counter(change.origin for change in changes), Counter[str]()
    cells: Cells = {}
    instants = [(at_s, list(group)) for at_s, group in groupby(changes, key=lambda change: change.at_s)]
    for index, (at_s, group) in enumerate(instants):
        cells = fold((change.change for change in group), cells)
        done.update(change.origin for change in group)
        until_s = instants[index + 1][0] if index + 1 < len(instants) else max(end_s, at_s)
        under_way = [_words(origin) for origin in totals if 0 < done[origin] < totals[origin]]
        label = "mid " + " + ".join(under_way) if under_way else f"after {_words(group[-1].origin)}"
        in_force = frozenset((*key, round(value, 9)) for key, value in cells.items() if round(value, 9))
        yield _Interval(label, at_s, until_s, in_force)


def _words(origin: str) -> str:
    kind, _, step = origin.partition(":")
    return f"rollback of {step}" if kind == "rollback" else step
