"""One thread for linear algebra, and the rows of the benchmarks at the end of the run."""

import os

import pytest

# Before NumPy is imported, here and in every process started from here.
os.environ["OPENBLAS_NUM_THREADS"] = "1"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what was measured, captured output or not."""
    from tests.benchmarks.yardsticks import ROWS

    if ROWS:
        terminalreporter.section("measured")
        for row in ROWS:
            terminalreporter.write_line(row)
