"""P8 and P10: replications in one process and in two, what handing them out costs, and how long a check takes.

FLEETWIN_BENCH_REPLICATIONS (30) shortens P10 on a slow machine; the row then says from how many it is extrapolated.
"""

from __future__ import annotations

import os
import pickle
import resource
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import pytest

from tests.benchmarks.fleets import bench_evaluation, drain_plan, maintenance_plan
from tests.benchmarks.yardsticks import copy_s, cpu_s, on_the_machine_of_the_goals, row, timeouts_per_s
from twin.evaluate.bench import Bench
from twin.evaluate.play import Outcome, Task, play, players
from twin.files import cache
from twin.sim.run import Simulator

pytestmark = pytest.mark.benchmark
SCENARIOS, REPLICATIONS = 10, 30
PLAYED = int(os.environ.get("FLEETWIN_BENCH_REPLICATIONS", str(REPLICATIONS)))


@dataclass(frozen=True)
class Cost:
    """What playing tasks took, processes started and stopped included."""

    wall_s: float
    cpu_s: float
    settles: int
    outcomes: tuple[Outcome, ...]


@pytest.fixture(scope="module")
def bench() -> Bench:
    """100 000 servers, 50 services, 20 sites."""
    bench = bench_evaluation(drain_plan, scenarios=SCENARIOS)
    sizes = {kind: len(names) for kind, names in bench.compiled.names.items()}
    assert (sizes["services"], sizes["sites"]) == (50, 20)
    return bench


def test_handing_out_a_replication(bench: Bench, tmp_path: Path) -> None:
    """Storing and mapping the bench, once per check and process, and sending a task there and back."""
    store_s = cpu_s(lambda: cache.put(tmp_path, bench), 3)
    key = cache.put(tmp_path, bench)
    load_s = cpu_s(lambda: Simulator(cache.get(tmp_path, key).compiled), 3)
    outcome = play(bench, Simulator(bench.compiled), Task(0, 0, bench.variants[:1]))
    with ProcessPoolExecutor(1, mp_context=get_context("fork")) as pool:
        pool.submit(pickle.dumps, outcome).result()
        started = time.perf_counter()
        for _ in range(50):
            pool.submit(_back, outcome).result()
        submit_s = (time.perf_counter() - started) / 50
    row(
        "P8 overhead of a replication",
        f"{submit_s / 10:.3%} of 10 s for each, {(store_s + load_s + submit_s) / 10:.1%} for the only one",
        "<= 5 %",
        f"store {store_s * 1e3:.0f} ms, map {load_s * 1e3:.0f} ms, there and back {submit_s * 1e3:.1f} ms",
    )


def test_two_processes_against_one(bench: Bench) -> None:
    tasks = _tasks(bench, 2)
    one, two = _played(bench, tasks, 1), _played(bench, tasks, 2)
    assert [o.samples for o in one.outcomes] == [o.samples for o in two.outcomes]
    row(
        "P8 two processes against one",
        f"{one.wall_s / two.wall_s:.2f} x",
        ">= 1.8",
        f"{2 * one.cpu_s / two.cpu_s:.2f} x by CPU time, were both cores free; {len(tasks)} tasks, "
        f"{one.wall_s:.1f} s and {two.wall_s:.1f} s",
    )


def test_a_check_of_a_day(bench: Bench) -> None:
    """10 scenarios of 30 paired replications, on two processes; the arms differ nearly all day, or a third of it."""
    _check_of_a_day("for good", bench)
    _check_of_a_day("for 8 h", bench_evaluation(maintenance_plan, scenarios=SCENARIOS))


def _check_of_a_day(change: str, bench: Bench) -> None:
    c_s = copy_s()
    cost = _played(bench, _tasks(bench, PLAYED), 2)
    c_s = min(c_s, copy_s())
    share = REPLICATIONS / PLAYED
    some = "" if PLAYED == REPLICATIONS else f"extrapolated from {PLAYED} of {REPLICATIONS} replications; "
    per_settle_c = cost.cpu_s / cost.settles / c_s
    row(
        f"P10 check of 24 hours, a change {change}",
        f"{cost.wall_s * share:.0f} s of wall time, {cost.cpu_s * share:.0f} s of CPU on two processes",
        "<= 30 s",
        f"{some}{cost.settles * share:,.0f} settles of {per_settle_c:.2f} C; on two free cores "
        f"{on_the_machine_of_the_goals(cost.cpu_s * share / 2, c_s, timeouts_per_s())}",
    )


def _tasks(bench: Bench, replications: int) -> list[Task]:
    whole = bench.variants[:1]
    return [Task(s, r, whole) for s in range(SCENARIOS) for r in range(replications)]


def _played(bench: Bench, tasks: Sequence[Task], jobs: int) -> Cost:
    started, before = time.perf_counter(), _cpu_s()
    with players(bench, jobs) as play_all:
        outcomes = tuple(play_all(tasks))
    settles = sum(outcome.settles for outcome in outcomes)
    return Cost(time.perf_counter() - started, _cpu_s() - before, settles, outcomes)


def _cpu_s() -> float:
    """CPU time of this process and of its children that have ended."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def _back(outcome: Outcome) -> Outcome:
    return outcome
