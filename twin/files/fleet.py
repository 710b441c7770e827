"""Fleets in and out: one YAML file for a small estate, a folder of tables for a large one."""

from __future__ import annotations

import gc
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from pydantic import TypeAdapter, ValidationError

from twin.files.atomic import write_atomic
from twin.files.brackets import compress_rows, expand_rows
from twin.files.kinds import KINDS as DOCUMENTS
from twin.files.kinds import refuse_other
from twin.files.problems import Location, read_bytes, to_problems, where
from twin.files.tables import SUFFIXES, Table, read_table, write_table
from twin.files.yaml import Document, dump, parse
from twin.model.checks import check_fleet
from twin.model.errors import FleetError, Problem, did_you_mean
from twin.model.fleet import KINDS, Fleet

HEAD = "fleet.yaml"  # the document of a folder; holds what is not in a table
Place = Callable[[int, str], str]


def read_fleet(path: str | Path) -> Fleet:
    """Read a fleet from a YAML or JSON file or a folder of tables; raise FleetError with every problem."""
    path = Path(path)
    is_folder = path.is_dir()
    file = path / HEAD if is_folder else path
    document = parse(read_bytes(file, FleetError), str(file), FleetError)
    refuse_other(document, DOCUMENTS["fleet"])
    problems = list(document.problems)
    with _no_garbage_collection():
        tables = _read_tables(path, document, problems) if is_folder else {}
    head, sources = _read_head(document, problems)
    if problems or head is None:
        raise FleetError(problems)
    given = {name: getattr(head, name) for name in head.model_fields_set}
    fleet = Fleet(**given, **{kind: table.records for kind, table in tables.items()})
    _check(fleet, document, sources, tables)
    return fleet


def fleet_of(document: Document) -> Fleet:
    """Return the fleet in a part of another document; raise FleetError with every problem."""
    problems = list(document.problems)
    fleet, sources = _read_head(document, problems)
    if problems or fleet is None:
        raise FleetError(problems)
    _check(fleet, document, sources, {})
    return fleet


def write_fleet(fleet: Fleet, path: str | Path, *, tables: Literal["csv", "parquet"] = "csv") -> None:
    """Write a fleet: one file when *path* ends in .yaml, .yml or .json, else a folder of tables."""
    path = Path(path)
    if path.suffix in (".yaml", ".yml"):
        write_atomic(path, dump(_document(fleet, [*KINDS])))
    elif path.suffix == ".json":
        write_atomic(path, json.dumps(_document(fleet, [*KINDS]), indent=1, ensure_ascii=False) + "\n")
    else:
        _write_folder(fleet, path, f".{tables}")


@contextmanager
def _no_garbage_collection() -> Iterator[None]:
    """Spare the collector from walking rows that are all alive (measured: 0.6 of 2.7 s for 60 000 rows)."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _read_head(document: Document, problems: list[Problem]) -> tuple[Fleet | None, dict[str, list[int]]]:
    """Return what the document holds, and for each expanded row of a kind the document row it came from."""
    value, sources = dict(document.value), dict[str, list[int]]()
    refused: set[Location] = set()
    for kind, model in KINDS.items():
        if isinstance(value.get(kind), list):
            expansion = expand_rows(value[kind], model)
            value[kind], sources[kind] = expansion.rows, expansion.sources
            for row, key, what, mend in expansion.problems:
                place: Location = (kind, row, key) if key else (kind, row)
                refused.add(place)
                problems.append(Problem(where(document, place), what, mend))

    def relocate(place: Location) -> Location:
        if len(place) > 1 and place[0] in sources and isinstance(place[1], int):
            return (place[0], sources[str(place[0])][place[1]], *place[2:])
        return place

    expanded = Document(value, document.mark, document.path)
    try:
        head = Fleet.model_validate_json(
            json.dumps(value), strict=True, by_alias=True, by_name=False, context={"document": True}
        )
    except ValidationError as error:
        found = to_problems(error, expanded, Fleet, relocate=relocate, shown=document)
        problems += [problem for place, problem in found.items() if not _told(place, refused)]
        return None, sources
    return head, sources


def _told(place: Location, refused: set[Location]) -> bool:
    """Return whether a problem only repeats that the brackets of a row could not be expanded."""
    return place[:3] in refused or (
        place[-1] == "string_pattern_mismatch" and any(place[:2] == row[:2] for row in refused)
    )


def _read_tables(folder: Path, document: Document, problems: list[Problem]) -> dict[str, Table]:
    """Read every table of a folder; a file that is no table, or a kind that is given twice, is a problem."""
    tables: dict[str, Table] = {}
    for file in sorted(folder.iterdir()):
        if file.suffix not in SUFFIXES or file.name.startswith("."):
            continue
        kind = file.stem
        if kind not in KINDS:
            mend = did_you_mean(kind, list(KINDS)) or f"known tables: {', '.join(KINDS)}"
            problems.append(Problem(str(file), f"there is no table {kind!r} in a fleet", mend))
        elif kind in tables or kind in document.value:
            other = tables[kind].path if kind in tables else where(document, (kind,))
            problems.append(Problem(str(file), f"{kind} are also given in {other}", "keep one of the two"))
        else:
            tables[kind] = read_table(file, KINDS[kind])
            problems += tables[kind].problems
    return tables


def _check(fleet: Fleet, document: Document, sources: dict[str, list[int]], tables: dict[str, Table]) -> None:
    """Raise FleetError when the rows of a fleet do not fit together."""

    def place(kind: str, row: int, field: str) -> str:
        if kind in tables:
            record = tables[kind].records[row] if row < len(tables[kind].records) else None
            return tables[kind].where(row, field, getattr(record, "name", ""))
        if row >= len(sources.get(kind, ())):
            return where(document, (kind,) if kind in document.value else ())
        info = KINDS[kind].model_fields.get(field)
        key = (info.alias or field) if info else field
        return where(document, (kind, sources[kind][row], *([key] if key else [])))

    faults = check_fleet(fleet)
    if faults:
        raise FleetError(Problem(place(f.kind, f.row, f.field), f.what, f.mend) for f in faults)


def _write_folder(fleet: Fleet, folder: Path, suffix: str) -> None:
    """Write a folder that holds exactly this fleet; tables of an earlier one are removed."""
    folder.mkdir(parents=True, exist_ok=True)
    for kind, model in KINDS.items():
        if fleet.rows(kind):
            write_table(folder / f"{kind}{suffix}", model, fleet.rows(kind))
        for other in SUFFIXES:
            if other != suffix or not fleet.rows(kind):
                (folder / f"{kind}{other}").unlink(missing_ok=True)
    write_atomic(folder / HEAD, dump(_document(fleet, [])))


def _document(fleet: Fleet, kinds: list[str]) -> dict[str, Any]:
    """Return the content of a fleet's document with the given kinds in it, rows written with brackets."""
    return dict(_entries(fleet, kinds))


def _entries(fleet: Fleet, kinds: list[str]) -> Iterator[tuple[str, Any]]:
    yield "fleet", fleet.fleet
    yield "schema", 1
    skipped = {"fleet", "schema_", *KINDS}
    yield from fleet.model_dump(
        mode="json", by_alias=True, exclude_unset=True, exclude=skipped, context={"document": True}
    ).items()
    for kind in kinds:
        if fleet.rows(kind):
            adapter = TypeAdapter(tuple[KINDS[kind], ...])  # type: ignore[valid-type]
            rows = adapter.dump_python(
                fleet.rows(kind), mode="json", by_alias=True, exclude_unset=True, context={"document": True}
            )
            yield kind, compress_rows(rows, KINDS[kind])
