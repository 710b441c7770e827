"""Rows of a document that stand for many: `{name: r[01-40], fed_by: [pdu-[01-40]a]}`.

The rule: the *leader* of a row is its `name` (in kinds without one, its first bracketed reference). If the
leader stands for n names, the row stands for n rows, and the k-th row takes the k-th expansion of every other
bracketed reference, which must stand for n names too. Under a leader without brackets a bracketed item of a
*list* stands for several items. Only names and references are expanded, never free text.
"""

from __future__ import annotations

import itertools
import typing
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel

from twin.model.base import Name
from twin.model.names import BracketError, compress, expand, is_bracketed

LIMIT = 100_000  # rows of one kind in a document; tables have no limit
_LONG_LIST = 4


@dataclass
class Expansion:
    """Rows after expansion, the document row that each came from, and what could not be expanded."""

    rows: list[Any] = field(default_factory=list)
    sources: list[int] = field(default_factory=list)
    problems: list[tuple[int, str, str, str]] = field(default_factory=list)  # row, key, what, mend


def expand_rows(rows: Sequence[Any], model: type[BaseModel]) -> Expansion:
    """Return the rows that *rows* of a document stand for; malformed ones stay as they are."""
    result, keys = Expansion(), references(model)
    for index, row in enumerate(rows):
        expanded = [row]
        if isinstance(row, dict):
            try:
                expanded = list(_expand_row(row, keys))
            except _RowError as error:
                result.problems.append((index, error.key, error.what, error.mend))
        if len(result.rows) + len(expanded) > LIMIT:
            result.problems.append((index, "", f"more than {LIMIT:,} rows", "use a table (CSV or Parquet)"))
            break
        result.rows += expanded
        result.sources += [index] * len(expanded)
    return result


def compress_rows(rows: Sequence[dict[str, Any]], model: type[BaseModel]) -> list[dict[str, Any]]:
    """Return fewer rows that :func:`expand_rows` turns into exactly *rows*."""
    keys, result, start = references(model), [], 0
    while start < len(rows):
        row, count = _compressed(rows, start, keys)
        result.append(row)
        start += count
    return result


def references(model: type[BaseModel]) -> dict[str, bool]:
    """Return the document keys that hold names -> whether they hold a list; the leader comes first."""
    hints = typing.get_type_hints(model, include_extras=True)
    found = {}
    for name, info in model.model_fields.items():
        kind = _name_kind(hints[name])
        if kind is not None:
            found[info.alias or name] = kind
    return found


class _RowError(Exception):
    def __init__(self, key: str, what: str, mend: str) -> None:
        super().__init__(what)
        self.key, self.what, self.mend = key, what, mend


def _name_kind(hint: Any) -> bool | None:
    """Return False for a name, True for a list of names, None for anything else."""
    if hint == Name:
        return False
    if typing.get_origin(hint) is typing.Annotated:
        return _name_kind(typing.get_args(hint)[0])
    args = [arg for arg in typing.get_args(hint) if arg not in (type(None), Ellipsis)]
    is_list = typing.get_origin(hint) is tuple
    if len(args) != 1 or typing.get_origin(hint) is dict:
        return None
    inner = _name_kind(args[0])
    return is_list if inner is False else None


def _expand_row(row: dict[str, Any], keys: dict[str, bool]) -> Iterator[dict[str, Any]]:
    leader = _leader(row, keys)
    names = _expand(row[leader], leader) if leader else ()
    columns: dict[str, list[Any]] = {}
    for key, is_list in keys.items():
        value = row.get(key)
        if is_list and isinstance(value, list) and any(_bracketed(item) for item in value):
            columns[key] = _list_column(key, value, leader, len(names))
        elif not is_list and _bracketed(value):
            columns[key] = list(_column(key, str(value), leader, len(names)))
    for index in range(len(names) if leader else 1):
        yield {**row, **{key: column[index] for key, column in columns.items()}}


def _leader(row: dict[str, Any], keys: dict[str, bool]) -> str:
    """Return the key whose brackets multiply the row, or the empty string."""
    singles = [key for key, is_list in keys.items() if not is_list]
    if "name" in singles:
        return "name" if _bracketed(row.get("name")) else ""
    return next((key for key in singles if _bracketed(row.get(key))), "")


def _column(key: str, value: str, leader: str, count: int) -> tuple[str, ...]:
    names = _expand(value, key)
    if not leader:
        raise _RowError(key, f"'{value}' stands for {len(names)} names where one is expected",
                        "bracket the name of the row as well")  # fmt: skip
    if len(names) != count:
        what = f"'{value}' stands for {len(names)} names, and {leader} for {count}"
        raise _RowError(key, what, "use brackets of equal length")
    return names


def _list_column(key: str, items: list[Any], leader: str, count: int) -> list[list[Any]]:
    if not leader:
        return [[name for item in items for name in (_expand(item, key) if _bracketed(item) else (item,))]]
    columns = [_column(key, item, leader, count) if _bracketed(item) else (item,) * count for item in items]
    return [list(column) for column in zip(*columns, strict=True)]


def _expand(text: str, key: str) -> tuple[str, ...]:
    try:
        return expand(text, LIMIT)
    except BracketError as error:
        raise _RowError(key, error.what, error.mend) from None


def _bracketed(value: Any) -> bool:
    return isinstance(value, str) and is_bracketed(value)


def _compressed(
    rows: Sequence[dict[str, Any]], start: int, keys: dict[str, bool]
) -> tuple[dict[str, Any], int]:
    """Return one row that stands for as many rows from *start* on as possible, and their number."""
    first = rows[start]
    single = {key: _short_list(value) if keys.get(key) else value for key, value in first.items()}
    if "name" not in first:
        return single, 1
    window, shape = 2, _shape(first, keys)
    while True:  # look further only while everything so far fits, so that a pass over all rows stays linear
        near = list(itertools.takewhile(lambda row: _shape(row, keys) == shape, rows[start : start + window]))
        count = len(expand(compress([row["name"] for row in near])[0]))
        if count < window:
            break
        window *= 8
    while count > 1:
        merged, reach = _merged(rows[start : start + count], keys)
        if merged:
            return merged, count
        count = reach
    return single, 1


def _short_list(names: list[str]) -> list[str]:
    """Return a long list of references with brackets; a short one reads better without."""
    return compress(names) if len(names) > _LONG_LIST else names


def _shape(row: dict[str, Any], keys: dict[str, bool]) -> tuple[Any, ...]:
    """Return what rows must have in common to be merged: all but names, and the number of references."""
    return tuple((key, len(value) if keys.get(key) else None if key in keys else repr(value))
                 for key, value in row.items())  # fmt: skip


def _merged(rows: Sequence[dict[str, Any]], keys: dict[str, bool]) -> tuple[dict[str, Any] | None, int]:
    """Return the row that stands for all *rows*, or None and the smaller number to try next."""
    merged, reach = dict(rows[0]), len(rows)
    for key, is_list in keys.items():
        if key not in merged:
            continue
        columns = (
            list(zip(*(row[key] for row in rows), strict=True)) if is_list else [[row[key] for row in rows]]
        )
        texts = []
        for column in columns:
            text, length = _one_text(column, key == "name")
            texts.append(text)
            reach = min(reach, length)
        merged[key] = texts if is_list else texts[0]
    return (merged, reach) if reach == len(rows) else (None, reach)


def _one_text(column: Sequence[str], is_leader: bool) -> tuple[str, int]:
    """Return the text that stands for the start of a column, and for how many of its entries it does."""
    same = next((index for index, name in enumerate(column) if name != column[0]), len(column))
    if same > 1 and not is_leader:
        return column[0], same
    text = compress(column)[0]
    return text, len(expand(text))
