"""A plan in time: when each step starts and ends, what it changes and when, in each way the plan may go.

The *variants* of a plan are plain words: `whole`, `stop-after:STEP` (nothing starts once STEP has ended) and
`rollback-from:STEP` (likewise, and then all that was done is undone, the last first, one after the other).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from itertools import groupby
from typing import Any, Literal

from twin.actions import find
from twin.actions.base import Action, Objection, Part
from twin.actions.fold import Cells, apply, fold, inverse, with_entities
from twin.actions.states import State, states_of
from twin.model.change import TimedChange
from twin.model.errors import PlanRejected, Problem, UsageError, did_you_mean
from twin.model.fleet import Fleet
from twin.model.plan import Duration, Plan, Step
from twin.model.streams import stream

Outcome = Literal["ok", "fail", "stall", "half", "not started"]
Span = tuple[float, float]  # start and end, in seconds from the start of the window
WHOLE = "whole"


@dataclass(frozen=True, slots=True)
class StepRun:
    """How a step (or its rollback) went; a step that was not started has the time when that was decided."""

    step: str
    start_s: float
    end_s: float
    outcome: Outcome
    rollback: bool = False


@dataclass(frozen=True)
class Timeline:
    """One way a plan goes: its changes in time order, its steps in starting order."""

    variant: str
    changes: tuple[TimedChange, ...]
    steps: tuple[StepRun, ...]
    window_s: float

    @property
    def end_s(self) -> float:
        """When the last step ends."""
        return max(run.end_s for run in self.steps)

    @cached_property
    def states(self) -> tuple[State, ...]:
        """The distinct states of this timeline, for losses that are tried in each."""
        return states_of(self.changes, max(self.end_s, self.window_s))


@dataclass(frozen=True)
class PlannedStep:
    """A step with its action looked up, its parameters read and its changes known."""

    step: Step
    action: Action[Any]
    params: Any
    duration: Duration
    parts: tuple[Part, ...]
    before: Cells
    locks: tuple[str, ...]


@dataclass(frozen=True)
class Schedule:
    """A plan resolved against a fleet; `fleet` is the union: with the server groups and feeds that the plan creates."""

    plan: Plan
    fleet: Fleet
    steps: tuple[PlannedStep, ...]

    @property
    def touched(self) -> tuple[str, ...]:
        """What the plan touches: "rack:ams1-b01", "service:web"."""
        return tuple(dict.fromkeys(lock for planned in self.steps for lock in planned.locks))

    @property
    def is_random(self) -> bool:
        """Whether two seeds can give two timelines."""
        return any(planned.duration.spread_s > 0 or _may_go_wrong(planned.step) > 0 for planned in self.steps)

    @cached_property
    def variants(self) -> tuple[str, ...]:
        """The ways in which this plan must be safe; stopping after the last step is the whole plan."""
        return self.variants_of([planned.step.id for planned in self.steps])

    def variants_of(self, names: Sequence[str], *, since_s: float = 0.0) -> tuple[str, ...]:
        """Return the whole plan, and those that stop after these steps or take back what was begun from `since_s` on.

        Steps that end together give the same world, stopped or rolled back: one of them is played. Where chance has a part they
        are alike in the mean only, so that all are.
        """
        whole = self.timeline().changes
        seen, kept = {whole}, [WHOLE]
        for ending in ("stop-after", "rollback-from"):
            for name in names if self.is_random else self._ends(names):
                changes = self.timeline(f"{ending}:{name}", since_s=since_s).changes
                if changes not in seen or (self.is_random and changes != whole):
                    kept.append(f"{ending}:{name}")
                seen.add(changes)
        return tuple(kept)

    def _ends(self, names: Sequence[str]) -> list[str]:
        """Return the first of the steps that end together; one that takes no time may stop what starts at its end, or not."""
        found: dict[tuple[float, str], str] = {}
        runs = {run.step: run for run in self.timeline().steps}
        for name in names:
            start_s, end_s = runs[name].start_s, runs[name].end_s
            found.setdefault((end_s, "" if start_s < end_s else name), name)
        return list(found.values())

    @cached_property
    def _certain(self) -> dict[tuple[str, float], Timeline]:
        """Timelines in which nothing is left to chance: the same in every world."""
        return {}

    def timeline(self, variant: str = WHOLE, *, seed: int | None = None, since_s: float = 0.0) -> Timeline:
        """Return how the plan goes in one world: with mean durations and no failure when no seed is given.

        The draws of a step depend on the seed and its id only, so that all variants share them. A rollback takes back what
        was begun from `since_s` on.
        """
        if seed is not None and self.is_random:
            return self._timeline(variant, seed, since_s)
        key = variant, since_s
        if key not in self._certain:
            self._certain[key] = self._timeline(variant, None, since_s)
        return self._certain[key]

    def _timeline(self, variant: str, seed: int | None, since_s: float) -> Timeline:
        ending, _, last = variant.partition(":")
        self._check_variant(variant, ending, last)
        ways = {planned.step.id: _draw(planned, seed) for planned in self.steps}
        spans = times(self.plan.steps, {name: length_s for name, (_, length_s) in ways.items()})
        runs, changes = [], []
        halted_s = self.plan.length_s  # no step starts once the window is closed
        for planned in sorted(self.steps, key=lambda planned: spans[planned.step.id][0]):
            name, (start_s, end_s) = planned.step.id, spans[planned.step.id]
            if start_s >= halted_s:
                runs.append(StepRun(name, halted_s, halted_s, "not started"))
                continue
            outcome = ways[name][0]
            runs.append(StepRun(name, start_s, end_s, outcome))
            changes += _timed(_applied(planned.parts, outcome), (start_s, end_s), f"plan:{name}")
            if outcome in ("fail", "half") or name == last:
                halted_s = min(halted_s, end_s)
        if ending == "rollback-from":
            self._roll_back(runs, changes, seed, since_s)
        changes.sort(key=lambda change: change.at_s)
        return Timeline(variant, tuple(changes), tuple(runs), self.plan.length_s)

    def _roll_back(
        self, runs: list[StepRun], changes: list[TimedChange], seed: int | None, since_s: float
    ) -> None:
        """Undo what was begun from `since_s` on, the last first, from when all running steps have ended; this does not fail."""
        by_name = {planned.step.id: planned for planned in self.steps}
        started = [run for run in runs if run.outcome != "not started" and run.start_s >= since_s]
        now_s = max((run.end_s for run in started), default=0.0)
        for run in sorted(started, key=lambda run: run.end_s, reverse=True):
            planned = by_name[run.step]
            parts = inverse(_applied(planned.parts, run.outcome), planned.before)
            if parts:
                span = (now_s, now_s + _length(planned, seed, "rollback"))
                runs.append(StepRun(run.step, *span, "ok", rollback=True))
                changes += _timed(parts, span, f"rollback:{run.step}")
                now_s = span[1]

    def _check_variant(self, variant: str, ending: str, last: str) -> None:
        names = [planned.step.id for planned in self.steps]
        if variant != WHOLE and (ending not in ("stop-after", "rollback-from") or last not in names):
            kinds = ("stop-after", "rollback-from")
            known = [WHOLE, *(f"{kind}:{name}" for kind in kinds for name in names)]
            mend = did_you_mean(variant, known) or f"known: {', '.join(known)}"
            raise UsageError(f"no such variant of the plan: {variant} ({mend})")


def resolve(plan: Plan, fleet: Fleet) -> Schedule:
    """Return the schedule of a plan that has passed the static checks.

    Each step sees the fleet as the steps before it leave it. Cost: a copy of the tables that a step changes.

    Raises
    ------
    PlanRejected
        When the plan cannot be played after all.
    """
    union, now, cells, planned = fleet, fleet, Cells(), []
    for step in step_order(plan):
        action, params = _read(step)
        wrong = list(action.check(now, params))
        if wrong:
            raise PlanRejected(Problem(f"step {step.id}", item.what, item.mend) for item in wrong)
        entities = action.entities(now, params)
        union, now = with_entities(union, entities), with_entities(now, entities)
        parts = tuple(sorted(action.changes(now, params), key=lambda part: part.fraction))
        duration = step.takes or action.duration(params)
        planned.append(PlannedStep(step, action, params, duration, parts, cells, action.locks(now, params)))
        cells = fold((part.change for part in parts), cells)
        now = apply(now, (part.change for part in parts))
    return Schedule(plan, union, tuple(planned))


def step_order(plan: Plan) -> list[Step]:
    """Return the steps in the order in which they are expected to start."""
    lengths = {step.id: expected_length(step) for step in plan.steps}
    spans = times(plan.steps, lengths)
    rank = {name: index for index, name in enumerate(_topological(plan.steps))}
    return sorted(plan.steps, key=lambda step: (spans[step.id][0], rank[step.id]))


def expected_length(step: Step) -> float:
    """Return the mean duration of a step in seconds (0 when its action cannot be read)."""
    if step.takes is not None:
        return step.takes.mean_s
    action = find(step.do)
    params = None if isinstance(action, Objection) else action.read(step.params)[0]
    return 0.0 if params is None or isinstance(action, Objection) else action.duration(params).mean_s


def times(steps: Sequence[Step], lengths_s: Mapping[str, float]) -> dict[str, Span]:
    """Return when each step starts and ends, given how long each takes. Raise PlanRejected for a circle."""
    by_name = {step.id: step for step in steps}
    spans: dict[str, Span] = {}
    for name in _topological(steps):
        step = by_name[name]
        start_s = step.at_s
        if start_s is None:
            start_s = max((spans[other][1] for other in step.after), default=0.0) + step.wait_s
        spans[name] = start_s, start_s + lengths_s[name]
    return spans


def _topological(steps: Sequence[Step]) -> list[str]:
    known = {step.id for step in steps}
    for step in steps:
        for name in set(step.after) - known:
            raise PlanRejected([Problem(f"step {step.id}", f"waits for {name!r}, which is no step")])
    try:
        return list(TopologicalSorter({step.id: step.after for step in steps}).static_order())
    except CycleError as error:
        circle = " -> ".join(error.args[1])
        raise PlanRejected([Problem("steps", f"wait for each other in a circle: {circle}")]) from None


def _read(step: Step) -> tuple[Action[Any], Any]:
    action = find(step.do)
    if isinstance(action, Objection):
        raise PlanRejected([Problem(f"step {step.id}", action.what, action.mend)])
    params, wrong = action.read(step.params)
    if params is None:
        raise PlanRejected(Problem(f"step {step.id}", item.what, item.mend) for item in wrong)
    return action, params


def _may_go_wrong(step: Step) -> float:
    return step.may_fail + step.may_half_apply + step.may_stall


def _draw(planned: PlannedStep, seed: int | None) -> tuple[Outcome, float]:
    """Return the outcome of a step and how long it takes [s]."""
    length_s = _length(planned, seed, "duration")
    step = planned.step
    if seed is None or _may_go_wrong(step) == 0:
        return "ok", length_s
    place = stream(seed, f"step:{step.id}", "outcome").random()
    if place < step.may_fail:
        return "fail", length_s
    if place < step.may_fail + step.may_half_apply:
        return "half", length_s
    return ("stall", length_s * step.stall_factor) if place < _may_go_wrong(step) else ("ok", length_s)


def _length(planned: PlannedStep, seed: int | None, purpose: str) -> float:
    mean_s, spread_s = planned.duration.mean_s, planned.duration.spread_s
    if seed is None or spread_s == 0:
        return mean_s
    return float(
        stream(seed, f"step:{planned.step.id}", purpose).uniform(mean_s - spread_s, mean_s + spread_s)
    )


def _applied(parts: Sequence[Part], outcome: Outcome) -> list[Part]:
    """Return what happens of a step: nothing, all, or the first half of its instants (rounded up)."""
    if outcome == "fail":
        return []
    if outcome != "half":
        return list(parts)
    instants = [list(group) for _, group in groupby(parts, key=lambda part: part.fraction)]
    return [part for instant in instants[: math.ceil(len(instants) / 2)] for part in instant]


def _timed(parts: Sequence[Part], span: Span, origin: str) -> list[TimedChange]:
    start_s, end_s = span
    undo = "roll back: " if origin.startswith("rollback:") else ""
    length_s = end_s - start_s
    return [
        # A part at the very end happens exactly then: the next step starts at the same instant.
        TimedChange(
            end_s if part.fraction == 1.0 else start_s + part.fraction * length_s,
            part.change,
            origin,
            undo + part.text,
        )
        for part in parts
    ]
