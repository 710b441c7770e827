"""P4 and P5: a million servers, a week, and how time grows with servers and services.

`make bench` prints the ratios. Nothing here asserts a time: that depends on the machine and on who else uses it.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from tests.benchmarks.measured import Built, Recompute, apart, build, recompute, week
from tests.benchmarks.yardsticks import on_the_machine_of_the_goals, row, timeouts_per_s

pytestmark = pytest.mark.benchmark
MILLION, FAULTS = 1_000_000, 2_000


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the compiled fleets are stored."""
    return tmp_path_factory.mktemp("fleets")


@pytest.fixture(scope="module")
def million(folder: Path) -> Built:
    """A million servers with a week of 2 000 faults."""
    row("yardstick Y", f"{timeouts_per_s() / 1e6:.2f} M timeouts/s of bare SimPy")
    built = apart(build, folder, MILLION, count=FAULTS)
    row(
        "fleet of 1 M servers",
        f"{built.groups:,} groups, {built.services} services, {built.sites} sites",
        note=f"generated and compiled in {built.build_s:.1f} s of CPU, {built.peak_mib:,.0f} MiB",
    )
    return built


@pytest.fixture(scope="module")
def of_a_million(folder: Path, million: Built) -> Recompute:
    """The recompute that others are compared with."""
    return apart(recompute, folder, million.key)


def test_a_recompute_of_a_million_servers(of_a_million: Recompute) -> None:
    one = of_a_million
    note = (
        f"median {one.median_s / one.c_s:.1f} C; best {one.best_s * 1e3:.2f} ms, C = {one.c_s * 1e3:.3f} ms"
    )
    row("P4 recompute", f"{one.in_c:.1f} C", "<= 8", note)


def test_a_week_of_a_million_servers_with_faults(folder: Path, million: Built) -> None:
    played = apart(week, folder, million.key)
    row(
        "P4 week",
        f"{played.cpu_s:.1f} s of CPU = {played.cpu_s / played.c_s:,.0f} C",
        "<= 10 s = 41,700 C",
        f"{on_the_machine_of_the_goals(played.cpu_s, played.c_s, played.y)}; {played.settles:,} settles, "
        f"{played.events:,} events, {played.cpu_s / played.settles / played.c_s:.1f} C per settle",
    )
    row("P4 memory of the week", f"{played.peak_mib:,.0f} MiB", "<= 500")


def test_growth_with_servers(folder: Path, of_a_million: Recompute) -> None:
    four = apart(recompute, folder, apart(build, folder, 4 * MILLION).key)
    row("P5 4 M against 1 M servers", f"{four.in_c / of_a_million.in_c:.1f} x", "<= 4", f"{four.in_c:.1f} C")


def test_growth_with_services(folder: Path) -> None:
    of = partial(build, folder, MILLION)
    few, many = (apart(recompute, folder, apart(of, services).key) for services in (100, 1000))
    row(
        "P5 1 000 against 100 services",
        f"{many.in_c / few.in_c:.1f} x",
        "<= 6",
        f"{many.in_c:.1f} C against {few.in_c:.1f} C",
    )
