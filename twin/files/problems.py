"""From what a validator says to what a person can mend: where it is, what is wrong, and the likely fix."""

from __future__ import annotations

import difflib
import types
import typing
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Union

from pydantic import BaseModel, ValidationError

from twin.model.errors import DocumentError, Problem, did_you_mean

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

    from twin.files.yaml import Document

Location = tuple[str | int, ...]
LABELS = ("name", "id", "scenario", "gate", "metric", "service")  # keys that tell a row from its neighbours
_BOUNDS = {
    "greater_than": ("must be above", "gt"),
    "greater_than_equal": ("must not be below", "ge"),
    "less_than": ("must be below", "lt"),
    "less_than_equal": ("must not be above", "le"),
}
_TRUE_WORDS, _FALSE_WORDS = ("yes", "on", "y"), ("no", "off", "n")


def read_bytes(path: str | Path, error: type[DocumentError] = DocumentError) -> bytes:
    """Return the content of a file; raise *error* that says why it cannot be read."""
    try:
        return Path(path).read_bytes()
    except FileNotFoundError:
        raise error([Problem(str(path), "there is no such file", _neighbour(Path(path)))]) from None
    except IsADirectoryError:
        raise error([Problem(str(path), "is a folder, a file is expected", "")]) from None
    except (OSError, ValueError) as wrong:  # ValueError: a NUL byte in the path
        reason = getattr(wrong, "strerror", None) or str(wrong)
        raise error([Problem(str(path), f"cannot be read: {reason.lower()}", "")]) from None


def to_problems(
    error: ValidationError,
    document: Document,
    model: type[BaseModel],
    *,
    relocate: Callable[[Location], Location] = tuple,
    shown: Document | None = None,
) -> dict[Location, Problem]:
    """Return one problem per validation error, by its place: with file, line, cause and mend.

    When the validated value differs from the document that the user wrote, `relocate` maps a place in
    *document* to its place in *shown*.
    """
    problems: dict[Location, Problem] = {}
    for detail in details(error):
        place = relocate(_place(detail, document.value))
        what, mend = explain(detail, keys_at(model, detail["loc"][:-1]))
        problems.setdefault((*place, detail["type"]), Problem(where(shown or document, place), what, mend))
    return problems


def details(error: ValidationError) -> Iterator[ErrorDetails]:
    """Yield the errors but those that echo others: a list that is short because its items are wrong."""
    for detail in error.errors(include_url=False):
        if detail["type"] != "too_short" or len(detail["input"]) < detail["ctx"]["min_length"]:
            yield detail


def where(document: Document, place: Location) -> str:
    """Return "fleet.yaml:12 racks[3] 'ams1-b03' budget" for a place in a document."""
    text, value = "", document.value
    for step in place:
        value = _child(value, step)
        if isinstance(step, int):
            label = _label(value)
            text += f"[{step}]" + (f" {_show(label)}" if label else "")
        else:
            text += ("" if not text else " " if text[-1] in "]'" else ".") + step
    return f"{document.path}:{document.line(place)} {text}".rstrip()


def _label(row: Any) -> str:
    """Return what tells a row from its neighbours, or the empty string."""
    if not isinstance(row, dict):
        return ""
    return next((row[key] for key in LABELS if isinstance(row.get(key), str)), "")


def explain(detail: ErrorDetails, known: Sequence[str]) -> tuple[str, str]:
    """Return (what, mend) of one validation error; `known` are the keys that are allowed beside it."""
    kind, last = detail["type"], detail["loc"][-1] if detail["loc"] else ""
    if kind == "extra_forbidden":
        return f"unknown key '{last}'", did_you_mean(str(last), known) or f"known keys: {', '.join(known)}"
    if kind == "missing":
        name = f"value {last + 1}" if isinstance(last, int) else f"'{last}'"
        return f"{name} is missing", f"add {name}"
    if last == "schema" and kind == "literal_error":
        return f"schema {_show(detail['input'])} is not supported", "this fleetwin reads schema 1"
    for explainer in (_explain_scalar, _explain_shape):
        found = explainer(kind, detail)
        if found:
            return found
    text = str(detail["ctx"]["error"]) if "error" in detail.get("ctx", {}) else detail["msg"]
    text = text.removeprefix("Value error, ").replace("Input should", "should")
    return (f"{_show(detail['input'])} {text}" if text.startswith("should") else text), ""


def keys_at(model: Any, location: Sequence[str | int], *, by_alias: bool = True) -> list[str]:
    """Return the keys that a record at *location* of a document may have."""
    kinds = list(_members(model))
    for step in location:
        inner = [member for kind in kinds for found in _inside(kind, step) for member in _members(found)]
        kinds = inner or [kind for kind in kinds if getattr(kind, "__name__", "") == step] or kinds
    fields = [item for kind in kinds if _is_model(kind) for item in kind.model_fields.items()]
    return list(dict.fromkeys((info.alias or name) if by_alias else name for name, info in fields))


def _explain_scalar(kind: str, detail: ErrorDetails) -> tuple[str, str] | None:
    value, ctx = detail["input"], detail.get("ctx", {})
    if kind.startswith("bool_"):
        meant = {**dict.fromkeys(_TRUE_WORDS, "true"), **dict.fromkeys(_FALSE_WORDS, "false")}
        mend = f"write {meant.get(str(value).lower(), 'true or false')}"
        return f"{_show(value)} is not true or false", mend
    if kind.startswith(("int_", "float_")):
        noun = "whole number" if kind.startswith("int_") else "number"
        return f"{_show(value)} is not a {noun}", _mend_number(value)
    if kind == "finite_number":
        return f"{_show(value)} is not a finite number", ""
    if kind == "string_type":
        is_scalar = isinstance(value, (bool, int, float)) or value is None
        return f"{_show(value)} is not text", f'write it in quotes: "{_plain(value)}"' if is_scalar else ""
    if kind == "string_pattern_mismatch":
        return _explain_pattern(value, ctx["pattern"])
    if kind in ("literal_error", "enum"):
        words = [word.strip("'") for word in ctx["expected"].replace(" or ", ", ").split(", ")]
        return f"{_show(value)} is not one of {', '.join(words)}", did_you_mean(str(value), words)
    if kind in _BOUNDS:
        phrase, bound = _BOUNDS[kind]
        return f"{_show(value)} {phrase} {ctx[bound]:g}", ""
    if kind.startswith(("datetime_", "date_", "timezone_")):
        if kind.startswith("datetime_"):
            return f"{_show(value)} is not a time", "write e.g. 2026-11-21T01:00Z"
        return f"{_show(value)} is not a day", "write e.g. 2026-11-21"
    return None


def _explain_shape(kind: str, detail: ErrorDetails) -> tuple[str, str] | None:
    value, ctx = detail["input"], detail.get("ctx", {})
    if kind in ("tuple_type", "list_type", "set_type", "frozen_set_type"):
        items = _plain(value) if isinstance(value, (str, int, float)) else "a, b"
        return f"{_show(value)} is not a list", f"write [{items}]"
    if kind in ("dict_type", "model_type", "model_attributes_type"):
        return f"{_show(value)} is not a group of keys", "write 'key: value' lines"
    if kind in ("too_short", "string_too_short"):
        return ("is empty" if not ctx.get("actual_length") else f"has only {ctx['actual_length']} entries"), (
            f"give at least {ctx.get('min_length', 1)}"
        )
    if kind in ("too_long", "string_too_long"):
        return f"is longer than {ctx.get('max_length')}", "make it shorter"
    return None


def _explain_pattern(value: Any, pattern: str) -> tuple[str, str]:
    if pattern.startswith("^sha256"):
        return f"{_show(value)} is not a digest", "write sha256: and 64 hexadecimal digits"
    if "@" in pattern:
        return f"{_show(value)} is not an action with a version", "write noun.verb@version, e.g. rack.drain@1"
    return f"{_show(value)} is not a name", "use letters, digits, dots, dashes and underscores"


def _mend_number(value: Any) -> str:
    if not isinstance(value, str):
        return ""
    try:
        is_based = value.lower().startswith(("0o", "0x", "0b"))
        number = int(value, 0) if is_based else float(value.replace("_", ""))
    except ValueError:
        return ""
    return f"write {number:.15g}, without quotes" if number == number else ""


def _place(detail: ErrorDetails, value: Any) -> Location:
    """Return the part of a validator's location that exists in the document (it also names union members)."""
    place: list[str | int] = []
    for index, step in enumerate(detail["loc"]):
        is_last = index == len(detail["loc"]) - 1
        if _has(value, step) or (is_last and detail["type"] == "missing" and isinstance(step, str)):
            place.append(step)
            value = _child(value, step)
    return tuple(place)


def _has(value: Any, step: str | int) -> bool:
    if isinstance(value, dict):
        return step in value
    return isinstance(value, list) and isinstance(step, int) and step < len(value)


def _child(value: Any, step: str | int) -> Any:
    return value[step] if _has(value, step) else None


def _members(kind: Any) -> Iterator[Any]:
    """Yield the types that an annotation allows, without wrappers."""
    origin = typing.get_origin(kind)
    if origin is typing.Annotated:
        yield from _members(typing.get_args(kind)[0])
    elif origin in (Union, types.UnionType):
        for arg in typing.get_args(kind):
            yield from _members(arg)
    elif origin is not Literal:
        yield kind


def _inside(kind: Any, step: str | int) -> Iterator[Any]:
    if _is_model(kind) and isinstance(step, str):
        yield from (info.annotation for name, info in kind.model_fields.items() if step in (name, info.alias))
    args = typing.get_args(kind)
    if typing.get_origin(kind) in (tuple, list, frozenset, set) and isinstance(step, int):
        yield args[0] if len(args) < 2 or args[1] is Ellipsis else args[min(step, len(args) - 1)]
    if typing.get_origin(kind) is dict:
        yield args[1]


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def _show(value: Any) -> str:
    """Return a value as it would be written in a document, shortened."""
    if isinstance(value, dict):
        return "a group of keys"
    if isinstance(value, (list, tuple)):
        return "a list"
    text = repr(value) if isinstance(value, str) else _plain(value)
    return text if len(text) <= 60 else text[:56] + "...'"


def _plain(value: Any) -> str:
    if value is None:
        return "nothing"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _neighbour(path: Path) -> str:
    try:
        stems = {entry.stem: entry.name for entry in path.parent.iterdir()}
    except OSError:
        return ""
    close = difflib.get_close_matches(path.stem, stems, n=1)
    return f"did you mean '{stems[close[0]]}'?" if close else ""
