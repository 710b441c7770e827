"""The commands validate, diff and schema, as a user sees them."""

from __future__ import annotations

import json

import pytest

from tests.files.samples import DOCUMENTS
from twin.files.fleet import read_fleet, write_fleet


@pytest.fixture
def folder(tmp_path, monkeypatch):
    for kind, text in DOCUMENTS.items():
        (tmp_path / f"{kind}.yaml").write_text(text)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_validate_tells_what_a_document_holds(cli, folder):
    outcome = cli("validate", "fleet.yaml", "plan.yaml", "gates.yaml", "suite.yaml")
    assert outcome.code == 0
    assert "✓ fleet.yaml: a fleet 'three-racks', sha256:" in outcome.out
    assert "11 power units, 1 plant, 3 racks" in outcome.out
    assert "49 servers, 22.3 kW at full load" in outcome.out
    assert "values: 11 measured," in outcome.out
    assert "window: 2026-11-21 01:00 UTC to 2026-11-21 05:00 UTC" in outcome.out
    assert "breakers (invariant of breaker_trips, block)" in outcome.out
    assert "scenarios: calm (0), heat (2)" in outcome.out


def test_validate_lists_every_problem_of_every_file(cli, folder):
    (folder / "plan.yaml").write_text(
        DOCUMENTS["plan"].replace("schema: 1", "schema: 2").replace("at: 0 min", "at: 0")
    )
    outcome = cli("validate", "plan.yaml", "fleet.yaml", "none.yaml")
    assert outcome.code == 2
    assert "✗ plan.yaml: 2 problems" in outcome.out
    assert "plan.yaml:7 steps[0] 'drain' at: 0 has no unit; write e.g. '0 min'" in outcome.out
    assert "✓ fleet.yaml" in outcome.out
    assert "none.yaml: there is no such file" in outcome.out


def test_validate_for_machines(cli, folder):
    outcome = cli("validate", "fleet.yaml", "none.yaml", "--json")
    fleet, none = json.loads(outcome.out)
    assert outcome.code == 2
    assert fleet["rows"]["racks"] == 3 and fleet["servers"] == 49 and fleet["problems"] == []
    assert none["problems"][0]["what"] == "there is no such file"


def test_validate_shows_brackets_as_they_are(cli, folder):
    (folder / "fleet.yaml").write_text(DOCUMENTS["fleet"].replace("12 kW", "12 kVA"))
    assert "racks[0] 'r[01-03]' budget: 'kVA' is not a unit of power" in cli("validate", "fleet.yaml").out


def test_diff_compares_content_not_files(cli, folder):
    write_fleet(read_fleet("fleet.yaml"), folder / "tables", tables="parquet")
    outcome = cli("diff", "fleet.yaml", "tables")
    assert (outcome.code, outcome.out) == (0, "no difference\n")


def test_diff_in_words_and_for_machines(cli, folder):
    (folder / "b.yaml").write_text(DOCUMENTS["fleet"].replace("12 kW", "10 kW"))
    assert cli("diff", "fleet.yaml", "b.yaml").out == "racks r[01-03]: budget 12 kW -> 10 kW\n"
    found = json.loads(cli("diff", "fleet.yaml", "b.yaml", "--json").out)
    assert found == {"equal": False, "differences": ["racks r[01-03]: budget 12 kW -> 10 kW"]}


def test_diff_of_two_kinds_is_refused(cli, folder):
    outcome = cli("diff", "fleet.yaml", "plan.yaml")
    assert outcome.code == 2
    assert "fleet.yaml is a fleet and plan.yaml is a plan" in outcome.err


def test_schema_is_printed_or_written(cli, folder):
    printed = cli("schema", "plan")
    assert json.loads(printed.out)["$id"] == "urn:fleetwin:schema:plan:1"
    assert cli("schema", "plan", "-o", "plan.schema.json").code == 0
    assert (folder / "plan.schema.json").read_text() == printed.out
    outcome = cli("schema", "paln")
    assert outcome.code == 2
    assert "did you mean 'plan'" in outcome.err


@pytest.mark.parametrize("command", ["validate", "diff", "schema"])
def test_help_has_examples(cli, command):
    outcome = cli(command, "--help")
    assert outcome.code == 0
    assert f"fleetwin {command} " in outcome.out.partition("Examples:")[2]
