"""Values in table cells: plain text for scalars, `a;b` for lists, `key=value;key=value` for mappings.

An empty cell is a value that is not given. `~` is a value that is given as nothing (null or empty); text made
of tildes gets one more. Lists and mappings that the short form cannot hold are written as JSON.
"""

from __future__ import annotations

import json
import re
import types
import typing
from collections.abc import Callable
from datetime import date, datetime
from typing import Any, Literal, Union

from pydantic import BaseModel

NOTHING = "~"
Decoder = Callable[[str], Any]

_INTEGER = re.compile(r"[-+]?[0-9]+")
_NUMBER = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")
_SPECIAL = re.compile(r'[;=~"\[\]{}]')
_BOOLEANS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}


def encode(value: Any) -> str:
    """Return the cell of a plain value (as it stands in JSON)."""
    if value is None or value in ("", [], {}):
        return NOTHING
    if isinstance(value, str):
        return value + NOTHING if not value.strip(NOTHING) else value
    text = _short_form(value)
    return text if text is not None else json.dumps(value, ensure_ascii=False)


def decoder(hint: Any) -> Decoder:
    """Return the function that turns a cell into a plain value of a field's type; it raises ValueError."""
    kind, nullable = unwrap(hint)
    inner = _decoder(kind)
    nothing = None if nullable else _nothing(kind)

    def decode(text: str) -> Any:
        if text and not text.strip(NOTHING):
            return nothing if text == NOTHING else text[:-1]
        return inner(text)

    return decode


def unwrap(hint: Any) -> tuple[Any, bool]:
    """Return a type without its annotations and whether it may be null."""
    nullable = False
    while True:
        if typing.get_origin(hint) is typing.Annotated:
            hint = typing.get_args(hint)[0]
        elif typing.get_origin(hint) in (Union, types.UnionType):
            nullable = nullable or type(None) in typing.get_args(hint)
            hint = next(arg for arg in typing.get_args(hint) if arg is not type(None))
        else:
            return hint, nullable


def scalar_type(hint: Any) -> type | None:
    """Return bool, int, float or str when a field holds one such value, else None."""
    kind, _ = unwrap(hint)
    if kind in (bool, int, float, str):
        return typing.cast(type, kind)
    return str if typing.get_origin(kind) is Literal or kind in (date, datetime) else None


def _short_form(value: Any) -> str | None:
    """Return a value in the short form, or None when that could not be read back."""
    if isinstance(value, dict):
        value = [list(item) for item in value.items()]
    if not isinstance(value, list):
        return _leaf(value)
    parts = []
    for item in value:
        pair = isinstance(item, list)
        leaves = (
            [_leaf(leaf) for leaf in item] if pair and len(item) == 2 else [None if pair else _leaf(item)]
        )
        if None in leaves:
            return None
        parts.append("=".join(typing.cast(list[str], leaves)))
    return ";".join(parts)


def _leaf(value: Any) -> str | None:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return value if value.strip() == value != "" and not _SPECIAL.search(value) else None
    return repr(value) if isinstance(value, (int, float)) else None


def _nothing(kind: Any) -> Any:
    origin = typing.get_origin(kind)
    if origin is dict or _is_record(kind):
        return {}
    return [] if origin in (tuple, list, frozenset, set) else ""


def _decoder(kind: Any) -> Decoder:
    """Return the decoder of a type that is neither annotated nor optional."""
    if kind in (bool, int, float):
        return {bool: _boolean, int: _integer, float: _number}[kind]
    origin, args = typing.get_origin(kind), typing.get_args(kind)
    if origin is dict:
        return _structured(_mapping(lambda _: decoder(args[1])))
    if _is_record(kind):
        hints = typing.get_type_hints(kind, include_extras=True)
        return _structured(_mapping(lambda key: decoder(hints.get(key, str))))
    if origin in (tuple, list, frozenset, set):
        inner, _ = unwrap(args[0])
        if typing.get_origin(inner) is tuple and Ellipsis not in typing.get_args(inner):
            return _structured(_pairs(tuple(decoder(arg) for arg in typing.get_args(inner))))
        item = decoder(inner)
        return _structured(lambda text: [item(part) for part in text.split(";")])
    return str


def _structured(short: Decoder) -> Decoder:
    def decode(text: str) -> Any:
        if not text.startswith(("[", "{")):
            return short(text)
        try:
            return json.loads(text)
        except (json.JSONDecodeError, RecursionError):
            raise ValueError("is not readable as JSON") from None

    return decode


def _mapping(of_key: Callable[[str], Decoder]) -> Decoder:
    def decode(text: str) -> dict[str, Any]:
        entries: dict[str, Any] = {}
        for part in text.split(";"):
            key, equals, value = part.partition("=")
            if not equals or key in entries:
                raise ValueError(f"names {key!r} twice" if equals else f"has no '=' in {part!r}")
            entries[key] = of_key(key)(value)
        return entries

    return decode


def _pairs(decoders: tuple[Decoder, ...]) -> Decoder:
    def decode(text: str) -> list[Any]:
        rows = [part.split("=") for part in text.split(";")]
        for row in rows:
            if len(row) != len(decoders):
                raise ValueError(f"{'='.join(row)!r} is not a pair a=b")
        return [[decode_one(cell) for decode_one, cell in zip(decoders, row, strict=True)] for row in rows]

    return decode


def _boolean(text: str) -> bool:
    if text not in _BOOLEANS:
        raise ValueError(f"{text!r} is not true or false")
    return _BOOLEANS[text]


def _integer(text: str) -> int:
    if not _INTEGER.fullmatch(text) or len(text) > 18:
        number = _number(text)
        if not number.is_integer():
            raise ValueError(f"{text!r} is not a whole number")
        return int(number)
    return int(text)


def _number(text: str) -> float:
    if not _NUMBER.fullmatch(text):
        raise ValueError(f"{_cut(text)} is not a number")
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise ValueError(f"{_cut(text)} is not a finite number")
    return number


def _cut(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:37] + "...")


def _is_record(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)
