"""The capacity report as HTML: well formed, self-contained, complete, every figure with its command, and safe."""

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reports.capacity import SECTIONS, filled
from reports.capacity.blocks import Grid, Picture
from reports.capacity.html import render_html
from tests.reports.capacity.samples import (
    HOSTILE,
    hostile_report,
    sample_capacity,
    sample_expansion,
    sample_report,
)
from twin.records.capacity_report import CapacityReport

VOID = {"meta", "link", "br", "img", "input", "hr"}
WITHOUT_MONTHS = {"changes"}  # the section that only a solution without months has
PAGES = {"expansion": sample_report(), "capacity": sample_report(sample_capacity())}


class Reader(HTMLParser):
    """Collects tags, attributes and text; fails on tags that are closed in the wrong order."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.text += data


@pytest.mark.parametrize("name", PAGES)
def test_it_is_well_formed_and_fetches_nothing(name: str) -> None:
    page = render_html(PAGES[name])
    for tag, attributes in Reader(page).seen:
        assert tag not in ("script", "link", "iframe", "object", "embed", "img")
        for key in ("src", "href", "xlink:href", "data", "action", "srcset"):
            assert (attributes.get(key) or "#").startswith("#"), (tag, key)
        assert not any(key.startswith("on") for key in attributes)
    assert "@import" not in page and "url(" not in page
    assert set(re.findall(r"https?://[^\s\"'<]+", page)) <= {"http://www.w3.org/2000/svg"}
    assert len(page) < 1_000_000


def test_every_section_is_there_when_it_has_something_to_show() -> None:
    names = {section.name for section in SECTIONS}
    assert {section.name for section, _ in filled(PAGES["expansion"])} == names - WITHOUT_MONTHS
    assert {section.name for section, _ in filled(PAGES["capacity"])} == names
    page = render_html(PAGES["expansion"])
    for section, _ in filled(PAGES["expansion"]):
        assert f'<section id="{section.name}">' in page


@pytest.mark.parametrize("name", PAGES)
def test_every_figure_names_its_command(name: str) -> None:
    figures = [
        block for _, blocks in filled(PAGES[name]) for block in blocks if isinstance(block, (Grid, Picture))
    ]
    assert len(figures) > 15
    assert all(block.command.startswith("fleetwin ") for block in figures)
    page = render_html(PAGES[name])
    assert page.count("<figure") == page.count("made by <code>fleetwin ") == len(figures)


def test_the_decision_comes_first() -> None:
    words = " ".join(Reader(render_html(PAGES["expansion"])).text.split())
    headline = "Sign 7 orders for 48.2 million USD, the first overdue since 2026-11-30"
    assert headline in words
    assert words.index(headline) < words.index("Demand and supply")
    assert "Without it: 6,480 RRU short" in words
    assert "1 order should have left already" in words


def test_a_solution_without_months_says_so_and_shows_the_difference_to_today() -> None:
    words = " ".join(Reader(render_html(PAGES["capacity"])).text.split())
    # front +28 -18, back -28 +11, ml +7 -7: 46 gained, 53 given up.
    assert "Reassign 53 servers among 3 reservations" in words
    assert "This solution has no months" in words
    assert "it has no months, and says nothing about what to order" in words
    assert "front at ams1" in words and "+28" in words and "−28" in words


def test_the_horizon_says_where_the_plan_ends() -> None:
    words = " ".join(Reader(render_html(PAGES["expansion"])).text.split())
    assert "Until 2027-06 nothing that is ordered now arrives (server compute, 6 months)" in words
    assert "ordered after 2027-12 arrives beyond it" in words
    assert "Beyond 2028-11 it says nothing" in words


def _with(report: CapacityReport, **changes: object) -> str:
    return " ".join(Reader(render_html(report.model_copy(update=changes))).text.split())


def test_what_speaks_against_signing_is_said() -> None:
    report = sample_report()
    assert report.verdict is not None
    failed = report.verdict.model_copy(
        update={"result": "fail", "headline": "FAIL: the plan breaks a blocking limit"}
    )
    assert "Do not sign: the twin says FAIL" in _with(report, verdict=failed)
    other = failed.model_copy(update={"about_this_plan": False})
    assert "Do not sign" not in _with(report, verdict=other)
    assert "is about another plan and counts for nothing here" in _with(report, verdict=other)
    assert "The twin has not judged this plan" in _with(report, verdict=None)
    nothing = sample_expansion().model_copy(update={"status": "nothing"})
    assert "There is no plan to sign: the solver found none" in _with(report, solution=nothing)
    assert "Solve again" in _with(report, warnings=("solve again",))


def test_the_banner_is_green_only_without_doubts() -> None:
    report = sample_report()
    assert 'class="banner warn"' in render_html(report)
    calm = sample_expansion().model_copy(update={"shortfalls": ()})
    good = report.model_copy(update={"solution": calm, "risks": (), "orders": report.orders[1:]})
    assert 'class="banner pass"' in render_html(good)


def test_the_same_record_gives_the_same_bytes() -> None:
    again = CapacityReport.model_validate_json(sample_report().model_dump_json())
    assert render_html(again) == render_html(sample_report())


def test_hostile_names_are_words() -> None:
    page = render_html(hostile_report())
    assert {tag for tag, _ in Reader(page).seen}.isdisjoint({"script", "img", "link"})
    assert "<script" not in page
    assert "<script>alert(1)</script>" in Reader(page).text
    assert f"Capacity report: {HOSTILE}" not in page


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=40))
@settings(max_examples=15)
def test_any_name_gives_the_same_tags(word: str) -> None:
    tags = [tag for tag, _ in Reader(render_html(hostile_report(word))).seen]
    assert set(tags) <= set(_KNOWN_TAGS)
    assert "script" not in tags


_KNOWN_TAGS = {
    tag for report in (*PAGES.values(), hostile_report("x")) for tag, _ in Reader(render_html(report)).seen
}
