"""A file appears whole or not at all."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys

import pytest

from twin.files.atomic import write_atomic


def test_text_and_bytes(tmp_path):
    write_atomic(tmp_path / "a", "é\n")
    assert (tmp_path / "a").read_bytes() == "é\n".encode()
    write_atomic(str(tmp_path / "a"), b"\xff")
    assert (tmp_path / "a").read_bytes() == b"\xff"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_permissions_are_those_of_an_ordinary_file_or_of_the_old_one(tmp_path):
    (tmp_path / "ordinary").write_text("")
    write_atomic(tmp_path / "new", "x")
    assert (tmp_path / "new").stat().st_mode == (tmp_path / "ordinary").stat().st_mode
    (tmp_path / "new").chmod(0o640)
    write_atomic(tmp_path / "new", "y")
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o640


def test_a_full_disk_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    (tmp_path / "a").write_text("old")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "no space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="no space") as caught:
        write_atomic(tmp_path / "a", "new")
    assert caught.value.errno == errno.ENOSPC
    assert (tmp_path / "a").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_killed_writer_leaves_the_old_file(tmp_path):
    (tmp_path / "a").write_text("old")
    script = (
        "import os, signal, sys; from twin.files.atomic import write_atomic\n"
        "os.fsync = lambda _: os.kill(os.getpid(), signal.SIGKILL)\n"
        "write_atomic(sys.argv[1], 'new' * 100000)\n"
    )
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path / "a")], check=False)
    assert done.returncode == -signal.SIGKILL
    assert (tmp_path / "a").read_text() == "old"
    assert not [path for path in tmp_path.iterdir() if path.suffix not in ("", ".part")]
