"""`fleetwin new`: any size, never over what is there."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from scenarios.generate import generate
from twin.files.fleet import read_fleet


@pytest.mark.parametrize("tables", ["csv", "parquet"])
def test_new_writes_a_fleet_that_reads_back(cli: Callable[..., Any], tmp_path: Path, tables: str) -> None:
    folder = tmp_path / "estate"
    outcome = cli("new", folder, "--servers", 300, "--seed", 4, "--tables", tables)
    assert outcome.code == 0
    assert "300 servers" in outcome.out
    assert (folder / f"racks.{tables}").exists()
    assert read_fleet(folder) == generate(300, seed=4)


def test_new_does_not_overwrite(cli: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    outcome = cli("new", tmp_path, "--servers", 300)
    assert outcome.code == 2
    assert "not empty" in outcome.err
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_absurd_sizes_are_usage_errors(cli: Callable[..., Any], tmp_path: Path) -> None:
    assert cli("new", tmp_path / "x", "--servers", 3).code == 2
    assert cli("new", tmp_path / "x", "--servers", 2_000_000).code == 2
    assert not (tmp_path / "x").exists()
