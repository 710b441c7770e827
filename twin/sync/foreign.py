"""Foreign tables: CSV files read cell by cell, so that every problem has its file and line."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from twin.files.problems import read_bytes
from twin.model.errors import Problem, TraceError, did_you_mean

MAX_PROBLEMS = 100  # per file; the rest is counted
_LABEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")
csv.field_size_limit(1 << 24)


@dataclass(frozen=True)
class Column:
    """A column of a foreign table: its name, how a cell is read, and what stands for a missing one.

    A column without which the table makes no sense is `required`; elsewhere `default` stands for missing
    columns and empty cells.
    """

    name: str
    read: Callable[[str], Any]
    required: bool = True
    default: Any = None


@dataclass(frozen=True)
class Line:
    """A row of a foreign table: its line in the file, and its cells by column."""

    where: str
    cells: dict[str, Any]

    def __getitem__(self, name: str) -> Any:
        return self.cells[name]


def read_lines(path: Path, columns: Sequence[Column], problems: list[Problem]) -> list[Line]:
    """Return the good rows of a CSV file; append a problem for each bad cell and row."""
    found: list[Problem] = []
    try:
        rows = list(csv.reader(io.StringIO(decode(path, found), newline=""), strict=True))
    except csv.Error as error:
        rows = []
        found.append(Problem(str(path), f"is no CSV table: {error}"))
    lines = _lines(path, rows, columns, found) if rows else []
    if not rows and not found:
        found.append(Problem(str(path), "is empty", f"expected the columns {_names(columns)}"))
    problems += _thinned(path, found)
    return lines


def read_cells(
    where: str, cells: Mapping[str, str], columns: Sequence[Column], problems: list[Problem]
) -> Line | None:
    """Return one row as its columns read it, or None when a cell is bad; append a problem for each."""
    values, good = {}, True
    for column in columns:
        cell = cells.get(column.name, "").strip()
        if not cell and not column.required:
            values[column.name] = column.default
            continue
        try:
            values[column.name] = column.read(cell)
        except ValueError as error:
            problems.append(Problem(f"{where} {column.name}", str(error)))
            good = False
    return Line(where, values) if good else None


def text(cell: str) -> str:
    """Read a cell that must not be empty."""
    if not cell:
        raise ValueError("is empty")
    return cell


def label(cell: str) -> str:
    """Read a short name that may become part of a name of the fleet."""
    if not _LABEL.fullmatch(cell):
        raise ValueError(
            f"{cell[:40]!r} is not a name (letters, digits, dots, dashes, at most 40)" if cell else "is empty"
        )
    return cell


def optional(cell: str) -> str:
    """Read a cell that may be empty."""
    return cell


def count(cell: str) -> int:
    """Read a whole number that is not negative."""
    number = amount(cell)
    if number != int(number):
        raise ValueError(f"{cell!r} is not a whole number")
    return int(number)


def amount(cell: str) -> float:
    """Read a finite number that is not negative."""
    number = real(cell)
    if number < 0:
        raise ValueError(f"{cell!r} is negative")
    return number


def real(cell: str) -> float:
    """Read a finite number."""
    try:
        number = float(cell)
    except ValueError:
        raise ValueError(f"{cell!r} is not a number" if cell else "is empty") from None
    if not math.isfinite(number) or abs(number) > 1e15:
        raise ValueError(f"{cell!r} is not a number that can be used")
    return number


def decode(path: Path, problems: list[Problem]) -> str:
    """Return the text of a file, with or without a byte-order mark; append a problem when it has none."""
    try:
        return read_bytes(path, TraceError).decode("utf-8-sig")
    except TraceError as error:
        problems += error.problems
    except UnicodeDecodeError as error:
        problems.append(Problem(str(path), f"is not UTF-8 text (byte {error.start})", "save it as UTF-8"))
    return ""


def _lines(
    path: Path, rows: list[list[str]], columns: Sequence[Column], problems: list[Problem]
) -> list[Line]:
    header = [name.strip() for name in rows[0]]
    for name in sorted({name for name in header if name and header.count(name) > 1}):
        problems.append(Problem(f"{path}:1", f"the column {name!r} stands twice", "keep one of them"))
    for column in columns:
        if column.required and column.name not in header:
            mend = did_you_mean(column.name, header) or f"the columns are {', '.join(header)}"
            problems.append(Problem(f"{path}:1", f"there is no column {column.name!r}", mend))
    if problems:
        return []
    full = [
        (number, row) for number, row in enumerate(rows[1:], start=2) if any(cell.strip() for cell in row)
    ]
    if not full:
        problems.append(Problem(str(path), "the table has no rows"))
    lines = (_line(f"{path}:{number}", row, header, columns, problems) for number, row in full)
    return [line for line in lines if line is not None]


def _line(
    where: str, row: list[str], header: list[str], columns: Sequence[Column], problems: list[Problem]
) -> Line | None:
    if len(row) != len(header):
        problems.append(Problem(where, f"has {len(row)} cells, the header {len(header)}"))
        return None
    return read_cells(where, dict(zip(header, row, strict=True)), columns, problems)


def _thinned(path: Path, problems: list[Problem]) -> list[Problem]:
    rest = len(problems) - MAX_PROBLEMS
    more = [Problem(str(path), f"has {rest} more problems", "mend the ones above first")] if rest > 0 else []
    return [*problems[:MAX_PROBLEMS], *more]


def _names(columns: Sequence[Column]) -> str:
    return ", ".join(column.name for column in columns if column.required)
