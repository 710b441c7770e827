"""A trace of real outages, played again."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, ClassVar

from pydantic import Field, model_validator

from scenarios.hazards.base import Hazard, Ill, Setting, offset_s
from scenarios.hazards.things import check_references, lost, noun, site_of
from scenarios.world import Spell
from twin.model.errors import Problem, ScenarioError
from twin.model.fleet import Fleet

Row = tuple[str | float, str | float, str]


class ReplayOutages(Hazard):
    """Things go down and come back as a CSV says: columns `name` and `start_s`,`end_s` or `start`,`end`.

    `start_s` counts from the start of the window; `start` is a date in ISO 8601 (UTC when it names no zone).
    The file is read once, when the suite is checked; from then on the suite carries its rows (`outages`), so
    that its digest covers them.
    """

    kind: ClassVar[str] = "replay-outages"
    file: str | None = None
    outages: Annotated[tuple[Row, ...], Field(description="[start, end, name]; seconds or ISO dates")] = ()

    @model_validator(mode="after")
    def _given_once(self) -> ReplayOutages:
        if bool(self.file) == bool(self.outages):
            raise ValueError("give either 'file' or 'outages'")
        return self

    def check(self, fleet: Fleet) -> Iterator[Ill]:
        """Every row names a thing of the fleet and ends after it starts."""
        where = self.file or "outages"
        first = 2 if self.file else 1
        for number, (start, end, name) in enumerate(self.read().outages, first):
            field = f"{where}:{number}"
            try:
                length_s = offset_s(_moment(end), EPOCH) - offset_s(_moment(start), EPOCH)
            except ValueError as error:
                yield Ill(field, str(error), "write seconds or a date like 2026-11-21T02:00Z")
                continue
            if not length_s > 0:
                yield Ill(field, f"the outage of {name} ends before it starts", "swap the two times")
            yield from check_references(fleet, field, (name,))

    def read(self, folder: Path | None = None) -> ReplayOutages:
        """Return this hazard with the rows of its file in it."""
        if self.file is None:
            return self
        path = (folder or Path()) / self.file
        try:
            with path.open(newline="", encoding="utf-8") as stream:
                rows = tuple(_rows(csv.DictReader(stream), str(path)))
        except (OSError, UnicodeDecodeError, csv.Error) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise ScenarioError(
                [Problem(str(path), f"cannot be read: {reason}", "name a CSV file")]
            ) from None
        if not rows:
            raise ScenarioError([Problem(str(path), "has no outages", "add rows under the header")])
        return ReplayOutages(outages=rows)

    def spells(self, setting: Setting) -> list[Spell]:
        """Return the outages that touch the window."""
        spells = []
        for start, end, name in self.read().outages:
            at_s, end_s = (offset_s(_moment(value), setting.start) for value in (start, end))
            what = noun(setting.fleet, name) if name in setting.fleet.things else name
            spells.append(
                Spell(
                    at_s,
                    end_s - at_s,
                    lost(setting.fleet, name),
                    f"{what} is lost (trace)",
                    f"{what} is back (trace)",
                    f"world:{self.kind}",
                    site_of(setting.fleet, name),
                )
            )
        return spells


EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _rows(reader: csv.DictReader[str], path: str) -> Iterator[Row]:
    header = set(reader.fieldnames or ())
    columns = ("start_s", "end_s") if "start_s" in header else ("start", "end")
    missing = [column for column in (*columns, "name") if column not in header]
    if missing:
        mend = "the columns are name and start_s, end_s or start, end"
        raise ScenarioError([Problem(f"{path}:1", f"has no column {', '.join(missing)}", mend)])
    problems = []
    for row in reader:
        values = [(row[column] or "").strip() for column in columns]
        try:
            start, end = (_number(value) if columns[0] == "start_s" else value for value in values)
        except ValueError as error:
            problems.append(Problem(f"{path}:{reader.line_num}", str(error), "write seconds"))
            continue
        yield start, end, (row["name"] or "").strip()
    if problems:
        raise ScenarioError(problems)


def _moment(value: str | float) -> float | datetime:
    if isinstance(value, float):
        return _finite(value)
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise ValueError(f"{value!r} is not a time") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _number(text: str) -> float:
    try:
        return _finite(float(text))
    except ValueError:
        raise ValueError(f"{text!r} is not a number of seconds") from None


def _finite(value: float) -> float:
    if not math.isfinite(value):
        raise ValueError(f"{value!r} is not a time")
    return value
