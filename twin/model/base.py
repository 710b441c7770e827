"""The base of all authored records: frozen, strict about unknown keys, read by file name or attribute name."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints

# Names of things: letters, digits, dots, dashes, underscores; ':' and '[' mean something in references.
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=120)]


class Record(BaseModel):
    """One row of a document.

    An attribute that has a unit carries it in its name (`rated_va`); its alias (`rated`) is its name in
    documents, where the value is a string with a unit.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", populate_by_name=True, strict=False, allow_inf_nan=False
    )
