"""The capacity report as a folder of CSV tables: every row, full precision, units in the names of the columns."""

from __future__ import annotations

import csv
import io
import re

from reports.capacity import filled
from reports.capacity.blocks import Grid, Value
from twin.records.capacity_report import CapacityReport

_SAFE = re.compile(r"[^A-Za-z0-9_-]")  # what may not stand in the name of a file
_FORMULA = ("=", "+", "-", "@", "\t")


def render_tables(report: CapacityReport) -> dict[str, str]:
    """Return file name -> content for every table of the report."""
    grids = [block for _, blocks in filled(report) for block in blocks if isinstance(block, Grid)]
    return {f"{_SAFE.sub('_', grid.name)}.csv": _csv(grid) for grid in grids}


def _csv(grid: Grid) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([_cell(column.key) for column in grid.columns])
    writer.writerows([[_cell(value) for value in row] for row in grid.rows])
    return out.getvalue()


def _cell(value: Value) -> str | float | int:
    """Return a value as a cell of one line; words that a spreadsheet would run as a formula get a quote in front."""
    if value is None:
        return ""
    if isinstance(value, (int, float)):
        return value
    words = " ".join(value) if isinstance(value, tuple) else value
    words = words.replace("\r", " ").replace("\n", " ")
    return f"'{words}" if words.startswith(_FORMULA) else words
