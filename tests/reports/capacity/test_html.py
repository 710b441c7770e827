"""The capacity report as HTML: well formed, self-contained, complete, every figure with its command, and safe."""

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reports.capacity import SECTIONS, filled
from reports.capacity.blocks import Grid, Picture, Words
from reports.capacity.html import render_html
from reports.capacity.tables import render_tables
from tests.reports.capacity.hostile import HOSTILE, hostile_report
from tests.reports.capacity.samples import sample_capacity, sample_expansion, sample_report
from twin.records.capacity_report import CapacityReport
from twin.records.solution import Table

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
    assert "Without it: ranking short from 2027-07." in words
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
    worse = (report.states[0], report.states[2], report.states[2])
    assert "more single losses that are not survived" in _with(report, states=worse)
    assert "more single losses that are not survived" not in _with(report)
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


def test_a_table_that_no_section_draws_is_shown_as_it_is() -> None:
    shares = Table(
        name="changes",
        title="Traffic shares",
        columns=("service", "site", "plan_percent"),
        rows=(("web", "ams1", 31.5),),
    )
    solution = sample_capacity().model_copy(update={"formulation": "placement", "tables": (shares,)})
    report = sample_report(solution)
    words = _with(report)
    assert "Traffic shares" in words and "31.5" in words
    assert "A plan of placement to adopt" in words
    assert "plan_percent" in render_tables(report)["solution_changes.csv"]


def test_each_section_says_what_is_in_the_record() -> None:
    words = {
        section.name: " ".join(block.text for block in blocks if isinstance(block, Words))
        for section, blocks in filled(PAGES["expansion"])
    }
    tables = {
        section.name: {block.name: block for block in blocks if isinstance(block, Grid)}
        for section, blocks in filled(PAGES["expansion"])
    }
    assert "7 orders to place, 2 to move or retire, 48.2 million USD in all" in words["orders"]
    assert [row[2] for row in tables["orders"]["moves"].rows] == ["move", "retire"]
    assert {row[2] for row in tables["orders"]["orders"].rows} == {"server", "module"}
    assert "gpu servers one month sooner would save 88,000 USD" in words["binding"]
    assert [row[6] for row in tables["binding"]["binding"].rows] == [88_000.0, 4120.0, 310.0]
    assert "at most 0.29 % from the best (3 servers, 1.4 kW)" in words["confidence"]
    assert "short or too loaded without any loss: search" in words["survival"]
    kinds = {row[0]: row[1:] for row in tables["survival"]["losses_by_kind"].rows}
    assert kinds["site"] == (
        1,
        0,
        0,
        0,
        0,
        0,
        1,
    )  # tried; overload and short today, after the plan, after the other plan
    assert kinds["unit"] == (1, 0, 0, 0, 0, 1, 0)
    states = {str(row[0]): row for row in tables["alternatives"]["states"].rows}
    assert states["today"][1:5] == (3758, 3844.0, "none", 0)
    assert states["the other plan (grow-2027)"][4] == 2
    years = {row[0]: row[1:] for row in tables["money"]["years"].rows}
    cost = sample_expansion().table("cost")
    assert cost is not None
    assert years["in all"][2] == pytest.approx(sum(float(row[3] or 0) for row in cost.rows))
    assert years["2027"][0] == pytest.approx(
        sum(float(row[1] or 0) for row in cost.rows if str(row[0]).startswith("2027"))
    )
    carbon = sample_expansion().table("carbon")
    assert carbon is not None
    assert years["in all"][3] == pytest.approx(sum(float(row[1] or 0) for row in carbon.rows))
    assert years["in all"][4] == pytest.approx(sum(float(row[2] or 0) for row in carbon.rows))


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=40))
@settings(max_examples=15)
def test_any_name_gives_the_same_tags(word: str) -> None:
    tags = [tag for tag, _ in Reader(render_html(hostile_report(word))).seen]
    assert set(tags) <= set(_KNOWN_TAGS)
    assert "script" not in tags


_KNOWN_TAGS = {
    tag for report in (*PAGES.values(), hostile_report("x")) for tag, _ in Reader(render_html(report)).seen
}
