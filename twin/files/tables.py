"""CSV and Parquet tables, one row per record: columns are attribute names, numbers are SI."""

from __future__ import annotations

import csv
import io
import json
import typing
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from twin.files.atomic import write_atomic
from twin.files.cells import decoder, encode, scalar_type
from twin.files.problems import details, explain, read_bytes
from twin.model.base import Record
from twin.model.errors import FleetError, Problem, did_you_mean

SUFFIXES = (".csv", ".parquet")
MAX_ALIKE = 20  # problems of one kind in one column that are told one by one
_ABSENT = object()
csv.field_size_limit(1 << 26)  # a year of five-minute values is one cell of a megabyte


@dataclass
class Table:
    """The records of one file, the line of each, and everything that is wrong with it."""

    path: str
    records: tuple[Any, ...] = ()
    lines: Sequence[int] = ()
    problems: list[Problem] = field(default_factory=list)
    absent: set[str] = field(default_factory=set)  # required columns that the file does not have

    def where(self, row: int, column: str = "", name: object = "") -> str:
        """Return "racks.csv:17 'ams1-b03' budget_w"."""
        line = f":{self.lines[row]}" if row < len(self.lines) else ""
        return " ".join(filter(None, [f"{self.path}{line}", repr(name) if name else "", column]))


def read_table(path: Path, model: type[Record]) -> Table:
    """Read a table of records; problems are collected in the table. Cost: one pass over cells and rows."""
    table = Table(str(path))
    try:
        header, lines, cells = (_read_parquet if path.suffix == ".parquet" else _read_csv)(path, table)
    except FleetError as error:
        table.problems += error.problems
        return table
    table.lines = lines
    columns = _columns(header, model, table)
    if not lines and not table.problems:
        table.problems.append(Problem(table.path, "the table has no rows", "add rows or remove the file"))
    rows, bad_cells = _decode_rows(cells, columns, table)
    table.records = _validate(rows, model, table, bad_cells)
    table.problems = list(_thinned(table))
    return table


def write_table(path: Path, model: type[Record], records: Sequence[Record]) -> None:
    """Write records as CSV or Parquet, by suffix; values that a record was not given stay empty."""
    dump = TypeAdapter(tuple[model, ...]).dump_python  # type: ignore[valid-type]
    rows = dump(tuple(records), mode="json", exclude_unset=True, by_alias=False)
    given = {name for row in rows for name in row}
    names = [name for name in model.model_fields if name in given]
    if path.suffix == ".parquet":
        write_atomic(path, _parquet(rows, names, model))
        return
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(names)
    writer.writerows([encode(row[name]) if name in row else "" for name in names] for row in rows)
    write_atomic(path, text.getvalue())


def _read_csv(path: Path, table: Table) -> tuple[list[str], list[int], Sequence[Sequence[Any]]]:
    """Return header, line of each row, and rows of text; a ragged row is a problem and is left out."""
    text = _text(read_bytes(path, FleetError), table)
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    header: list[str] = []
    lines: list[int] = []
    rows: list[list[str]] = []
    line = 1
    try:
        header = [name.strip() for name in next(reader, [])]
        line = reader.line_num + 1
        for row in reader:
            if len(row) == len(header):
                lines.append(line)
                rows.append(row)
            elif row:
                what = f"the row has {len(row)} cells, the header {len(header)}"
                table.problems.append(
                    Problem(f"{table.path}:{line}", what, "one cell per column, quote commas")
                )
            line = reader.line_num + 1
    except csv.Error as error:
        raise FleetError([Problem(f"{table.path}:{line}", f"not readable as CSV: {error}", "")]) from None
    if not any(header):
        raise FleetError(
            [Problem(f"{table.path}:1", "the table is empty", "write a header and rows, or remove it")]
        )
    return header, lines, rows


def _text(source: bytes, table: Table) -> str:
    zero = source.find(b"\0")
    if zero >= 0:
        line = source.count(b"\n", 0, zero) + 1
        raise FleetError([Problem(f"{table.path}:{line}", "holds a NUL byte; this is not a CSV file", "")])
    try:
        return source.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = source.count(b"\n", 0, error.start) + 1
        raise FleetError(
            [Problem(f"{table.path}:{line}", "is not UTF-8 text", "save the file as UTF-8")]
        ) from None


def _read_parquet(path: Path, table: Table) -> tuple[list[str], list[int], Sequence[Sequence[Any]]]:
    """Return header, number of each row, and rows of typed values."""
    import polars as pl  # takes 0.2 s, and only large fleets need it

    source = read_bytes(path, FleetError)
    try:
        frame = pl.read_parquet(io.BytesIO(source), use_statistics=False)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError, ValueError) as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        what = f"not readable as Parquet: {reason}"
        raise FleetError(
            [Problem(table.path, what, "write or copy the file again, it may be truncated")]
        ) from None
    columns = []
    for name, dtype in frame.schema.items():
        inner = dtype.inner if isinstance(dtype, pl.List) else dtype
        if (
            inner.is_nested()
            or inner in (pl.Binary, pl.Object)
            or (inner is not dtype and inner.is_temporal())
        ):
            what = f"the column {name!r} has the type {dtype}"
            table.problems.append(Problem(table.path, what, "write text, numbers or booleans"))
            columns.append([None] * frame.height)
        else:
            columns.append([_plain(value) for value in frame[name].to_list()])
    return frame.columns, list(range(1, frame.height + 1)), list(zip(*columns, strict=True))


def _plain(value: Any) -> Any:
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    return value if value is None or isinstance(value, (str, bool, int, float, list)) else str(value)


def _parquet(rows: Sequence[dict[str, Any]], names: Sequence[str], model: type[Record]) -> bytes:
    import polars as pl

    hints = typing.get_type_hints(model, include_extras=True)
    types = {bool: pl.Boolean, int: pl.Int64, float: pl.Float64}
    columns = []
    for name in names:
        dtype = types.get(scalar_type(hints[name]) or str)
        if dtype is not None and not any(name in row and row[name] is None for row in rows):
            columns.append(pl.Series(name, [row.get(name) for row in rows], dtype=dtype))
        else:
            cells = [encode(row[name]) if name in row else None for row in rows]
            columns.append(pl.Series(name, cells, dtype=pl.String))
    buffer = io.BytesIO()
    pl.DataFrame(columns).write_parquet(buffer)
    return buffer.getvalue()


def _columns(
    header: Sequence[str], model: type[Record], table: Table
) -> list[tuple[str, Callable[[Any], Any]]]:
    """Return (name, cell decoder) of each column, no name when unknown; check the header."""
    where = f"{table.path}:1" if table.path.endswith(".csv") else table.path
    hints = typing.get_type_hints(model, include_extras=True)
    known = list(model.model_fields)
    for name, count in Counter(header).items():
        if name not in known:
            by_alias = {
                info.alias: field_name for field_name, info in model.model_fields.items() if info.alias
            }
            mend = f"write '{by_alias[name]}'" if name in by_alias else did_you_mean(name, known)
            mend = mend or f"known columns: {', '.join(known)}"
            table.problems.append(Problem(where, f"unknown column {name!r}", mend))
        elif count > 1:
            table.problems.append(Problem(where, f"the column {name!r} is given {count} times", "keep one"))
    for name, info in model.model_fields.items():
        if info.is_required() and name not in header:
            table.absent.add(name)
            table.problems.append(Problem(where, f"the column {name!r} is missing", "add it"))
    return [(name, _cell_reader(hints[name])) if name in known else ("", str) for name in header]


def _cell_reader(hint: Any) -> Callable[[Any], Any]:
    """Return the function that reads a cell, be it text (CSV) or a typed value (Parquet)."""
    read_text, is_int = decoder(hint), scalar_type(hint) is int

    def read(cell: Any) -> Any:
        if isinstance(cell, str):
            return read_text(cell)
        return int(cell) if is_int and isinstance(cell, float) and cell.is_integer() else cell

    return read


def _decode_rows(
    cells: Sequence[Sequence[Any]], columns: Sequence[tuple[str, Callable[[Any], Any]]], table: Table
) -> tuple[list[dict[str, Any]], set[tuple[int, str]]]:
    """Return the rows as plain values, with the (row, column) of cells that cannot be read."""
    bad: set[tuple[int, str]] = set()
    known = [place for place, (name, _) in enumerate(columns) if name]
    width, columns = len(columns), [columns[place] for place in known]
    transposed = list(zip(*cells, strict=True)) or [()] * width
    decoded = [
        _decode_column(transposed[place], name, read, table, bad)
        for place, (name, read) in zip(known, columns, strict=True)
    ]
    names = [name for name, _ in columns]
    rows = [dict(zip(names, values, strict=True)) for values in zip(*decoded, strict=True)]
    for name, column in zip(names, decoded, strict=True):
        for index, value in enumerate(column) if _ABSENT in column else ():
            if value is _ABSENT:
                rows[index].pop(name, None)
    return rows, bad


def _decode_column(
    column: Sequence[Any], name: str, read: Callable[[Any], Any], table: Table, bad: set[tuple[int, str]]
) -> list[Any]:
    """Return the values of a column, _ABSENT where there is none; each distinct text is decoded once."""
    wrong: dict[Any, str] = {}
    values: dict[Any, Any] = {None: _ABSENT, "": _ABSENT}
    texts = {cell for cell in column if isinstance(cell, str)}
    for cell in texts - {""}:
        try:
            values[cell] = read(cell)
        except ValueError as error:
            values[cell], wrong[cell] = _ABSENT, str(error)
    for index, cell in enumerate(column) if wrong else ():
        if isinstance(cell, str) and cell in wrong:
            bad.add((index, name))
            mend = "write the plain SI number" if "not a number" in wrong[cell] else ""
            table.problems.append(Problem(table.where(index, name), wrong[cell], mend))
    if all(type(cell) is str for cell in column):
        return list(map(values.__getitem__, column))
    return [values[cell] if cell is None or isinstance(cell, str) else read(cell) for cell in column]


def _validate(
    rows: list[dict[str, Any]], model: type[Record], table: Table, bad: set[tuple[int, str]]
) -> tuple[Any, ...]:
    adapter = TypeAdapter(tuple[model, ...])  # type: ignore[valid-type]
    try:
        return tuple(adapter.validate_json(json.dumps(rows), strict=True, by_alias=False, by_name=True))
    except ValidationError as error:
        for detail in details(error):
            row, column, *inner = (*detail["loc"], "", "")[: max(2, len(detail["loc"]))]
            told = (row, column) in bad or (not column and any(place[0] == row for place in bad))
            if told or (detail["type"] == "missing" and column in table.absent):
                continue
            index = row if isinstance(row, int) else len(rows)
            name = rows[index].get("name") if index < len(rows) else None
            place = ".".join(map(str, [column, *inner]))
            what, mend = explain(detail, [])
            table.problems.append(Problem(table.where(index, place, name), what, mend))
    return ()


def _thinned(table: Table) -> Iterator[Problem]:
    """Yield the problems in order, at most MAX_ALIKE per column, and how many more there are."""
    alike: Counter[str] = Counter()
    for problem in table.problems:
        column = problem.where.rpartition(" ")[2] if " " in problem.where else ""
        alike[column] += 1
        if not column or alike[column] <= MAX_ALIKE:
            yield problem
    for column, count in alike.items():
        if column and count > MAX_ALIKE:
            yield Problem(table.path, f"{count - MAX_ALIKE:,} more problems in the column {column!r}", "")
