"""The one YAML door: every document comes in here, with its line numbers, and leaves here.

The reader takes YAML 1.2 core scalars (and so JSON): `no`, `on` and `12:30` are words, numbers look like
numbers in JSON. It works on the parser's events, not on the composed graph, so that depth, aliases and size
stay bounded.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from twin.files.problems import read_bytes
from twin.model.errors import DocumentError, Problem

MAX_DEPTH = 60
MAX_ALIASED = 200_000  # values that aliases may stand for, in all

_INT = re.compile(r"[-+]?(?:0|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_OTHER_NUMBER = re.compile(r"[-+]?0[oOxXbB][0-9a-fA-F_]+")
_NULL = ("", "~", "null", "Null", "NULL")
_BOOL = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_SURROGATES = re.compile(r"(?<!\\)((?:\\\\)*)\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})")
_CORE_TAGS = {f"tag:yaml.org,2002:{name}": name for name in ("str", "int", "float", "bool", "null")}


@dataclass(frozen=True)
class Mark:
    """The line of a value (of its key, in a mapping) and the marks of what it holds."""

    line: int
    children: dict[Any, Mark] = field(default_factory=dict)


@dataclass(frozen=True)
class Document:
    """A value read from a file, with the line of every key and item, and what was wrong with its form."""

    value: Any
    mark: Mark
    path: str
    problems: tuple[Problem, ...] = ()

    def line(self, path: Sequence[str | int]) -> int:
        """Return the line of `path` ("racks", 3, "budget"), or of the nearest thing that holds it."""
        mark = self.mark
        for step in path:
            if step not in mark.children:
                break
            mark = mark.children[step]
        return mark.line


def load(path: str | Path, error: type[DocumentError] = DocumentError) -> Document:
    """Read a YAML or JSON file; raise *error* with every problem of form."""
    document = parse(read_bytes(path, error), str(path), error)
    if document.problems:
        raise error(document.problems)
    return document


def parse(source: bytes | str, path: str, error: type[DocumentError] = DocumentError) -> Document:
    """Read YAML or JSON text.

    Raise *error* when the text cannot be read at all; problems that leave the rest readable (duplicate keys)
    are kept in the document, so that they can be told together with those of its content.
    """
    text = _decode(source, path, error) if isinstance(source, bytes) else source
    _refuse_unprintable(text, path, error)
    if text.lstrip().startswith(("{", "[")):
        text = _SURROGATES.sub(_join_surrogates, text)  # JSON writes emoji as two escapes, YAML as one
    try:
        return _Reader(text, path).document()
    except _Unreadable as unreadable:
        raise error([unreadable.problem]) from None


def dump(value: Any) -> str:
    """Return readable YAML for plain values: block style, lists of scalars in line, doubtful words quoted."""
    return str(yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110))


def scalar(text: str) -> Any:
    """Return the value of a plain scalar by YAML 1.2 core rules; ambiguous forms (017, 0x1F) stay words."""
    if text in _NULL:
        return None
    if text in _BOOL:
        return _BOOL[text]
    if _INT.fullmatch(text):
        return int(text) if len(text) <= 18 else float(text)
    if _FLOAT.fullmatch(text) and not re.match(r"[-+]?0[0-9]", text):
        return float(text)
    return float(text.replace(".", "").lower()) if _NOT_FINITE.fullmatch(text) else text


class _Unreadable(Exception):
    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


class _Reader:
    """Turns parser events into a value and its marks."""

    def __init__(self, text: str, path: str) -> None:
        self.path = path
        self.problems: list[Problem] = []
        self.anchors: dict[str, tuple[Any, Mark, int] | None] = {}
        self.values = 0  # read so far, with aliases counted as what they stand for
        self.aliased = 0
        self.text = text
        self.events = yaml.CSafeLoader(text)

    def document(self) -> Document:
        self._next()
        event = self._next()
        if isinstance(event, yaml.StreamEndEvent):
            raise self._stop(1, "the file is empty", "")
        value, mark = self._value(self._next(), 0)
        self._next()
        event = self._next()
        if not isinstance(event, yaml.StreamEndEvent):
            line = event.start_mark.line + 1
            raise self._stop(line, "a second document starts here", "one document per file")
        if value is None:
            raise self._stop(mark.line, "the document is empty", "")
        return Document(value, mark, self.path, tuple(self.problems))

    def _next(self) -> Any:
        try:
            return self.events.get_event()
        except yaml.MarkedYAMLError as error:
            at = error.problem_mark or error.context_mark
            line = at.line + 1 if at else 1
            mend = self._mend(str(error.problem), line)
            raise self._stop(line, f"not readable as YAML: {error.problem}", mend) from None
        except yaml.YAMLError as error:
            raise self._stop(1, f"not readable as YAML: {error}", "") from None

    def _mend(self, problem: str, line: int) -> str:
        lines = self.text.splitlines()
        here = lines[line - 1] if line <= len(lines) else ""
        if "\t" in here[: len(here) - len(here.lstrip())]:
            return "indent with spaces, not with tabs"
        if "mapping values" in problem:
            return "put text that holds ': ' in quotes"
        if "cannot start any token" in problem:
            return "put text that starts with a special character in quotes"
        return "look for a missing bracket or quote above" if "did not find expected" in problem else ""

    def _stop(self, line: int, what: str, mend: str) -> _Unreadable:
        return _Unreadable(Problem(f"{self.path}:{line}", what, mend))

    def _note(self, line: int, what: str, mend: str) -> None:
        self.problems.append(Problem(f"{self.path}:{line}", what, mend))

    def _value(self, event: Any, depth: int) -> tuple[Any, Mark]:
        line = event.start_mark.line + 1
        if depth > MAX_DEPTH:
            raise self._stop(line, f"nested more than {MAX_DEPTH} deep", "")
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event, line)
        before, self.values = self.values, self.values + 1
        if event.anchor is not None:
            self.anchors[event.anchor] = None
        tag = self._tag(event, line)
        if isinstance(event, yaml.ScalarEvent):
            value, mark = self._scalar(event, tag, line), Mark(line)
        elif isinstance(event, yaml.SequenceStartEvent):
            value, mark = self._sequence(line, depth)
        else:
            value, mark = self._mapping(line, depth)
        if event.anchor is not None:
            self.anchors[event.anchor] = (value, mark, self.values - before)
        return value, mark

    def _sequence(self, line: int, depth: int) -> tuple[list[Any], Mark]:
        items: list[Any] = []
        marks: dict[Any, Mark] = {}
        while not isinstance(event := self._next(), yaml.SequenceEndEvent):
            value, marks[len(items)] = self._value(event, depth + 1)
            items.append(value)
        return items, Mark(line, marks)

    def _mapping(self, line: int, depth: int) -> tuple[dict[str, Any], Mark]:
        entries: dict[str, Any] = {}
        marks: dict[Any, Mark] = {}
        while not isinstance(event := self._next(), yaml.MappingEndEvent):
            key, key_line = self._key(event, depth), event.start_mark.line + 1
            value, mark = self._value(self._next(), depth + 1)
            if key is None:
                continue
            if key in entries:
                mend = f"keep one of the two; the first is in line {marks[key].line}"
                self._note(key_line, f"the key {_short(key)} is given twice", mend)
                continue
            entries[key], marks[key] = value, Mark(key_line, mark.children)
        return entries, Mark(line, marks)

    def _key(self, event: Any, depth: int) -> str | None:
        """Return a mapping key, always as the word that was written; None (and a problem) when it is none."""
        line = event.start_mark.line + 1
        if isinstance(event, yaml.ScalarEvent) and event.value and event.tag is None:
            if event.value == "<<" and event.implicit[0]:
                self._note(line, "merge keys ('<<') are not supported", "write the values out")
                return None
            return str(event.value)
        if isinstance(event, (yaml.SequenceStartEvent, yaml.MappingStartEvent)):
            self._value(event, depth + 1)
        self._note(line, "a key must be a word", "write 'key: value'")
        return None

    def _alias(self, event: Any, line: int) -> tuple[Any, Mark]:
        known = self.anchors.get(event.anchor)
        if event.anchor not in self.anchors:
            mend = f"mark the value with &{event.anchor}"
            raise self._stop(line, f"'*{event.anchor}' refers to no anchor above it", mend)
        if known is None:
            raise self._stop(line, f"'*{event.anchor}' lies inside what it refers to", "write the value out")
        value, mark, size = known
        self.values += size
        self.aliased += size
        if self.aliased > MAX_ALIASED:
            what = f"aliases stand for more than {MAX_ALIASED:,} values"
            raise self._stop(line, what, "use name brackets or a table")
        return value, Mark(line, mark.children)

    def _tag(self, event: Any, line: int) -> str | None:
        if event.tag is None or event.tag == "!":
            return None
        tag = _CORE_TAGS.get(event.tag)
        if tag is None:
            self._note(line, f"the tag {_short(event.tag)} is not supported", "remove it")
        return tag

    def _scalar(self, event: Any, tag: str | None, line: int) -> Any:
        if tag == "str" or not (event.implicit[0] or tag):
            return event.value
        value = scalar(event.value)
        if isinstance(value, float) and not math.isfinite(value):
            self._note(line, f"{_short(event.value)} is not a finite number", "")
            return 0.0
        return value


class _Dumper(yaml.CSafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True


def _represent_str(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    """Quote what this or any other YAML reader would not read back as text."""
    doubtful = not isinstance(scalar(text), str) or _OTHER_NUMBER.fullmatch(text)
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="'" if doubtful else None)


def _represent_list(dumper: _Dumper, items: Sequence[Any]) -> yaml.SequenceNode:
    flow = all(_is_flat(item) for item in items)
    return dumper.represent_sequence("tag:yaml.org,2002:seq", items, flow_style=flow)


def _is_flat(item: Any) -> bool:
    return all(map(_is_flat, item)) if isinstance(item, (list, tuple)) else not isinstance(item, dict)


def _represent_dict(dumper: _Dumper, entries: dict[str, Any]) -> yaml.MappingNode:
    return dumper.represent_mapping("tag:yaml.org,2002:map", entries.items(), flow_style=not entries)


_Dumper.add_representer(str, _represent_str)
_Dumper.add_representer(list, _represent_list)
_Dumper.add_representer(tuple, _represent_list)
_Dumper.add_representer(dict, _represent_dict)


def _decode(source: bytes, path: str, error: type[DocumentError]) -> str:
    try:
        return source.decode("utf-8-sig")
    except UnicodeDecodeError as wrong:
        line = source.count(b"\n", 0, wrong.start) + 1
        what = f"byte {wrong.start} (0x{source[wrong.start]:02x}) is not UTF-8 text"
        raise error([Problem(f"{path}:{line}", what, "save the file as UTF-8")]) from None


def _refuse_unprintable(text: str, path: str, error: type[DocumentError]) -> None:
    found = _UNPRINTABLE.search(text)
    if found:
        line = text.count("\n", 0, found.start()) + 1
        what = f"the character U+{ord(found[0]):04X} is not allowed in a document"
        raise error([Problem(f"{path}:{line}", what, "remove it")])


def _join_surrogates(match: re.Match[str]) -> str:
    high, low = int(match[2], 16), int(match[3], 16)
    return match[1] + chr(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00))


def _short(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:37] + "...")
