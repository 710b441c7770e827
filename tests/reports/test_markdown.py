"""Markdown: failures first, nothing hostile, never too long."""

from pathlib import Path

import pytest

from reports.markdown import LIMIT, escape, render_markdown
from twin.records.verdict import Verdict

GOLDEN = Path(__file__).parent / "golden" / "failed.md"


def test_a_failed_verdict_reads_as_the_golden_page(failed: Verdict) -> None:
    assert render_markdown(failed) == GOLDEN.read_text(encoding="utf-8")


def test_the_failing_row_comes_first(failed: Verdict) -> None:
    rows = [line for line in render_markdown(failed).splitlines() if line.startswith("| ")]
    assert "fail | breakers" in rows[1]


@pytest.mark.parametrize("limit", [900, 2000, 3000, 4000, 6000, LIMIT])
def test_a_cut_page_says_how_much_is_missing_and_closes_what_is_open(failed: Verdict, limit: int) -> None:
    gate = failed["latency"]
    many = gate.model_copy(update={"rows": gate.rows * 400})
    page = render_markdown(
        failed.model_copy(update={"gate_results": (failed["breakers"], many)}), limit=limit
    )
    assert len(page.encode()) <= limit
    assert page.count("```") % 2 == 0
    assert page.count("<details>") == page.count("</details>")
    assert "more lines left out" in page
    assert page.startswith("## ❌ FAIL")


def test_a_whole_page_leaves_nothing_out(failed: Verdict) -> None:
    assert "left out" not in render_markdown(failed)


def test_hostile_names_are_words(hostile: Verdict) -> None:
    page = render_markdown(hostile)
    assert "<script" not in page.replace("fleetwin replay <script", "")
    assert "```" not in page.replace("```sh\n", "").replace("\n```", "")


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("a|b", r"a\|b"),
        ("<b>&amp;", "&lt;b>&amp;amp;"),
        ("r[01-40]", r"r\[01-40\]"),
        ("peak_factor", "peak_factor"),
        ("_x_", r"\_x\_"),
        ("two\nlines", "two lines"),
        ("# head", r"\# head"),
        ("@octocat", "@&#8203;octocat"),
        ("`x`", r"\`x\`"),
        ("x" * 1000, "x" * 300 + "…"),
    ],
)
def test_words_are_escaped(words: str, shown: str) -> None:
    assert escape(words) == shown


def test_what_is_rejected_has_a_table_of_findings(rejected: Verdict) -> None:
    page = render_markdown(rejected)
    assert (
        "| scope | plans/row-b.yaml:14 | rack ams1-c01 is touched by step 'drain' but not in scope |" in page
    )
    assert "| result | gate |" not in page
