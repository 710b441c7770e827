"""The other faces of the capacity report: Markdown, CSV tables, JSON, and where they are written."""

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reports.capacity import filled
from reports.capacity.blocks import Column, Grid, shown
from reports.capacity.jsonout import parse_json, render_json
from reports.capacity.markdown import render_markdown
from reports.capacity.outputs import plan_outputs, write_report
from reports.capacity.tables import render_tables
from tests.reports.capacity.hostile import hostile_report
from tests.reports.capacity.samples import sample_capacity, sample_report
from twin.model.errors import UsageError

GOLDEN = Path(__file__).parent / "golden"


@pytest.mark.parametrize("name", ["expansion", "capacity"])
def test_the_markdown_reads_as_the_golden_page(name: str) -> None:
    report = sample_report() if name == "expansion" else sample_report(sample_capacity())
    assert render_markdown(report) == (GOLDEN / f"{name}.md").read_text(encoding="utf-8")


def test_markdown_tables_have_as_many_cells_as_columns() -> None:
    for report in (sample_report(), hostile_report()):
        width = 0
        for line in render_markdown(report).splitlines():
            if line.startswith("|"):
                cells = line.replace("\\|", "").count("|")
                assert width in (0, cells), line
                width = cells
            else:
                width = 0


def test_hostile_names_break_no_markdown() -> None:
    page = render_markdown(hostile_report())
    fenced = page.split("```")
    assert len(fenced) == 3  # one block of commands, which nothing ends early
    assert "<script" not in "".join(part for part in (fenced[0], fenced[2])).replace(_spans(page), "")


def _spans(page: str) -> str:
    """Return the code span of a hostile command, in which nothing is markup."""
    start = page.index("Made by: ") + len("Made by: ")
    return page[start : page.index(".", page.index("amp;", start))]


def test_tables_have_every_row_and_read_back() -> None:
    tables = render_tables(sample_report())
    rows = list(csv.DictReader(io.StringIO(tables["demand_supply.csv"])))
    assert len(rows) == 5 * 24
    table = sample_report().solution.table("demand_supply")
    assert table is not None
    assert sorted(float(row["demand_rru"]) for row in rows) == sorted(
        float(row[3] or 0) for row in table.rows
    )
    assert {"orders.csv", "risk.csv", "losses.csv", "domains.csv", "headroom.csv", "states.csv"} <= set(
        tables
    )
    risks = list(csv.DictReader(io.StringIO(tables["risk.csv"])))
    assert float(risks[0]["chance"]) == max(risk.chance for risk in sample_report().risks)


def test_no_two_tables_share_a_file() -> None:
    for report in (sample_report(), sample_report(sample_capacity())):
        names = [block.name for _, blocks in filled(report) for block in blocks if isinstance(block, Grid)]
        assert len(names) == len(set(names))


def test_a_spreadsheet_runs_no_formula() -> None:
    tables = render_tables(hostile_report("=cmd()"))
    for content in tables.values():
        for row in csv.reader(io.StringIO(content)):
            assert "=cmd()" not in row


def test_json_goes_there_and_back() -> None:
    report = sample_report()
    assert parse_json(render_json(report)) == report
    with pytest.raises(UsageError, match="is not a capacity report"):
        parse_json("{}")


@pytest.mark.parametrize(
    ("value", "kind", "words"),
    [
        (None, "number", "–"),
        ("", "text", "–"),
        ((), "text", "–"),
        (1234567.8, "number", "1,234,568"),
        (0.12345, "number", "0.123"),
        (0.48912, "share", "48.9 %"),
        (("a", "b"), "text", "a, b"),
        (tuple("abcdef"), "text", "a, b, c, d … and 2 more"),
        ("2026-12", "number", "2026-12"),
    ],
)
def test_values_read_as_a_person_writes_them(value: object, kind: str, words: str) -> None:
    assert shown(value, Column("x", "x", kind)) == words  # type: ignore[arg-type]


def test_a_file_is_known_by_its_ending(tmp_path: Path) -> None:
    kinds = {
        name: plan_outputs(tmp_path / name, ())[0].kind for name in ("a.html", "a.md", "a.json", "tables")
    }
    assert kinds == {"a.html": "html", "a.md": "md", "a.json": "json", "tables": "csv"}
    with pytest.raises(UsageError, match="end it in"):
        plan_outputs(tmp_path / "a.pdf", ())
    with pytest.raises(UsageError, match="nowhere to write"):
        plan_outputs(None, ())
    with pytest.raises(UsageError, match="there is no report 'pdf'"):
        plan_outputs(None, ("pdf=x.pdf",))
    with pytest.raises(UsageError, match="'csv' needs a folder"):
        plan_outputs(None, ("csv=-",))
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="is a file"):
        plan_outputs(None, (f"csv={tmp_path / 'file'}",))


def test_all_faces_are_written_at_once(tmp_path: Path) -> None:
    spec = f"html={tmp_path}/a.html,md=-,json={tmp_path}/a.json,csv={tmp_path}/tables"
    said: list[str] = []
    paths = write_report(
        sample_report(),
        plan_outputs(None, (spec,)),
        write=lambda path, content: Path(path).write_text(content, encoding="utf-8"),
        show=said.append,
    )
    assert paths == (f"{tmp_path}/a.html", f"{tmp_path}/a.json", f"{tmp_path}/tables")
    assert said[0].startswith("# ⚠️ Sign 7 orders")
    assert (tmp_path / "tables" / "orders.csv").exists()


@given(st.text(max_size=30))
@settings(max_examples=25)
def test_any_name_stays_in_its_cell(word: str) -> None:
    tables = render_tables(hostile_report(word or "x"))
    for content in tables.values():
        widths = {len(row) for row in csv.reader(io.StringIO(content, newline=""))}
        assert len(widths) == 1
