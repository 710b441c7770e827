"""A wrong value in one row of a fleet, as the checks find it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Fault:
    """A wrong value in one row of a fleet: kind and row of the table, its field, what is wrong and the likely mend."""

    kind: str
    row: int
    field: str
    what: str
    mend: str = ""
