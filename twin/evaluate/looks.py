"""Look after look, until every rule is decided in every scenario or the budget is spent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from twin.evaluate.bench import Bench
from twin.evaluate.play import Outcome, Play, Task
from twin.gates.judge import Judged, Sample, judge
from twin.gates.looks import look_schedule
from twin.model.gateset import GateSet

Cell = tuple[int, str]  # index of the trial, variant


@dataclass
class Evidence:
    """Samples and judgements of every (trial, variant), by rule; what was played and what it cost."""

    samples: dict[Cell, list[list[Sample]]]
    judged: dict[Cell, dict[int, Judged]] = field(default_factory=dict)
    replications: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    runs: int = 0
    settles: int = 0

    def take(self, outcome: Outcome, trial: str) -> None:
        """Add what one task saw."""
        for variant, table in outcome.samples.items():
            for rows, new in zip(self.samples[outcome.task.trial, variant], table, strict=True):
                rows.extend(new)
        self.replications[trial] = max(self.replications[trial], outcome.task.replication + 1)
        self.faults.update(outcome.faults)
        self.runs += outcome.runs
        self.settles += outcome.settles


def judge_scenarios(
    bench: Bench, gates: GateSet, play: Play, *, progress: Callable[[int, int, str], None] | None = None
) -> Evidence:
    """Play and judge at the fixed looks; a trial whose scenario draws nothing is played once.

    Which replications are used depends on the looks alone, never on which process finishes first.
    """
    looks = look_schedule(gates.replications.first, gates.replications.max)
    cells = [(i, variant) for i, trial in enumerate(bench.trials) for variant in bench.variants_in(trial)]
    evidence = Evidence({cell: [[] for _ in bench.rules] for cell in cells})
    before = 0
    for number, look in enumerate(looks, start=1):
        tasks = _tasks(bench, evidence, cells, before, look)
        for done, outcome in enumerate(play(tasks), start=1):
            evidence.take(outcome, bench.trials[outcome.task.trial].name)
            if progress is not None:
                progress(done, len(tasks), f"look {number} of at most {len(looks)}")
        for cell in dict.fromkeys((task.trial, variant) for task in tasks for variant in task.variants):
            evidence.judged[cell] = _judged(bench, evidence, cell, looks)
        before = look
    return evidence


def _judged(bench: Bench, evidence: Evidence, cell: Cell, looks: tuple[int, ...]) -> dict[int, Judged]:
    """Judge every rule that is asked in a trial under a variant."""
    trial, variant = bench.trials[cell[0]], cell[1]
    return {
        i: judge(
            rule,
            evidence.samples[cell][i],
            scenario=trial.name,
            variant=variant,
            random=bench.is_random(trial),
            looks=looks,
        )
        for i, rule in enumerate(bench.rules)
        if bench.asks(rule, trial, variant)
    }


def _tasks(bench: Bench, evidence: Evidence, cells: list[Cell], before: int, look: int) -> list[Task]:
    """The replications of this look, for the variants with an undecided rule."""
    tasks = []
    for i, trial in enumerate(bench.trials):
        variants = tuple(variant for t, variant in cells if t == i and not _decided(evidence, (t, variant)))
        random = bench.is_random(trial)
        replications = range(before, look) if random else range(0, 1 if before == 0 else 0)
        tasks += [Task(i, replication, variants) for replication in replications if variants]
    return tasks


def _decided(evidence: Evidence, cell: Cell) -> bool:
    return cell in evidence.judged and all(judged.decided for judged in evidence.judged[cell].values())
