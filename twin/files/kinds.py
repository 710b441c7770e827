"""The kinds of documents, recognised by their leading key."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from twin.files.yaml import Document
from twin.model.base import Record
from twin.model.errors import (
    DocumentError,
    DrillError,
    FleetError,
    GateError,
    PlanError,
    Problem,
    ScenarioError,
)


@dataclass(frozen=True)
class Kind:
    """One kind of document: its leading key, what it is called, its record and its error."""

    key: str
    noun: str
    home: str
    error: type[DocumentError]

    @property
    def record(self) -> type[Record]:
        """The record that the document holds."""
        module, _, name = self.home.partition(":")
        return getattr(import_module(module), name)


# In the order in which a document is recognised: a drill holds a fleet, a plan may name one, a gate set names a suite.
KINDS = {
    kind.key: kind
    for kind in (
        Kind("drill", "a drill", "twin.model.drill:Drill", DrillError),
        Kind("plan", "a plan", "twin.model.plan:Plan", PlanError),
        Kind("gates", "a gate set", "twin.model.gateset:GateSet", GateError),
        Kind("suite", "a suite", "twin.model.scenario:Suite", ScenarioError),
        Kind("fleet", "a fleet", "twin.model.fleet:Fleet", FleetError),
    )
}


def kind_of(value: Any) -> Kind | None:
    """Return the kind of a document's content, or None when no leading key is there."""
    keys = value if isinstance(value, dict) else {}
    return next((kind for key, kind in KINDS.items() if key in keys), None)


def refuse_other(document: Document, expected: Kind) -> None:
    """Raise the expected kind's error when a document is of another kind or not a group of keys."""
    found, where = kind_of(document.value), f"{document.path}:{document.mark.line}"
    if not isinstance(document.value, dict):
        what, mend = "the document is not a group of keys", f"start with '{expected.key}: NAME'"
        raise expected.error([Problem(where, what, mend)])
    if found is None:
        what = f"this is not {expected.noun}: it has no key '{expected.key}'"
        raise expected.error([Problem(where, what, f"start with '{expected.key}: NAME'"), *document.problems])
    if found is not expected:
        what = f"this is {found.noun}, not {expected.noun}"
        line = document.line([found.key])
        raise expected.error([Problem(f"{document.path}:{line}", what, f"give {expected.noun} here")])


def keys() -> Sequence[str]:
    """Return the names of the kinds, as the command line spells them."""
    return tuple(KINDS)
