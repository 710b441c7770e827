"""Whatever the files hold, an importer gives a valid fleet or a located error, and nothing else."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twin.model.checks import check_fleet
from twin.model.errors import FleetwinError
from twin.sync.account import Imported
from twin.sync.openb import NODES, PODS, import_openb
from twin.sync.options import Options
from twin.sync.sndlib import import_sndlib
from twin.sync.spot2026 import NODES as SPOT_NODES
from twin.sync.spot2026 import import_spot2026
from twin.sync.topologyzoo import import_topologyzoo

DATA = Path(__file__).parent / "data"
Reader = Callable[[Path, Options], Imported]
# (importer, its files, whether it is given the first file or their folder)
CASES = [
    pytest.param(import_openb, [DATA / "openb" / NODES, DATA / "openb" / PODS], id="openb"),
    pytest.param(import_spot2026, [DATA / "spot2026" / SPOT_NODES], id="spot2026"),
    pytest.param(import_sndlib, [DATA / "sndlib" / "tiny.json"], id="sndlib"),
    pytest.param(
        import_topologyzoo,
        [DATA / "topologyzoo" / "Tiny.graph", DATA / "topologyzoo" / "Tiny.0000.demands"],
        id="zoo",
    ),
]
WORDS = [
    "",
    "0",
    "-1",
    "1e14",
    "1e999",
    "nan",
    "x" * 200,
    'é|"',
    "a b/c",
    "\x00",
    "9999999999999999999",
    "null",
    ",",
    "\n",
]
edits = st.lists(
    st.tuples(st.integers(0, 1), st.floats(0, 1), st.integers(0, 12), st.sampled_from(WORDS)),
    min_size=1,
    max_size=4,
)


@pytest.mark.parametrize(("reader", "files"), CASES)
@settings(max_examples=40)
@given(edits=edits)
def test_edited_files_are_imported_or_refused(
    reader: Reader, files: list[Path], edits: list[tuple[int, float, int, str]]
) -> None:
    texts = [file.read_text() for file in files]
    for which, where, length, word in edits:
        text = texts[which % len(texts)]
        at = int(where * len(text))
        texts[which % len(texts)] = text[:at] + word + text[at + length :]
    with tempfile.TemporaryDirectory() as folder:
        for file, text in zip(files, texts, strict=True):
            (Path(folder) / file.name).write_text(text)
        try:
            imported = reader(Path(folder) / files[0].name, Options())
        except FleetwinError as error:
            assert str(error)
        else:
            assert check_fleet(imported.fleet) == []


@pytest.mark.parametrize(("reader", "files"), CASES)
@given(content=st.binary(max_size=200))
@settings(max_examples=20)
def test_arbitrary_bytes_are_refused(reader: Reader, files: list[Path], content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for file in files:
            (Path(folder) / file.name).write_bytes(content)
        with pytest.raises(FleetwinError):
            reader(Path(folder) / files[0].name, Options())


# One cell of each kind, replaced by each word: what blind edits rarely hit.
@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize(
    ("reader", "name", "before"),
    [
        pytest.param(import_openb, "openb/" + NODES, "T4", id="model"),
        pytest.param(import_openb, "openb/" + NODES, "node-04", id="sn"),
        pytest.param(import_openb, "openb/" + NODES, "393216", id="memory"),
        pytest.param(import_openb, "openb/" + PODS, ",4000,", id="pod cpu"),
        pytest.param(import_spot2026, "spot2026/" + SPOT_NODES, "A100-SXM4-80GB", id="gpu_model"),
        pytest.param(import_sndlib, "sndlib/tiny.json", "Hamburg", id="id"),
        pytest.param(import_sndlib, "sndlib/tiny.json", "10000.0", id="capacity"),
        pytest.param(import_sndlib, "sndlib/tiny.json", "100.0", id="demand"),
        pytest.param(import_topologyzoo, "topologyzoo/Tiny.graph", "3_Nowhere", id="label"),
        pytest.param(import_topologyzoo, "topologyzoo/Tiny.graph", "2488320", id="bw"),
        pytest.param(import_topologyzoo, "topologyzoo/Tiny.graph", "27000", id="delay"),
    ],
)
def test_a_strange_cell_is_imported_or_refused(reader: Reader, name: str, before: str, word: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for file in (DATA / name).parent.iterdir():
            text = file.read_text()
            new = (
                text.replace(before, f",{word}," if before.startswith(",") else word)
                if file.name == Path(name).name
                else text
            )
            (Path(folder) / file.name).write_text(new)
        try:
            assert check_fleet(reader(Path(folder) / Path(name).name, Options()).fleet) == []
        except FleetwinError as error:
            assert str(error)
