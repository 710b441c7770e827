"""An import is written whole or not at all, and never over something else by accident."""

from __future__ import annotations

from pathlib import Path

import pytest

from twin.files.fleet import read_fleet
from twin.model.errors import UsageError
from twin.sync import write
from twin.sync.account import Imported
from twin.sync.openb import import_openb
from twin.sync.options import Options
from twin.sync.write import write_import


@pytest.fixture(scope="module")
def imported() -> Imported:
    return import_openb(Path(__file__).parent / "data" / "openb", Options())


def test_a_folder_that_holds_something_is_replaced_only_when_told(imported: Imported, tmp_path: Path) -> None:
    folder = tmp_path / "fleet"
    folder.mkdir()
    write_import(imported, folder)  # an empty folder is fine
    (folder / "mine.txt").write_text("keep me")
    with pytest.raises(UsageError, match="--force"):
        write_import(imported, folder)
    assert (folder / "mine.txt").exists()
    write_import(imported, folder, force=True)
    assert not (folder / "mine.txt").exists()
    assert read_fleet(folder) == imported.fleet
    assert [path.name for path in tmp_path.iterdir()] == ["fleet"]


def test_a_file_is_never_replaced(imported: Imported, tmp_path: Path) -> None:
    (tmp_path / "fleet").write_text("a file")
    with pytest.raises(UsageError, match="is a file, not a folder"):
        write_import(imported, tmp_path / "fleet", force=True)


def test_a_folder_that_holds_no_fleet_is_never_replaced(imported: Imported, tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(UsageError, match="holds no fleet"):
        write_import(imported, tmp_path, force=True)
    assert (tmp_path / "thesis.tex").exists()


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError("no space left")])
def test_an_interrupted_write_leaves_what_was_there(
    imported: Imported, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    folder = tmp_path / "fleet"
    folder.mkdir()
    (folder / "fleet.yaml").write_text("old")

    def interrupted(*_: object) -> None:
        raise error

    monkeypatch.setattr(write, "write_document", interrupted)
    with pytest.raises((KeyboardInterrupt, OSError)):
        write_import(imported, folder, force=True)
    assert [str(path.relative_to(tmp_path)) for path in sorted(tmp_path.rglob("*"))] == [
        "fleet",
        "fleet/fleet.yaml",
    ]
