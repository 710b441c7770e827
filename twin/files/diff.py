"""How two documents differ, in sentences: rows added and removed, values changed, alike changes told once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from twin.files.problems import LABELS
from twin.model.base import Record
from twin.model.names import compress, natural_key

Row = dict[str, Any]
Change = tuple[str, str, str]  # key, before, after
_KEYS = (
    ("name",),
    ("id",),
    ("scenario",),
    ("service", "site"),
    ("service", "region"),
    ("gate",),
    ("of",),
    ("metric",),
)
_MANY = 8  # names or values that a sentence spells out


def diff_fleets(before: Record, after: Record) -> list[str]:
    """Return how two fleets differ, in sentences; none when they are equal."""
    return diff_records(before, after)


def diff_records(before: Record, after: Record) -> list[str]:
    """Return how two records of one type (fleets, plans, gate sets, suites) differ; none when equal."""
    sentences: list[str] = []
    for name, info in type(before).model_fields.items():
        old, new = getattr(before, name), getattr(after, name)
        if old != new:
            key = (info.alias or name).rstrip("_")
            sentences += _sentences(key, _document_value(before, name), _document_value(after, name))
    return sentences


def _document_value(record: Record, name: str) -> Any:
    """Return one value of a record as it stands in a document, defaults included."""
    value = record.model_dump(mode="json", by_alias=True, include={name}, context={"document": True})
    return next(iter(value.values()))


def _sentences(noun: str, old: Any, new: Any) -> Iterator[str]:
    key = _row_key(old, new)
    if key:
        yield from _row_sentences(noun, _keyed(old, key), _keyed(new, key))
    else:
        yield from (f"{path}: {one} -> {other}" for path, one, other in _changes(noun, old, new))


def _row_key(old: Any, new: Any) -> tuple[str, ...]:
    """Return the keys that tell the rows of two lists apart, or none when they are no such lists."""
    rows = [*old, *new] if isinstance(old, list) and isinstance(new, list) else []
    for keys in _KEYS:
        if rows and all(isinstance(row, dict) and all(key in row for key in keys) for row in rows):
            unique = all(len(_keyed(side, keys)) == len(side) for side in (old, new))
            if unique:
                return keys
    return ()


def _keyed(rows: Sequence[Row], keys: tuple[str, ...]) -> dict[str, Row]:
    return {"/".join(str(row[key]) for key in keys): row for row in rows}


def _row_sentences(noun: str, old: dict[str, Row], new: dict[str, Row]) -> Iterator[str]:
    added = [name for name in new if name not in old]
    removed = [name for name in old if name not in new]
    parts = [
        f"{len(names)} {verb} ({_names(names)})"
        for names, verb in ((added, "added"), (removed, "removed"))
        if names
    ]
    if parts:
        yield f"{noun}: {', '.join(parts)}"
    alike: dict[tuple[Change, ...], list[str]] = {}
    for name, row in old.items():
        if name in new and row != new[name]:
            alike.setdefault(tuple(_row_changes(row, new[name])), []).append(name)
    for changes, names in alike.items():
        said = ", ".join(f"{key} {before} -> {after}" for key, before, after in changes)
        yield f"{noun} {_names(names)}: {said}"
    common = [name for name in old if name in new]
    if common != [name for name in new if name in old]:
        yield f"{noun}: in another order"


def _row_changes(old: Row, new: Row) -> Iterator[Change]:
    for key in dict.fromkeys([*old, *new]):
        if old.get(key) != new.get(key):
            yield from _changes(key, old.get(key), new.get(key))


def _changes(path: str, old: Any, new: Any) -> Iterator[Change]:
    """Yield (path, before, after) of what differs; groups of keys are told key by key."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in dict.fromkeys([*old, *new]):
            if old.get(key) != new.get(key) or (key in old) != (key in new):
                yield from _changes(f"{path}.{key}", old.get(key), new.get(key))
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        yield from _item_changes(path, old, new)
    else:
        yield path, _show(old), _show(new)


def _item_changes(path: str, old: list[Any], new: list[Any]) -> Iterator[Change]:
    """Yield what differs between lists of one length; long ones show the first place and a count."""
    places = [index for index, pair in enumerate(zip(old, new, strict=True)) if pair[0] != pair[1]]
    if all(isinstance(item, dict) for item in [*old, *new]):
        for index in places:
            yield from _changes(f"{path}[{index}]", old[index], new[index])
    elif len(old) > _MANY:
        first = places[0]
        yield (
            f"{path}[{first}]",
            _show(old[first]),
            f"{_show(new[first])} ({len(places)} of {len(old)} differ)",
        )
    else:
        yield path, _show(old), _show(new)


def _names(names: Sequence[str]) -> str:
    texts = compress(sorted(names, key=natural_key))
    return ", ".join(texts if len(texts) <= _MANY else [*texts[:_MANY], f"and {len(texts) - _MANY} more"])


def _show(value: Any) -> str:
    if value is None or value == "":
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        label = next((value[key] for key in LABELS if isinstance(value.get(key), str)), None)
        return label or ", ".join(f"{key} {_show(item)}" for key, item in value.items()) or "nothing"
    if isinstance(value, list):
        items = [_show(item) for item in value]
        return f"[{', '.join(items)}]" if len(items) <= _MANY else f"{len(items)} values"
    return f"{value:.12g}" if isinstance(value, float) else str(value)
