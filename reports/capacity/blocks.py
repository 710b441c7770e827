"""What a section of the capacity report is made of: words, facts, tables and pictures, the same for every face.

A section says what it shows once, as blocks; HTML, Markdown and CSV are ways to write blocks down. A table and a picture carry
the command that made them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from markupsafe import Markup

from twin.records import text

Value = str | float | int | tuple[str, ...] | None
Kind = Literal["text", "number", "share", "tag", "code"]
MOST = 25


@dataclass(frozen=True)
class Words:
    """A paragraph; `tone` is how it is meant ("pass", "warn", "fail", "" or "soft")."""

    text: str
    tone: str = ""


@dataclass(frozen=True)
class Heading:
    """The sentence that a reader meets first, and how it is meant."""

    text: str
    tone: str


@dataclass(frozen=True)
class Facts:
    """Short facts under their names."""

    rows: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Column:
    """A column: its name in CSV (with the unit at its end), its head on the page, and how its values read."""

    key: str
    head: str
    kind: Kind = "text"

    @property
    def right(self) -> bool:
        """Whether its values stand at the right, as numbers do."""
        return self.kind in ("number", "share")


@dataclass(frozen=True)
class Grid:
    """A table; pages show its first `most` rows, files have them all."""

    name: str
    title: str
    columns: tuple[Column, ...]
    rows: Sequence[tuple[Value, ...]]
    command: str
    note: str = ""
    most: int = MOST

    @property
    def shown(self) -> Sequence[tuple[Value, ...]]:
        """The rows of a page."""
        return self.rows[: self.most]

    @property
    def left(self) -> int:
        """How many rows a page leaves out."""
        return max(0, len(self.rows) - self.most)


@dataclass(frozen=True)
class Picture:
    """Drawings under one title, with the key to their colours (style, words)."""

    title: str
    drawings: tuple[Markup, ...]
    command: str
    note: str = ""
    key: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Commands:
    """Command lines to run."""

    lines: tuple[str, ...]


@dataclass(frozen=True)
class Signature:
    """Room for names and dates on paper."""

    roles: tuple[str, ...]


Block = Words | Heading | Facts | Grid | Picture | Commands | Signature

TONES = {
    "optimal": "pass", "feasible": "pass", "interrupted": "warn", "nothing": "fail",
    "survived": "pass", "overload": "warn", "short": "fail", "late": "fail", "in time": "pass",
    "pass": "pass", "warn": "warn", "waived": "waived", "fail": "fail", "inconclusive": "inconclusive", "error": "fail",
}  # fmt: skip


def shown(value: Value, column: Column) -> str:
    """Return a value as a person reads it."""
    if value is None or value == "":
        return "–"
    if isinstance(value, tuple):
        return ", ".join(value[:4]) + (f" … and {len(value) - 4} more" if len(value) > 4 else "") or "–"
    if isinstance(value, str) or column.kind in ("text", "tag", "code"):
        return str(value)
    return f"{text.percent(_three(value))} %" if column.kind == "share" else text.figure(_three(value))


def _three(value: float) -> float:
    """Return a number to three digits, larger ones whole: more would be noise in a plan for years."""
    return float(f"{value:.3g}") if abs(value) < 1000 else float(round(value))
