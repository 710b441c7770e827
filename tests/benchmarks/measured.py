"""What is measured in a process of its own, so that its memory and its C are its own."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import ParamSpec, TypeVar

import numpy as np

from tests.benchmarks.fleets import START, STEP_S, WEEK_S, bench_fleet, faults, size_of
from tests.benchmarks.yardsticks import copy_s, timeouts_per_s
from twin.files import cache
from twin.graph.compile import Compiled, compile_fleet
from twin.model.change import TimedChange
from twin.sim.constants import Constants
from twin.sim.engine import Engine
from twin.sim.run import Simulator

P = ParamSpec("P")
T = TypeVar("T")
Stored = tuple[Compiled, tuple[TimedChange, ...]]


@dataclass(frozen=True)
class Built:
    """A compiled fleet in the store, and what it took to make it."""

    key: str
    groups: int
    services: int
    sites: int
    build_s: float
    peak_mib: float


@dataclass(frozen=True)
class Recompute:
    """CPU time of one settle after a knot of demand: best and median, and C beside it."""

    best_s: float
    median_s: float
    c_s: float

    @property
    def in_c(self) -> float:
        """The best settle in units of C."""
        return self.best_s / self.c_s


@dataclass(frozen=True)
class Week:
    """One run of a week: CPU time, work done, peak memory of the process, and C and Y beside it."""

    cpu_s: float
    settles: int
    events: int
    peak_mib: float
    c_s: float
    y: float


def apart(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call a function in a fresh process."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(function, *args, **kwargs).result()


def build(folder: Path, servers: int, services: int | None = None, count: int = 0) -> Built:
    """Generate and compile a fleet, and store it with a week of `count` faults."""
    started = time.process_time()
    fleet = bench_fleet(size_of(servers, services=services))
    compiled = compile_fleet(fleet, start=START)
    key = cache.put(folder, (compiled, faults(fleet, count, until_s=WEEK_S)))
    groups, kinds, sites = (len(compiled.names[kind]) for kind in ("server_groups", "services", "sites"))
    return Built(key, groups, kinds, sites, time.process_time() - started, peak_mib())


def recompute(folder: Path, key: str, knots: int = 60) -> Recompute:
    """Settle a stored fleet at one knot of demand after the other; every service must feel every knot."""
    compiled, _ = _stored(folder, key)
    engine = Engine(compiled, Constants.of(compiled))
    c_s, times = copy_s(), []
    engine.settle(0.0)
    for knot in range(1, knots + 1):
        assert engine.flows is not None
        before = engine.flows.requests.copy()
        started = time.process_time()
        engine.settle(knot * STEP_S)
        times.append(time.process_time() - started)
        assert (engine.flows.requests != before).all(), "a knot that some service does not feel"
    return Recompute(min(times), float(np.median(times)), min(c_s, copy_s()))


def week(folder: Path, key: str) -> Week:
    """Play a week of a stored fleet and its faults."""
    compiled, world = _stored(folder, key)
    simulator = Simulator(compiled)
    c_s = copy_s()
    started = time.process_time()
    run = simulator.run(world=world, until_s=WEEK_S)
    cpu = time.process_time() - started
    return Week(cpu, run.settles, run.events, peak_mib(), min(c_s, copy_s()), timeouts_per_s())


def peak_mib() -> float:
    """Return the most memory that this process ever held, in MiB (Linux: /proc, since exec does not inherit it)."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    (line,) = (line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024


def _stored(folder: Path, key: str) -> Stored:
    stored: Stored = cache.get(folder, key)
    return stored
