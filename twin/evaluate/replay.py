"""The counter-example of a failed gate: the same world again, with a narrator."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from scenarios.world import World
from twin.evaluate.bench import Bench
from twin.evaluate.looks import Evidence
from twin.evaluate.play import plan_changes, worlds_of
from twin.gates.judge import Sample
from twin.gates.rules import Rule
from twin.model.change import TimedChange
from twin.records.metrics import BY_NAME
from twin.records.run import Run
from twin.records.verdict import ORDER, CounterExample, Happening
from twin.sim.measure import matches
from twin.sim.narrate import Narrator
from twin.sim.recorder import VIOLATIONS
from twin.sim.run import simulate

MAX_CHAIN = 60


@dataclass(frozen=True)
class Replay:
    """Both arms of one world again, narrated: `plan` and `reference` runs carry happenings and traces."""

    scenario: str
    variant: str
    member: str
    plan: Run
    reference: Run
    changes: tuple[TimedChange, ...]
    world: World


def counter_examples(bench: Bench, evidence: Evidence) -> dict[int, CounterExample]:
    """Return, for each rule with a failed row, the world that shows it best and the chain of causes in it."""
    shown = {}
    for i, rule in enumerate(bench.rules):
        failed = [(cell, judged[i]) for cell, judged in evidence.judged.items() if judged[i].undecided.result == "fail"]
        if failed:
            (scenario, variant), judged = min(failed, key=lambda item: _rank(rule, item[0], item[1].worst))
            if judged.worst is not None:
                shown[i] = _example(bench, rule, scenario, variant, judged.worst)
    return shown


def _rank(rule: Rule, cell: tuple[int, str], worst: Sample | None) -> tuple[object, ...]:
    """Prefer the whole plan, then the worst sample, then the first scenario."""
    if worst is None:
        return (2, 0.0, cell)
    def size(value: object) -> float:
        return float(len(value)) if isinstance(value, frozenset) else float(value)  # type: ignore[arg-type]
    sign = -1.0 if rule.pass_limit.op in (">", ">=") else 1.0
    return (cell[1] != "whole", -sign * (size(worst.plan) - size(worst.reference)), cell)


def play_again(bench: Bench, scenario: int, variant: str, sample_member: str, replication: int, *,
               watch: tuple[tuple[str, str], ...] = ()) -> Replay:
    """Play both arms of one world again with a narrator that also traces the watched (quantity, thing) pairs."""
    spec = bench.suite.scenarios[scenario]
    world = next(world for world in worlds_of(bench, spec, replication) if world.member == sample_member)
    changes = plan_changes(bench, spec, world, variant)
    def arm(plan: tuple[TimedChange, ...]) -> Run:
        narrator = Narrator(bench.compiled, watch=watch)
        return narrator.told(simulate(bench.compiled, plan, world.changes, start_s=world.start_s, until_s=world.until_s, observe=narrator))
    return Replay(spec.name, variant, sample_member, arm(changes), arm(()), changes, world)


def _example(bench: Bench, rule: Rule, scenario: int, variant: str, sample: Sample) -> CounterExample:
    replay = play_again(bench, scenario, variant, sample.member, sample.replication)
    violation = _violation(bench, rule, sample, replay)
    chain = _chain(replay.plan.happenings, violation) if violation is not None else _plan_only(replay)
    last = replay.plan.happenings[violation] if violation is not None else None
    return CounterExample(
        scenario=replay.scenario, variant=variant, replication=sample.replication, member=sample.member,
        violation=last.text if last else f"{rule.text}: {_told(sample.plan)} with the plan, {_told(sample.reference)} without",
        at_s=last.at_s if last else replay.world.start_s, chain=chain, command=f"fleetwin replay VERDICT.json {rule.gate.id}")


def _told(value: object) -> str:
    return ", ".join(sorted(value)) or "nothing" if isinstance(value, frozenset) else f"{value:.6g}"


def _violation(bench: Bench, rule: Rule, sample: Sample, replay: Replay) -> int | None:
    """The happening that breaks the rule: the first violation that counts and that the reference lacks."""
    kinds = _kinds(rule)
    only: frozenset[str] | None = None
    if isinstance(sample.plan, frozenset) and isinstance(sample.reference, frozenset):
        only = sample.plan - sample.reference if sample.plan - sample.reference else sample.plan
    theirs = {(h.kind, h.thing) for h in replay.reference.happenings}
    found = [i for i, h in enumerate(replay.plan.happenings) if h.kind in kinds and (only is None or h.thing in only)
             and matches(bench.compiled, h.kind, h.thing, rule.where if only is not None or rule.metric.kind == "event" else {})]
    new = [i for i in found if (replay.plan.happenings[i].kind, replay.plan.happenings[i].thing) not in theirs]
    return next(iter(new or found), None)


def _kinds(rule: Rule) -> tuple[str, ...]:
    """Which violations show a rule broken: its own, for numbers those of the same physics."""
    if rule.metric.kind == "violations":
        return (rule.metric.name,)
    by_inputs: dict[str, Callable[[], tuple[str, ...]]] = {
        "service": lambda: ("slo_violations", "link_overloads"), "unit": lambda: ("overloads",)}
    return next((kinds() for key, kinds in by_inputs.items() if key in BY_NAME[rule.metric.name].where), ())


def _chain(happenings: tuple[Happening, ...], last: int) -> tuple[Happening, ...]:
    """Everything that led to `last`: its causes, and theirs; the latest when there are too many."""
    wanted: set[int] = set()
    ahead = [last]
    while ahead:
        i = ahead.pop()
        if i not in wanted:
            wanted.add(i)
            ahead += [cause for cause in (happenings[i].cause, *happenings[i].also) if cause >= 0]
    order = sorted(wanted, key=lambda i: (happenings[i].at_s, i))[-MAX_CHAIN:]
    number = {old: new for new, old in enumerate(order)}
    return tuple(happenings[i].model_copy(update={
        "cause": number.get(happenings[i].cause, -1), "also": tuple(number[a] for a in happenings[i].also if a in number)}) for i in order)


def _plan_only(replay: Replay) -> tuple[Happening, ...]:
    """When no single violation shows it (an energy gate, say): what the plan did."""
    return tuple(h.model_copy(update={"cause": -1}) for h in replay.plan.happenings if h.kind == "plan")[:MAX_CHAIN]


__all__ = ["VIOLATIONS", "Replay", "counter_examples", "play_again"]
