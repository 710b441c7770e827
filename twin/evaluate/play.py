"""Play worlds: every arm of a comparison in the same world, in this process or in several."""

from __future__ import annotations

import multiprocessing
import os
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from pathlib import Path

from scenarios.draw import draw
from scenarios.world import World
from twin.evaluate.bench import Bench
from twin.evaluate.stretches import Trial, later
from twin.files import cache
from twin.gates.judge import Sample, Value
from twin.gates.rules import Rule
from twin.model.change import TimedChange
from twin.model.errors import EvaluationError
from twin.model.streams import derive_seed
from twin.records.run import Run
from twin.sim.measure import measure, transients
from twin.sim.run import Simulator
from twin.sim.shared import SharedSettles

FAULTS = ("state", "failed", "sick", "control")


@dataclass(frozen=True)
class Task:
    """One replication of one trial (by its index), for the variants that are not decided yet."""

    trial: int
    replication: int
    variants: tuple[str, ...]


@dataclass(frozen=True)
class Outcome:
    """What one task saw: samples per variant and rule, the faults of its worlds, and what it cost."""

    task: Task
    samples: dict[str, tuple[tuple[Sample, ...], ...]]
    faults: Counter[str]
    runs: int
    settles: int


def worlds_of(bench: Bench, trial: Trial, replication: int) -> tuple[World, ...]:
    """Return the worlds of one replication: drawn for the stretch as for a window of its own, from the same streams."""
    stretch = trial.stretch
    worlds = draw(
        trial.scenario,
        bench.fleet,
        window_s=stretch.length_s,
        start=bench.start + timedelta(seconds=stretch.from_s),
        seed=bench.seed,
        replication=replication,
        states=stretch.states,
    )
    return tuple(later(world, stretch.from_s) for world in worlds)


def plan_changes(bench: Bench, trial: Trial, world: World, variant: str) -> tuple[TimedChange, ...]:
    """Return what the plan does in a world: drawn durations and outcomes where the world is random, else the expected ones."""
    seed = derive_seed(str(bench.seed), world.name, str(world.replication), "plan") if world.random else None
    return bench.schedule.timeline(variant, seed=seed, since_s=trial.stretch.from_s).changes


def play(bench: Bench, simulator: Simulator, task: Task) -> Outcome:
    """Play one task: the reference once per world, and each variant in the same world."""
    trial = bench.trials[task.trial]
    samples: dict[str, list[list[Sample]]] = {variant: [[] for _ in bench.rules] for variant in task.variants}
    faults: Counter[str] = Counter()
    runs = settles = 0
    for world in worlds_of(bench, trial, task.replication):
        shared = SharedSettles()

        def run(changes: Sequence[TimedChange], world: World = world, shared: SharedSettles = shared) -> Run:
            return simulator.run(
                changes, world.changes, start_s=world.start_s, until_s=world.until_s, shared=shared
            )

        faults.update(c.change.target for c in world.changes if c.change.kind in FAULTS and _breaks(c))
        reference = run(())
        measured_reference = _measure(bench, reference)
        runs, settles = runs + 1 + len(task.variants), settles + reference.settles
        for variant in task.variants:
            played = run(plan_changes(bench, trial, world, variant))
            settles += played.settles
            short = _transients(bench, played)
            for i, (ours, theirs) in enumerate(zip(_measure(bench, played), measured_reference, strict=True)):
                samples[variant][i].append(Sample(world.member, task.replication, ours, theirs, short[i]))
    return Outcome(
        task, {v: tuple(tuple(rows) for rows in table) for v, table in samples.items()}, faults, runs, settles
    )


def _breaks(change: TimedChange) -> bool:
    value = change.change.value
    return value < 0 if change.change.kind in ("state", "control") else value > 0


def _measure(bench: Bench, run: Run) -> list[Value]:
    return [
        measure(bench.compiled, run, rule.metric.name, rule.where, for_s=rule.for_s) for rule in bench.rules
    ]


def _transients(bench: Bench, run: Run) -> list[frozenset[str]]:
    def of(rule: Rule) -> frozenset[str]:
        if rule.for_s <= 0 or rule.metric.kind == "number":
            return frozenset()
        kind = rule.metric.name if rule.metric.kind == "violations" else "slo_violations"
        return transients(bench.compiled, run, kind, rule.where, rule.for_s)

    return [of(rule) for rule in bench.rules]


Play = Callable[[Sequence[Task]], Iterator[Outcome]]


@contextmanager
def players(
    bench: Bench, jobs: int, *, start_method: str | None = None, executor: Executor | None = None
) -> Iterator[Play]:
    """Give a function that plays tasks and yields their outcomes in the order of the tasks, whoever finishes first.

    One job plays in this process. Several share the bench through a content-addressed file that each maps once; any
    `concurrent.futures` executor that sees FLEETWIN_CACHE (a cluster's, say) will do.
    """
    if jobs == 1 and executor is None:
        simulator = Simulator(bench.compiled, without=bench.without)
        yield lambda tasks: (play(bench, simulator, task) for task in tasks)
        return
    with tempfile.TemporaryDirectory(prefix="fleetwin-") as scratch:
        folder = Path(os.environ.get("FLEETWIN_CACHE", scratch))
        folder.mkdir(parents=True, exist_ok=True)
        key = cache.put(folder, bench)
        pool = executor or ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context(start_method))

        def submit(task: Task) -> Future[Outcome]:
            return pool.submit(play_stored, str(folder), key, task)

        try:
            yield lambda tasks: _collect(submit, tasks)
        finally:
            if executor is None:
                pool.shutdown(cancel_futures=True)


def _collect(submit: Callable[[Task], Future[Outcome]], tasks: Sequence[Task]) -> Iterator[Outcome]:
    futures: list[Future[Outcome]] = []
    try:
        # A pool that has lost a worker refuses new tasks as well.
        futures += [submit(task) for task in tasks]
        for future in futures:
            yield future.result()
    except BrokenProcessPool:
        raise EvaluationError(
            "a worker process was lost (killed, or out of memory); run again with fewer --jobs"
        ) from None
    finally:
        for future in futures:
            future.cancel()


def play_stored(folder: str, key: str, task: Task) -> Outcome:
    """Play a task on the bench stored under `key`."""
    return play(*_stored(folder, key), task)


@lru_cache(maxsize=1)
def _stored(folder: str, key: str) -> tuple[Bench, Simulator]:
    bench: Bench = cache.get(Path(folder), key)
    return bench, Simulator(bench.compiled, without=bench.without)
