"""The stretches of a plan's window in which it is played: all of a short one, of a long one what surrounds its steps.

A plan of capacity lasts years, its steps some days of each month. Of a window longer than `LONG_S` a *stretch* is every
wave of steps with a day before and a day after, a day in each month in which nothing is done, and the last day: demand that
grows is highest just before the next step and at the end. Steps before a stretch are in force at its start; a plan that is
rolled back takes back the steps of that stretch. What lies between is not played, and the verdict says so.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import pairwise

from scenarios.world import World
from twin.actions.schedule import WHOLE, Schedule, Span
from twin.actions.states import states_of
from twin.model.scenario import Scenario

DAY_S = 86400.0
LONG_S = 31.0 * DAY_S


@dataclass(frozen=True)
class Stretch:
    """From when to when [s from the start of the window], what is done there, and how the plan may go in it.

    `states` are the distinct states of the plan there (label, offset from the start of the stretch), `variants` the whole
    plan and those that stop or are rolled back in it. A `label` has only a stretch that is not the whole window.
    """

    label: str
    from_s: float
    until_s: float
    steps: tuple[str, ...]
    states: tuple[tuple[str, float], ...]
    variants: tuple[str, ...]

    @property
    def length_s(self) -> float:
        """How long it lasts."""
        return self.until_s - self.from_s


@dataclass(frozen=True)
class Trial:
    """A scenario in a stretch: the unit that is judged."""

    scenario: Scenario
    stretch: Stretch

    @property
    def name(self) -> str:
        """Return "calm", or of a part of the window "calm@2027-05-20"."""
        return f"{self.scenario.name}@{self.stretch.label}" if self.stretch.label else self.scenario.name


def stretches_of(
    schedule: Schedule, *, partial: bool = True, whole_window: bool = False
) -> tuple[Stretch, ...]:
    """Return the stretches of a plan in time order; `partial`: it must be safe when it is stopped or rolled back, too."""
    length_s = schedule.plan.length_s
    if whole_window or length_s <= LONG_S:
        return (_stretch(schedule, (0.0, length_s), partial=partial),)
    waves = _joined(
        (max(0.0, run.start_s - DAY_S), min(length_s, run.end_s + DAY_S))
        for run in schedule.timeline().steps
        if run.outcome != "not started"
    )
    spans = _joined([*waves, *_quiet_days(waves, length_s), (length_s - DAY_S, length_s)])
    found = [_stretch(schedule, span, partial=partial) for span in spans]
    start = schedule.plan.window.not_before
    return tuple(replace(one, label=f"{start + timedelta(seconds=one.from_s):%Y-%m-%d}") for one in found)


def later(world: World, by_s: float) -> World:
    """Return the same world that much later."""
    if by_s == 0.0:
        return world
    changes = tuple(replace(change, at_s=change.at_s + by_s) for change in world.changes)
    return replace(world, changes=changes, start_s=world.start_s + by_s, until_s=world.until_s + by_s)


def _stretch(schedule: Schedule, span: Span, *, partial: bool) -> Stretch:
    from_s, until_s = span
    expected = schedule.timeline()
    whole = from_s == 0.0 and until_s == schedule.plan.length_s
    here = [run.step for run in expected.steps if whole or from_s <= run.start_s < until_s]
    changes = [replace(c, at_s=c.at_s - from_s) for c in expected.changes if from_s <= c.at_s < until_s]
    states = expected.states if whole else states_of(changes, until_s - from_s)
    return Stretch(
        label="",
        from_s=from_s,
        until_s=until_s,
        steps=tuple(here),
        states=tuple((state.label, state.at_s) for state in states),
        variants=schedule.variants_of(here, since_s=from_s) if partial else (WHOLE,),
    )


def _joined(spans: Iterable[Span]) -> list[Span]:
    """Return the spans in time order, those that touch as one."""
    found: list[Span] = []
    for from_s, until_s in sorted(spans):
        if found and from_s <= found[-1][1]:
            found[-1] = found[-1][0], max(found[-1][1], until_s)
        else:
            found.append((from_s, until_s))
    return found


def _quiet_days(waves: list[Span], length_s: float) -> Iterator[Span]:
    """Yield days at even distances, so that nowhere more than a month goes by between two stretches."""
    for (_, last_s), (next_s, _) in pairwise([*waves, (length_s - DAY_S, length_s)]):
        days = max(0, math.ceil((next_s - last_s) / LONG_S) - 1)
        for number in range(1, days + 1):
            from_s = last_s + number * (next_s - last_s) / (days + 1)
            yield from_s, min(from_s + DAY_S, length_s)
