"""The HTML report: well formed, self-contained, complete, and safe."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

import reports.sections
from reports.html import render_html
from reports.sections import SECTIONS
from reports.trace import Trace
from twin.model.plan import Plan
from twin.records.verdict import Verdict

VOID = {"meta", "link", "br", "img", "input", "hr"}
TRACE = Trace(
    gate="breakers",
    thing="ams1-panel-b1",
    quantity="peak",
    unit="kVA",
    plan=((0.0, 178.0), (1500.0, 260.0)),
    reference=((0.0, 150.0), (1500.0, 210.0)),
    end_s=14400.0,
    limit=250.0,
)


class Reader(HTMLParser):
    """Collects tags and text; fails on tags that are closed in the wrong order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""

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


def read(page: str) -> Reader:
    reader = Reader()
    reader.feed(page)
    reader.close()
    assert reader.open == []
    return reader


def test_it_is_well_formed_and_fetches_nothing(failed: Verdict, plan: Plan) -> None:
    page = render_html(failed, plan=plan, traces=[TRACE])
    reader = read(page)
    for tag, attributes in reader.seen:
        assert tag not in ("script", "link", "iframe", "object", "embed", "img")
        for key in ("src", "href", "xlink:href", "data", "action", "srcset"):
            assert (attributes.get(key) or "#").startswith("#"), (tag, key)
        assert not any(key.startswith("on") for key in attributes)
    assert "@import" not in page and "url(" not in page
    outside = re.findall(r"https?://[^\s\"'<]+", page)
    assert set(outside) <= {"http://www.w3.org/2000/svg"}


def test_it_tells_the_whole_story(failed: Verdict, plan: Plan) -> None:
    words = " ".join(read(render_html(failed, plan=plan, traces=[TRACE])).text.split())
    example = failed["breakers"].counter_example
    assert example is not None
    for step in example.chain:
        assert step.text in words
    for said in (
        "FAIL: the plan breaks a blocking limit",
        "fleetwin replay verdict.json breakers",
        "ams1-b02",
        "unit.maintain@1",
        "carbon_kg: no region names its grid intensity",
        "UPS batteries and generator start",
        "services.retry_budget",
        failed.plan_digest,
        "seed",
        "rating 250 kVA",
        "+0:20 after drain",
        "1 d 2 h old",
    ):
        assert said in words


def test_the_counterexamples_are_a_card_for_each_gate_that_did_not_pass(failed: Verdict, plan: Plan) -> None:
    page = render_html(failed, plan=plan)
    undone = [gate for gate in failed.gate_results if gate.result in ("fail", "error", "inconclusive")]
    assert undone
    assert len(re.findall(r'<article class="card', page)) == len(undone)
    assert all(f"{gate.id} " in page for gate in undone)


def test_the_worst_gate_comes_first(failed: Verdict) -> None:
    table = render_html(failed).split('<section id="gates">')[1]
    assert re.findall(r"<strong>(\w+)</strong>", table)[:4] == [
        "breakers",
        "energy",
        "availability",
        "latency",
    ]


def test_hostile_names_are_words(hostile: Verdict) -> None:
    reader = read(render_html(hostile))
    assert "script" not in {tag for tag, _ in reader.seen}
    assert '<script>alert("x")</script>' in reader.text


def test_sections_without_content_are_left_out(passed: Verdict, rejected: Verdict) -> None:
    assert set(re.findall(r'<section id="(\w+)">', render_html(passed))) == {
        "banner",
        "gates",
        "intervals",
        "heat",
        "footprint",
        "assumptions",
        "reproduce",
    }
    assert set(re.findall(r'<section id="(\w+)">', render_html(rejected))) >= {
        "banner",
        "findings",
        "assumptions",
    }
    assert "rack ams1-c01 is touched" in read(render_html(rejected)).text


def test_an_undecided_gate_says_what_would_decide(undecided: Verdict) -> None:
    assert "About 410 more replications of random-faults would decide." in " ".join(
        read(render_html(undecided)).text.split()
    )


def test_the_same_verdict_gives_the_same_page(failed: Verdict, plan: Plan) -> None:
    assert render_html(failed, plan=plan) == render_html(failed, plan=plan)


def test_every_section_file_is_registered() -> None:
    folder = Path(reports.sections.__file__).parent
    files = {path.stem for path in folder.glob("*.py")} - {"__init__"}
    assert (
        files
        == {section.render.__module__.rpartition(".")[2] for section in SECTIONS}
        == {row.name for row in SECTIONS}
    )


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.name)
def test_every_section_has_something_to_say(
    section: object, failed: Verdict, rejected: Verdict, plan: Plan
) -> None:
    pages = render_html(failed, plan=plan) + render_html(rejected)
    assert f'<section id="{section.name}">' in pages  # type: ignore[attr-defined]


def test_the_change_and_the_limit_stand_side_by_side(failed: Verdict) -> None:
    page = render_html(failed)
    assert (
        '<span title="(plan - reference) / reference">+0.39 % (+0.31 % … +0.47 %)</span>\n'
        '<span class="soft limit">limit +0.5 %</span>' in page
    )


def test_what_broke_two_gates_is_told_once(failed: Verdict) -> None:
    first = failed["breakers"]
    again = first.model_copy(update={"id": "trips"})
    page = render_html(failed.model_copy(update={"gate_results": (first, again)}))
    assert page.count("What led to what") == 1
    assert 'the same as for <a href="#why-breakers">breakers</a>' in page
    assert 'id="why-breakers"' in page
    assert page.count("<h4>Play it again</h4>") == 2
