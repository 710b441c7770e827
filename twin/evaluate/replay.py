"""The counter-example of a failed gate: the same world again, with a narrator."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from typing import Any

from scenarios.world import World
from twin.evaluate.bench import Bench
from twin.evaluate.looks import Evidence
from twin.evaluate.play import plan_changes, worlds_of
from twin.gates.judge import Sample, number_of
from twin.gates.rules import Rule
from twin.model.change import TimedChange
from twin.model.errors import UsageError, did_you_mean
from twin.records.metrics import BY_NAME
from twin.records.run import Run, Trace
from twin.records.verdict import CounterExample, Happening, Verdict
from twin.sim.measure import matches
from twin.sim.narrate import QUANTITIES, Narrator
from twin.sim.run import simulate

MAX_CHAIN = 60
Watch = tuple[tuple[str, str], ...]


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
    again: Callable[[Watch], Replay]

    def trace(self, quantity: str, thing: str) -> tuple[Trace, Trace]:
        """Return one quantity of one thing over time with the plan and without; raise UsageError for an unknown one."""
        if quantity not in QUANTITIES:
            known = ", ".join(QUANTITIES)
            raise UsageError(
                f"no quantity {quantity!r} ({did_you_mean(quantity, list(QUANTITIES)) or f'one of {known}'})"
            )
        try:
            replay = self.again(((quantity, thing),))
        except KeyError:
            raise UsageError(f"{quantity} is not known of {thing!r}") from None
        return replay.plan.traces[0], replay.reference.traces[0]

    def plot(self, quantity: str, thing: str) -> Any:
        """Return a matplotlib figure of one quantity of one thing with the plan and without.

        Drawing belongs to `reports`, which this package must not import: it is reached by name, and only here.
        """
        plot_arms = import_module("reports.draw.arms").plot_arms
        return plot_arms(*self.trace(quantity, thing), title=f"{thing} in {self.scenario} ({self.variant})")


def counter_examples(bench: Bench, evidence: Evidence) -> dict[int, CounterExample]:
    """Return, for each rule with a failed row, the world that shows it best and the chain of causes in it."""
    shown = {}
    for i, rule in enumerate(bench.rules):
        failed = [
            (cell, judged[i])
            for cell, judged in evidence.judged.items()
            if i in judged and judged[i].undecided.result == "fail"
        ]
        if failed:
            (index, variant), judged = min(failed, key=lambda item: _rank(rule, item[0], item[1].worst))
            if judged.worst is not None:
                shown[i] = _example(bench, rule, index, variant, judged.worst)
    return shown


def _rank(rule: Rule, cell: tuple[int, str], worst: Sample | None) -> tuple[object, ...]:
    """Prefer the whole plan, then the worst sample, then the first scenario."""
    if worst is None:
        return (2, 0.0, cell)

    sign = -1.0 if rule.pass_limit.op in (">", ">=") else 1.0
    return (cell[1] != "whole", -sign * (number_of(worst.plan) - number_of(worst.reference)), cell)


def attach_replays(verdict: Verdict, bench: Bench) -> Verdict:
    """Give every failed gate of a fresh verdict the means to play its counter-example again."""
    for gate in verdict.gate_results:
        if gate.counter_example is not None:
            gate._replayer = partial(replay_example, bench, gate.counter_example)
    return verdict


def replay_example(bench: Bench, example: CounterExample) -> Replay:
    """Play a counter-example again, tracing the device or service that broke the gate."""
    names = [trial.name for trial in bench.trials]
    watch = _watch(example.chain[-1]) if example.chain else ()
    return play_again(
        bench,
        names.index(example.scenario),
        example.variant,
        example.member,
        example.replication,
        watch=watch,
    )


def _watch(last: Happening) -> Watch:
    if last.kind in ("overloads", "breaker_trips", "batteries_empty"):
        return (("peak_va", last.thing),)
    return (("p99_ms", last.thing), ("error_rate", last.thing)) if last.kind == "slo_violations" else ()


def play_again(  # noqa: PLR0913
    bench: Bench, index: int, variant: str, sample_member: str, replication: int, *, watch: Watch = ()
) -> Replay:
    """Play both arms of one world again with a narrator that also traces the watched (quantity, thing) pairs."""
    trial = bench.trials[index]
    world = next(world for world in worlds_of(bench, trial, replication) if world.member == sample_member)
    changes = plan_changes(bench, trial, world, variant)

    def arm(plan: tuple[TimedChange, ...]) -> Run:
        narrator = Narrator(bench.compiled, watch=watch)
        return narrator.told(
            simulate(
                bench.compiled,
                plan,
                world.changes,
                start_s=world.start_s,
                until_s=world.until_s,
                observe=narrator,
                without=bench.without,
            )
        )

    def again(more: Watch) -> Replay:
        return play_again(bench, index, variant, sample_member, replication, watch=more)

    return Replay(trial.name, variant, sample_member, arm(changes), arm(()), changes, world, again)


def _example(bench: Bench, rule: Rule, index: int, variant: str, sample: Sample) -> CounterExample:
    replay = play_again(bench, index, variant, sample.member, sample.replication)
    violation = _violation(bench, rule, sample, replay)
    chain = chain_to(replay.plan.happenings, (violation,)) if violation is not None else _plan_only(replay)
    last = replay.plan.happenings[violation] if violation is not None else None
    return CounterExample(
        scenario=replay.scenario,
        variant=variant,
        replication=sample.replication,
        member=sample.member,
        violation=last.text
        if last
        else f"{rule.text}: {_told(sample.plan)} with the plan, {_told(sample.reference)} without",
        at_s=last.at_s if last else replay.world.start_s,
        chain=chain,
        command=f"fleetwin replay VERDICT.json {rule.gate.id}",
    )


def _told(value: object) -> str:
    return ", ".join(sorted(value)) or "nothing" if isinstance(value, frozenset) else f"{value:.6g}"


def _violation(bench: Bench, rule: Rule, sample: Sample, replay: Replay) -> int | None:
    """The happening that breaks the rule: the first violation that counts and that the reference lacks."""
    kinds = _kinds(rule)
    only: frozenset[str] | None = None
    if isinstance(sample.plan, frozenset) and isinstance(sample.reference, frozenset):
        only = sample.plan - sample.reference if sample.plan - sample.reference else sample.plan
    theirs = {(h.kind, h.thing) for h in replay.reference.happenings}
    found = [
        i
        for i, h in enumerate(replay.plan.happenings)
        if h.kind in kinds
        and (only is None or h.thing in only)
        and matches(
            bench.compiled,
            h.kind,
            h.thing,
            rule.where if only is not None or rule.metric.kind == "event" else {},
        )
    ]
    new = [
        i for i in found if (replay.plan.happenings[i].kind, replay.plan.happenings[i].thing) not in theirs
    ]
    return next(iter(new or found), None)


def _kinds(rule: Rule) -> tuple[str, ...]:
    """Which violations show a rule broken: its own, for numbers those of the same physics."""
    if rule.metric.kind == "violations":
        return (rule.metric.name,)
    if rule.metric.kind == "event":
        return ("slo_violations",)
    by_inputs: dict[str, Callable[[], tuple[str, ...]]] = {
        "service": lambda: ("slo_violations", "link_overloads"),
        "unit": lambda: ("overloads", "breaker_trips"),
    }
    return next((kinds() for key, kinds in by_inputs.items() if key in BY_NAME[rule.metric.name].where), ())


def chain_to(happenings: Sequence[Happening], lasts: Sequence[int]) -> tuple[Happening, ...]:
    """Everything that led to `lasts`: their causes, and theirs; the latest when there are too many."""
    wanted: set[int] = set()
    ahead = list(lasts)
    while ahead:
        i = ahead.pop()
        if i not in wanted:
            wanted.add(i)
            ahead += [cause for cause in (happenings[i].cause, *happenings[i].also) if cause >= 0]
    order = sorted(wanted, key=lambda i: (happenings[i].at_s, i))[-MAX_CHAIN:]
    number = {old: new for new, old in enumerate(order)}
    return tuple(
        happenings[i].model_copy(
            update={
                "cause": number.get(happenings[i].cause, -1),
                "also": tuple(number[a] for a in happenings[i].also if a in number),
            }
        )
        for i in order
    )


def _plan_only(replay: Replay) -> tuple[Happening, ...]:
    """When no single violation shows it (an energy gate, say): what the plan did."""
    return tuple(h.model_copy(update={"cause": -1}) for h in replay.plan.happenings if h.kind == "plan")[
        :MAX_CHAIN
    ]


__all__ = ["Replay", "attach_replays", "chain_to", "counter_examples", "play_again", "replay_example"]
