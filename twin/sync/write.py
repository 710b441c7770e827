"""An import as a folder: the fleet's tables, gates, suites, plans and the account; whole or not at all."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from twin.files.atomic import write_atomic
from twin.files.documents import write_document
from twin.files.fleet import HEAD, write_fleet
from twin.model.errors import UsageError
from twin.sync.account import Imported


def write_import(imported: Imported, folder: Path, *, force: bool = False) -> None:
    """Write an import to a folder; an interruption leaves the old folder or the new one, nothing in between.

    Raises
    ------
    UsageError
        When *folder* is a file, or holds something and is either no fleet or `force` is not set.
    """
    refuse_full(folder, force=force)
    folder.absolute().parent.mkdir(parents=True, exist_ok=True)
    new = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", suffix=".part", dir=folder.absolute().parent))
    try:
        new.chmod(0o755)
        _write(imported, new)
        if folder.exists():
            old = new.with_suffix(".old")
            folder.rename(old)
            new.rename(folder)
            shutil.rmtree(old)
        else:
            new.rename(folder)
    finally:
        shutil.rmtree(new, ignore_errors=True)


def refuse_full(folder: Path, *, force: bool) -> None:
    """Raise UsageError when an import must not be written to a folder."""
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is a file, not a folder")
    if not folder.is_dir() or not any(folder.iterdir()):
        return
    if not force:
        raise UsageError(f"{folder} is not empty (choose another folder, or replace it with --force)")
    if not (folder / HEAD).is_file():
        raise UsageError(
            f"{folder} is not empty and holds no fleet: it is not replaced (choose another folder)"
        )


def _write(imported: Imported, folder: Path) -> None:
    write_fleet(imported.fleet, folder)
    for place, documents in (
        ("gates", imported.gates),
        ("suites", imported.suites),
        ("plans", imported.plans),
    ):
        if documents:
            (folder / place).mkdir()
        for document in documents:
            write_document(document, folder / place / f"{document.name}.yaml")
    write_atomic(folder / "account.md", imported.account.markdown() + "\n")
