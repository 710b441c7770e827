"""Whatever is done to a document, the reader reads it or says where it is wrong. Nothing else may happen."""

from __future__ import annotations

import copy
import random
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.files.samples import DOCUMENTS
from twin.files.documents import read_any, read_gates, read_plan, read_suite
from twin.files.fleet import read_fleet, write_fleet
from twin.files.yaml import dump, parse
from twin.model.errors import DocumentError

READERS = {"fleet": read_fleet, "plan": read_plan, "gates": read_gates, "suite": read_suite}
SLOW = pytest.mark.slow
QUIET = list(HealthCheck)

# fmt: off
WORDS = [
    "no", "12:30", "017", "0o17", "~", "", "nan", ".nan", "inf", "-1 kW", "1e400 W", "1e308 GW", "0 W",
    "12 kW", "r[01-99999999]", "r[1-3", "[a-c]", "r[1-2][1-2]", "'", "*x", "&x", "!x", "a: b", "[", "{",
    "😀", "2026-02-30T00:00Z", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-12:00", "service:web",
    "±", "20 min ±", "± 5 min", "1 y ± 2 y",
    "\u202e", "\u0085", "9" * 400,
]
PIECES = [
    ": ", "- ", "[", "]", "{", "}", "'", "\"", "&a ", "*a", "!!int ", "#", ">", "%", "é", "no", "<<: ",
    "? ", "1e999", "[01-99]", "0x",
    "\0", "\ufeff", "\r", "\x1b", "\n", "\t", "---\n", "...\n", "schema: 2\n", "|",
]
CELLS = [
    "", "nan", "inf", "-1", "1e999", "~", "~~", "\"", ",", "no", "[", "{}", "a;b", "a=b", ";", "=",
    "12 kW", "é",
    "\n", "\r\n", "\0", "\udcff", "x" * 50, "1" * 30,
]
# fmt: on
NUMBERS = [10**18, -1, 0, 2**63, 10**400, 1e308, -0.0, 1e-320]
odd = st.one_of(
    st.sampled_from([*WORDS, *NUMBERS, None, True, [], [[]], [{}], {}]),
    st.integers(),
    st.floats(),
    st.text(max_size=8),
    st.lists(st.integers(), max_size=2),
    st.just({"a": {"b": [None]}}),
)


def places(value, path=()):
    """Yield the path of everything inside a document."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield (*path, key)
        yield from places(item, (*path, key))


@st.composite
def mutations(draw, kind: str):
    """Draw a document with one to three things deleted, doubled, renamed, moved or replaced."""
    value = copy.deepcopy(parse(DOCUMENTS[kind], kind).value)
    for _ in range(draw(st.integers(1, 3))):
        path = draw(st.sampled_from(sorted(places(value), key=str)))
        parent = value
        for key in path[:-1]:
            parent = parent[key]
        mutate(draw, value, parent, path[-1])
        if not isinstance(value, dict) or not value:
            break
    return value


def mutate(draw, value, parent, key) -> None:
    how = draw(st.sampled_from(["replace", "replace", "delete", "double", "rename", "transplant", "nest"]))
    if how == "replace":
        parent[key] = copy.deepcopy(draw(odd))  # the samples are shared
    elif how == "delete":
        del parent[key]
    elif how == "double" and isinstance(parent, list):
        parent.insert(key, copy.deepcopy(parent[key]))
    elif how == "rename" and isinstance(parent, dict):
        parent[
            draw(st.sampled_from(["name", "schema", "fed_by", "x", "", "no", "plan", "fleet", "racks"]))
        ] = parent.pop(key)
    elif how == "transplant":
        other = draw(st.sampled_from(sorted(places(value), key=str)))
        found = value
        for step in other:
            found = found[step]
        parent[key] = copy.deepcopy(found)
    else:
        parent[key] = [parent[key]] if draw(st.booleans()) else {"x": parent[key]}


def accept(reader, path: Path) -> None:
    """Read a file; anything but a record or located problems is a failure of the test."""
    try:
        reader(path)
    except DocumentError as error:
        assert error.exit_code == 2
        assert error.problems
        for problem in error.problems:
            assert str(path) in problem.where
            assert problem.what


@pytest.mark.parametrize("kind", READERS)
@pytest.mark.parametrize("examples", [40, pytest.param(800, marks=SLOW)])
def test_mutated_documents(tmp_path, kind, examples):
    @settings(max_examples=examples, suppress_health_check=QUIET)
    @given(mutations(kind), st.sampled_from([READERS[kind], read_any]))
    def run(value, reader):
        (tmp_path / "x.yaml").write_text(dump(value))
        accept(reader, tmp_path / "x.yaml")

    run()


@pytest.mark.parametrize("kind", READERS)
@pytest.mark.parametrize("examples", [80, pytest.param(800, marks=SLOW)])
def test_mutated_text(tmp_path, kind, examples):
    @settings(max_examples=examples, suppress_health_check=QUIET)
    @given(
        st.lists(
            st.tuples(st.integers(0, 4000), st.integers(0, 30), st.sampled_from(PIECES)),
            min_size=1,
            max_size=3,
        )
    )
    def run(cuts):
        text = DOCUMENTS[kind]
        for start, length, piece in cuts:
            start %= len(text) + 1
            text = text[:start] + piece + text[start + length :]
        (tmp_path / "x.yaml").write_text(text)
        accept(READERS[kind], tmp_path / "x.yaml")

    run()


@pytest.mark.parametrize("kind", READERS)
def test_every_truncation(tmp_path, kind):
    source = DOCUMENTS[kind].encode()
    for keep in range(0, len(source), max(1, len(source) // 40)):
        (tmp_path / "x.yaml").write_bytes(source[:keep])
        accept(READERS[kind], tmp_path / "x.yaml")


@given(source=st.binary(max_size=60))
@settings(suppress_health_check=QUIET)
@pytest.mark.parametrize("kind", READERS)
def test_any_bytes(tmp_path, kind, source):
    (tmp_path / "x.yaml").write_bytes(source)
    accept(READERS[kind], tmp_path / "x.yaml")


@pytest.fixture
def folders(tmp_path, monkeypatch):
    """Return the sample fleet as a folder of CSV and a folder of Parquet tables."""
    monkeypatch.setattr("os.fsync", lambda _: None)
    (tmp_path / "fleet.yaml").write_text(DOCUMENTS["fleet"])
    fleet = read_fleet(tmp_path / "fleet.yaml")
    for tables in ("csv", "parquet"):
        write_fleet(fleet, tmp_path / tables, tables=tables)
    return tmp_path


@pytest.mark.parametrize("examples", [40, pytest.param(400, marks=SLOW)])
def test_mutated_csv(folders, examples):
    files = {path: path.read_bytes() for path in sorted((folders / "csv").glob("*.csv"))}

    @settings(max_examples=examples, suppress_health_check=QUIET)
    @given(
        st.sampled_from(list(files)),
        st.lists(st.tuples(st.integers(0, 500), st.integers(0, 12), st.sampled_from(CELLS)), max_size=3),
    )
    def run(path, cuts):
        source = files[path]
        for start, length, cell in cuts:
            start %= len(source) + 1
            source = source[:start] + cell.encode(errors="surrogateescape") + source[start + length :]
        path.write_bytes(source)
        accept_folder(folders / "csv")
        path.write_bytes(files[path])

    run()


@pytest.mark.parametrize("examples", [40, pytest.param(400, marks=SLOW)])
def test_mutated_parquet(folders, examples):
    files = {path: path.read_bytes() for path in sorted((folders / "parquet").glob("*.parquet"))}

    @settings(max_examples=examples, suppress_health_check=QUIET)
    @given(st.sampled_from(list(files)), st.integers(0), st.integers(0, 255), st.booleans())
    def run(path, place, byte, cut):
        source = bytearray(files[path])
        place %= len(source)
        source[place] = byte
        path.write_bytes(bytes(source[:place] if cut else source))
        accept_folder(folders / "parquet")
        path.write_bytes(files[path])

    run()


def test_typed_parquet_columns_of_any_kind(folders):
    import polars as pl

    path = folders / "parquet" / "racks.parquet"
    frame = pl.read_parquet(path)
    plain = [None, float("nan"), -1, True, b"x", "x", Decimal(1), {"a": 1}]
    times = [date(2026, 1, 1), datetime(2026, 1, 1), timedelta(1)]
    values = [*plain, *times, [1], ["a"], [[1]], [b"x"], [date(2026, 1, 1)]]
    columns = [pl.Series([value] * frame.height) for value in values]
    columns += [columns[5].cast(pl.Categorical), pl.Series([2**63] * frame.height, dtype=pl.UInt64)]
    for name in ("fed_by", "budget_w"):
        for column in columns:
            frame.with_columns(column.alias(name)).write_parquet(path)
            accept_folder(folders / "parquet")


def accept_folder(folder: Path) -> None:
    """Read a folder; every problem must name one of its files."""
    try:
        read_fleet(folder)
    except DocumentError as error:
        for problem in error.problems:
            assert problem.where.startswith(f"{folder}/")
            assert problem.what


def test_the_fuzz_reaches_both_outcomes(tmp_path):
    """A check of the checks: random replacements both break documents and leave some readable."""
    outcomes = set()
    generator = random.Random(7)
    for _ in range(60):
        value = parse(DOCUMENTS["plan"], "p").value
        path = generator.choice(sorted(places(value), key=str))
        parent = value
        for key in path[:-1]:
            parent = parent[key]
        parent[path[-1]] = generator.choice(["x", "1 min", 3])
        (tmp_path / "x.yaml").write_text(dump(value))
        try:
            read_plan(tmp_path / "x.yaml")
            outcomes.add("read")
        except DocumentError:
            outcomes.add("refused")
    assert outcomes == {"read", "refused"}
