"""What is wrong with a plan before anything is simulated: exact, fast, everything at once, with the line.

Rules: `version` (unknown or retired action), `params`, `reference`, `order` (ids and `after`),
`conservation`, `budget`, `sequence` (undrain without drain), `scope`, `overlap`, `window`, `claim`. Whether a
plan is *safe* is not asked here: what needs the simulator to be seen is not rejected.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from twin.actions import find
from twin.actions.base import Action, Objection, Part
from twin.actions.fold import Cells, apply, fold, with_entities
from twin.actions.footprint import read_scope
from twin.actions.lookup import listing
from twin.actions.schedule import expected_length, step_order, times
from twin.gates.rules import where_problems
from twin.model.errors import PlanRejected, did_you_mean
from twin.model.fleet import Fleet
from twin.model.limits import parse_limit
from twin.model.plan import Claim, Duration, Plan, Step
from twin.records.metrics import BY_NAME
from twin.records.verdict import StaticFinding, clock

Place = tuple[str | int, ...]
Located = tuple[Place, Objection]
Lines = Mapping[Place, int]


def static_checks(
    plan: Plan, fleet: Fleet, *, lines: Lines | None = None, path: str = "plan"
) -> list[StaticFinding]:
    """Return every finding, in the order of the plan's file.

    `lines` has the lines of the places in the plan's file ("steps", 2, "params", "racks"), `path` its name.
    """
    steps = [_read(index, step) for index, step in enumerate(plan.steps)]
    in_order = [*_check_order(plan)]
    found: list[Located] = [*in_order]
    for item in steps:
        found += item.wrong
    found += _check_fold(_ordered(steps, plan, known=not in_order), fleet)
    found += _check_scope(plan, steps, fleet)
    if not in_order:
        found += [*_check_window(plan), *_check_overlaps(steps, plan)]
    found += _check_claims(plan, fleet)
    findings = [_finding(place, objection, plan, lines, path) for place, objection in found]
    return sorted(dict.fromkeys(findings), key=lambda finding: finding.line)


@dataclass
class _Item:
    """A step as far as it can be read; what it locks is filled in while folding."""

    index: int
    step: Step
    action: Action[Any] | None
    params: Any
    wrong: list[Located]
    locks: tuple[str, ...] = ()

    def at(self, objection: Objection) -> Located:
        inside = self.action is not None and objection.param in self.step.params
        place: Place = ("steps", self.index)
        if objection.param == "do":
            place += ("do",)
        elif inside:
            place += ("params", objection.param)
        elif self.action is not None and objection.rule == "params" and self.step.params:
            place += ("params",)
        return place, objection


def _read(index: int, step: Step) -> _Item:
    action = find(step.do)
    if isinstance(action, Objection):
        item = _Item(index, step, None, None, [])
        item.wrong.append(item.at(action))
        return item
    params, wrong = action.read(step.params)
    item = _Item(index, step, action, params, [])
    if step.takes is not None and step.params.get(action.lasting or " ") is not None:
        what = f"says how long it takes twice, in 'takes' and in '{action.lasting}'"
        wrong = [*wrong, Objection("params", what, "keep one of the two", action.lasting)]
    item.wrong = [item.at(objection) for objection in wrong]
    return item


def _check_order(plan: Plan) -> Iterator[Located]:
    """Step ids are unique, `after` names steps, and nobody waits for itself."""
    ids = [step.id for step in plan.steps]
    broken = False
    for index, step in enumerate(plan.steps):
        if step.id in ids[:index]:
            broken = True
            yield (
                ("steps", index, "id"),
                Objection("order", f"a second step {step.id!r}", "give each its own id"),
            )
        for name in step.after:
            if name not in ids:
                broken = True
                mend = did_you_mean(name, ids) or f"known steps: {', '.join(ids)}"
                yield ("steps", index, "after"), Objection("order", f"there is no step {name!r}", mend)
    if not broken:
        try:
            step_order(plan)
        except PlanRejected as error:
            problem = error.problems[0]
            circle = Objection("order", f"steps {problem.what}", "remove one of these 'after'")
            yield ("steps",), circle


def _ordered(steps: Sequence[_Item], plan: Plan, *, known: bool) -> list[_Item]:
    if not known:
        return list(steps)
    by_id = {item.step.id: item for item in steps}
    return [by_id[step.id] for step in step_order(plan)]


def _check_fold(steps: Iterable[_Item], fleet: Fleet) -> Iterator[Located]:
    """Each step is possible on the fleet as the steps before it leave it.

    Once a step is wrong, what depends on its effect is not held against the later ones.
    """
    cells: Cells = {}
    complete = True
    for item in steps:
        action, params = item.action, item.params
        if action is None or params is None:
            complete = False
            continue
        wrong = list(action.check(fleet, params))
        yield from (item.at(each) for each in wrong if complete or each.rule in ("reference", "params"))
        if any(each.rule in ("reference", "params") for each in wrong):
            complete = False
            continue
        fleet = with_entities(fleet, action.entities(fleet, params))
        item.locks = action.locks(fleet, params)
        parts = sorted(action.changes(fleet, params), key=lambda part: part.fraction) if not wrong else []
        yield from (item.at(each) for each in _check_sequence(parts, cells) if complete)
        complete = complete and not wrong
        cells = fold((part.change for part in parts), cells)
        fleet = apply(fleet, (part.change for part in parts))


def _check_sequence(parts: Sequence[Part], before: Cells) -> Iterator[Objection]:
    """Drained racks are not drained again, others not undrained; what is not capped has no cap to lift."""
    drains = [part.change for part in parts if part.change.kind == "drain"]
    again = [
        change.target for change in drains if change.value + before.get(("drain", change.target, ""), 0) < -1
    ]
    never = [
        change.target for change in drains if change.value + before.get(("drain", change.target, ""), 0) > 0
    ]
    caps = [part.change for part in parts if part.change.kind == "cap" and part.change.value == float("inf")]
    free = [change.target for change in caps if ("cap", change.target, "") not in before]
    if again:
        yield Objection("sequence", f"{listing(again)}: already drained by an earlier step", "", "racks")
    if never:
        yield Objection(
            "sequence", f"{listing(never)}: undrained but not drained before", "drain it first", "racks"
        )
    if free:
        yield Objection("sequence", f"{listing(free)}: no cap to lift", "cap it in an earlier step", "lift")


def _check_scope(plan: Plan, steps: Sequence[_Item], fleet: Fleet) -> Iterator[Located]:
    """What the steps touch lies inside the scope, and is not more racks than it says."""
    allowed, wrong = read_scope(plan.scope.touch, fleet)
    yield from ((("scope", "touch", index), objection) for index, objection in wrong)
    for item in steps:
        outside = [lock for lock in item.locks if not allowed.covers(lock, fleet)]
        if outside:
            what = f"touches {listing(outside)}, which is outside the plan's scope"
            yield item.at(Objection("scope", what, f"add it to scope.touch: {listing(outside)}"))
    racks = {lock for item in steps for lock in item.locks if lock.startswith("rack:")}
    if plan.scope.max_racks is not None and len(racks) > plan.scope.max_racks:
        what = f"the steps touch {len(racks)} racks, the scope allows {plan.scope.max_racks}"
        yield ("scope", "max_racks"), Objection("scope", what, "touch fewer racks, or allow more")


def _check_window(plan: Plan) -> Iterator[Located]:
    """The plan is expected to end inside its window."""
    spans = times(plan.steps, {step.id: expected_length(step) for step in plan.steps})
    last, (_, end_s) = max(spans.items(), key=lambda item: item[1][1])
    if end_s > plan.length_s:
        length = clock(plan.length_s)[1:]
        what = f"the window is {length} long and step {last} is expected to end at {clock(end_s)}"
        yield ("window",), Objection("window", what, "a longer window or a shorter plan")


def _check_overlaps(steps: Sequence[_Item], plan: Plan) -> Iterator[Located]:
    """Steps that touch the same thing cannot run at the same time, however long each takes."""
    earliest = times(plan.steps, {item.step.id: _extreme(item, -1) for item in steps})
    latest = times(plan.steps, {item.step.id: _extreme(item, +1) for item in steps})
    before = _predecessors(plan)
    for one, two in combinations(steps, 2):
        first, second = sorted((one, two), key=lambda item: earliest[item.step.id][0])
        a, b = first.step.id, second.step.id
        common = [lock for lock in first.locks if lock in second.locks]
        if not common or a in before[b] or b in before[a] or earliest[b][0] >= latest[a][1]:
            continue
        what = (
            f"may run together with step {a} on {listing(common)}: it starts at {clock(earliest[b][0])}, "
            f"step {a} ends at {clock(latest[a][1])} at the latest"
        )
        yield second.at(Objection("overlap", what, f"after: [{a}]"))


def _extreme(item: _Item, sign: int) -> float:
    """Return the shortest (-1) or longest (+1) time that a step may take [s]."""
    duration = item.step.takes
    if duration is None and item.action is not None and item.params is not None:
        duration = item.action.duration(item.params)
    duration = duration or Duration(mean_s=0.0)
    stalls = sign > 0 and item.step.may_stall > 0
    return (duration.mean_s + sign * duration.spread_s) * (item.step.stall_factor if stalls else 1.0)


def _predecessors(plan: Plan) -> dict[str, set[str]]:
    """Return for each step all steps that must end before it starts."""
    before: dict[str, set[str]] = {}
    for step in step_order(plan):
        before[step.id] = {*step.after, *(name for other in step.after for name in before[other])}
    return before


def _check_claims(plan: Plan, fleet: Fleet) -> Iterator[Located]:
    """The metrics, filters and limits of `success`, `rollback_when` and `claims` exist and fit together."""
    for section in ("success", "rollback_when", "claims"):
        for index, claim in enumerate(getattr(plan, section)):
            for key, what, mend in _check_claim(claim, fleet):
                yield (section, index, key), Objection("claim", what, mend)


def _check_claim(claim: Claim, fleet: Fleet) -> Iterator[tuple[str, str, str]]:
    """Yield (key at fault, what, mend)."""
    metric = BY_NAME.get(claim.metric)
    if metric is None:
        mend = did_you_mean(claim.metric, list(BY_NAME)) or f"known: {', '.join(BY_NAME)}"
        yield "metric", f"there is no metric {claim.metric!r}", mend
        return
    yield from (("where", *problem) for problem in where_problems(metric, claim.where, fleet))
    try:
        limit = parse_limit(claim.limit, metric.unit)
    except ValueError as error:
        yield "limit", str(error), ""
        return
    if limit.op == "inside":
        yield "limit", "'inside' is for the gate that judges the claims", "give a limit"
    elif limit.op in ("none", "none new") and metric.kind != "violations":
        what = f"'{limit.op}' is for sets of violations and {metric.name} is a number"
        yield "limit", what, "give a bound, e.g. '<= 5'"


def _finding(place: Place, objection: Objection, plan: Plan, lines: Lines | None, path: str) -> StaticFinding:
    line = _line(place, lines or {})
    where = f"{path}:{line}" if line else path
    if place[0] == "steps" and len(place) > 1:
        where += f" step {plan.steps[int(place[1])].id}"
        place = place[2:]
    inner = ".".join(str(part) for part in place if isinstance(part, str))
    where += f" {inner}" if inner else ""
    return StaticFinding(
        rule=objection.rule, where=where, line=line, what=objection.what, mend=objection.mend
    )


def _line(place: Place, lines: Lines) -> int:
    """Return the line of a place, or of the nearest thing that holds it."""
    return next((lines[place[:size]] for size in range(len(place), 0, -1) if place[:size] in lines), 0)
