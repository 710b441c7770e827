"""What speed is measured in: ratios to two yardsticks of the same process, in CPU time, the best of many.

Y is how many timeouts bare SimPy plays per second with 1 000 processes, C the time to copy 8 MB in memory. Seconds
depend on the machine and on who else uses it; ratios hardly do.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from typing import Any

import numpy as np
import simpy

# The goals in seconds were set on a machine where C took 0.24 ms and Y was 0.5 to 0.8 M/s.
GOAL_C_S, GOAL_Y_PER_S = 0.24e-3, 0.5e6
ROWS: list[str] = []


def row(label: str, value: str, goal: str = "", note: str = "") -> None:
    """Keep a row for the end of the run: `P4 recompute: 7.4 C (goal <= 8); note`."""
    ROWS.append(f"{label}: {value}" + (f" (goal {goal})" if goal else "") + (f"; {note}" if note else ""))


def on_the_machine_of_the_goals(seconds: float, c_s: float, y_per_s: float) -> str:
    """Say what `seconds` would be on the machine on which the goals were set, by either yardstick."""
    by_c, by_y = seconds / c_s * GOAL_C_S, seconds * y_per_s / GOAL_Y_PER_S
    here = f"here C = {c_s * 1e3:.2f} ms and Y = {y_per_s / 1e6:.2f} M/s"
    return f"{by_c:.1f} s by C, {by_y:.1f} s by Y on the machine of the goals; {here}"


def cpu_s(call: Callable[[], object], repeat: int) -> float:
    """Return the least CPU time of one call."""
    best = float("inf")
    for _ in range(repeat):
        started = time.process_time()
        call()
        best = min(best, time.process_time() - started)
    return best


def copy_s(repeat: int = 300) -> float:
    """Return C: the least time to copy 8 MB between two arrays that exist already."""
    source, target = np.ones(1_000_000), np.zeros(1_000_000)
    return cpu_s(lambda: np.copyto(target, source), repeat)


def timeouts_per_s(processes: int = 1000, each: int = 100) -> float:
    """Return Y: timeouts per second of CPU that bare SimPy plays."""

    def wait(environment: simpy.Environment) -> Generator[simpy.Event, Any, None]:
        for _ in range(each):
            yield environment.timeout(1.0)

    def play() -> None:
        environment = simpy.Environment()
        for _ in range(processes):
            environment.process(wait(environment))
        environment.run()

    return processes * each / cpu_s(play, 3)
