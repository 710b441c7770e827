"""P9: how long `fleetwin --help` takes, and what it imports."""

from __future__ import annotations

import resource
import subprocess
import sys
import time

import pytest

from tests.benchmarks.yardsticks import row

pytestmark = pytest.mark.benchmark
HEAVY = {"numpy", "scipy", "simpy", "pyomo", "matplotlib", "pydantic", "networkx", "polars"}
SCRIPT = "from twin.cli.main import main; import sys; main(['--help']); print(*sys.modules, file=sys.stderr)"


def test_help_is_instant_and_light() -> None:
    walls, cpus = [], []
    for _ in range(7):
        before, started = _children_s(), time.perf_counter()
        done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)
        walls.append(time.perf_counter() - started)
        cpus.append(_children_s() - before)
        assert not HEAVY & {name.partition(".")[0] for name in done.stderr.split()}
    note = f"{min(cpus):.3f} s of CPU; none of {', '.join(sorted(HEAVY))} imported"
    row("P9 fleetwin --help", f"{min(walls):.3f} s", "< 0.3 s", note)


def _children_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
