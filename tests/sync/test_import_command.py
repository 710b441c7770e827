"""`fleetwin import`: what it prints, what it writes, and what it refuses."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from twin.files.fleet import read_fleet
from twin.sync import IMPORTERS

DATA = Path(__file__).parent / "data"
Cli = Callable[..., Any]


def test_an_import_prints_its_account_and_writes_a_folder(cli: Cli, tmp_path: Path) -> None:
    outcome = cli(
        "import", "openb", DATA / "openb", "-o", tmp_path / "out", "--fill", "50 %", "--at", "710 s"
    )
    assert outcome.code == 0, outcome.err
    for word in (
        "read",
        "inferred",
        "assumed",
        "dropped",
        "GPUs",
        "as chosen",
        "plans/drain-row.yaml",
        "account.md",
    ):
        assert word in outcome.out
    assert read_fleet(tmp_path / "out").name == "openb"


def test_the_account_may_be_json(cli: Cli, tmp_path: Path) -> None:
    outcome = cli("import", "sndlib", DATA / "sndlib", "--network", "tiny", "-o", tmp_path / "out", "--json")
    account = json.loads(outcome.out)["account"]
    assert {"verb": "read", "count": 4, "what": "nodes", "why": ""} in account


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["opnb", "x"], "no such importer: opnb (did you mean 'openb'?)"),
        (["spot2026", DATA / "spot2026", "--at", "5"], "--at means nothing to the importer spot2026"),
        (["openb", DATA / "openb", "--at", "noon"], "--at: 'noon'"),
        (["openb", DATA / "openb", "--fill", "150 %"], "is not between 0 % and 100 %"),
        (["openb", DATA / "openb", "--fill", "-1"], "is not between 0 % and 100 %"),
        (["openb", DATA / "openb", "--carbon-zone", "GB"], "there is no carbon-intensity-16-regions"),
        (["openb", DATA / "nowhere"], "there is no such file"),
        (["sndlib", DATA / "sndlib", "--network", "tiny", "--scale", "-1"], "--scale"),
    ],
)
def test_what_makes_no_sense_is_refused_and_nothing_is_written(
    cli: Cli, tmp_path: Path, arguments: list[object], said: str
) -> None:
    outcome = cli("import", *arguments, "-o", tmp_path / "out")
    assert outcome.code == 2
    assert said in outcome.err
    assert list(tmp_path.iterdir()) == []


def test_a_full_folder_is_refused_before_anything_is_read(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").touch()
    outcome = cli("import", "openb", DATA / "nowhere", "-o", tmp_path)
    assert (outcome.code, "--force" in outcome.err) == (2, True)


@pytest.mark.parametrize("importer", IMPORTERS, ids=lambda importer: importer.kind)
def test_every_importer_is_in_the_help_and_in_the_readme(cli: Cli, importer: Any) -> None:
    assert importer.kind in cli("import", "--help").out
    assert f"`{importer.kind}`" in (Path(__file__).parents[2] / "twin" / "sync" / "README.md").read_text()
