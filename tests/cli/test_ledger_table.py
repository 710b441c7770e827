"""`fleetwin simulate --by`: what is printed and written adds up."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import twin.cli.ledger_table as tables
from scenarios.fleets.example import example_fleet
from twin.evaluate import simulate
from twin.evaluate.single import Played
from twin.files.fleet import write_fleet
from twin.model.errors import UsageError
from twin.records.ledger import Ledger


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("fleet") / "fleet.yaml"
    write_fleet(example_fleet(), path)
    return str(path)


@pytest.fixture(scope="module")
def played() -> Played:
    return simulate(example_fleet(), days=0.25, narrate=False, ledger=True)


@pytest.mark.parametrize("by", [["rack"], ["service"], ["site"], ["region"], ["owner"], ["owner", "service"]])
def test_printed_rows_add_up_to_the_printed_total(played: Played, by: list[str]) -> None:
    rows = _printed(played.ledger, by)
    assert len(rows[0]) >= len(by) + len(tables.COLUMNS) - 1  # water only where towers take in any
    for column in range(len(by), len(rows[0])):
        cents = [round(100 * float(row[column].replace(",", ""))) for row in rows]
        assert sum(cents[:-1]) == cents[-1] > 0


def test_a_long_table_sums_up_the_rest(played: Played, monkeypatch: pytest.MonkeyPatch) -> None:
    racks = len(played.ledger.by("rack"))
    monkeypatch.setattr(tables, "MOST_ROWS", 10)
    rows = _printed(played.ledger, ["rack"])
    assert len(rows) == 12
    assert rows[10][0] == f"… and {racks - 10} more"
    cents = [round(100 * float(row[1].replace(",", ""))) for row in rows]
    assert sum(cents[:-1]) == cents[-1]
    charged = {account.key[0]: account.facility_j for account in played.ledger.by("rack")}
    assert sorted(charged[row[0]] for row in rows[:10]) == sorted(charged.values())[-10:]


def test_the_command_prints_and_writes_the_books(cli: Any, fleet: str, tmp_path: Path) -> None:
    out = tmp_path / "run.json"
    code, shown, _ = cli("simulate", fleet, "--days", "0.25", "--by", "site", "--by", "owner", "-o", out)
    assert code == 0
    assert "embodied" in shown
    assert "energy_kwh" not in shown
    run = json.loads(out.read_text(encoding="utf-8"))
    books = run["ledger"]
    assert books["by"] == ["site", "owner"]
    for name, total in books["total"].items():
        assert sum(account[name] for account in books["accounts"]) == total
    # The metrics of the same file are the floats that were shared out.
    assert books["total"]["facility_j"] == pytest.approx(run["metrics"]["energy_kwh"] * 3.6e6, abs=1)
    assert books["total"]["carbon_mg"] == pytest.approx(run["metrics"]["carbon_kg"] * 1e6, abs=1)
    assert books["total"]["servers_microusd"] == pytest.approx(run["metrics"]["server_cost_usd"] * 1e6, abs=1)


def test_wrong_domains_are_refused_before_anything_is_played(cli: Any, fleet: str) -> None:
    code, _, err = cli("simulate", fleet, "--days", "3660", "--by", "serwice")
    assert code == 2
    assert "did you mean 'service'" in err


def test_a_run_without_books_says_so() -> None:
    with pytest.raises(UsageError, match="ledger=True"):
        _ = simulate(example_fleet(), days=0.01, narrate=False).ledger


def test_the_narrator_tells_the_same_beside_the_books(played: Played) -> None:
    told = simulate(example_fleet(), days=0.25, ledger=True)
    assert told.ledger.total == played.ledger.total
    assert told.run.happenings == simulate(example_fleet(), days=0.25).run.happenings


def _printed(ledger: Ledger, by: list[str]) -> list[list[str]]:
    table = tables.ledger_table(ledger, by)
    return [list(row) for row in zip(*(column._cells for column in table.columns), strict=True)]
