"""The capacity report in a real browser: it asks for nothing, fits a phone, prints whole, and no words lie on others."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reports.capacity import filled
from reports.capacity.html import render_html
from tests.reports.capacity.hostile import hostile_report
from tests.reports.capacity.samples import sample_capacity, sample_report

CHROMIUM = shutil.which("chromium")
ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
REPORTS = {"expansion": sample_report(), "capacity": sample_report(sample_capacity())}
pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium on the path: install Debian's package chromium"),
]
TOO_WIDE = """() => [...document.querySelectorAll('body *')]
    .filter(e => { const b = e.getBoundingClientRect(); return b.width > 0 && (b.right > innerWidth + 1 || b.left < -1); })
    .map(e => `${e.tagName}.${e.className} ${Math.round(e.getBoundingClientRect().right)}`).slice(0, 10)"""
OVERLAPS = """() => {
    const found = [];
    for (const svg of document.querySelectorAll('svg.drawing')) {
        const words = [...svg.querySelectorAll('text')].map(t => [t.textContent, t.getBoundingClientRect()]);
        for (let i = 0; i < words.length; i++) for (let j = i + 1; j < words.length; j++) {
            const a = words[i][1], b = words[j][1];
            const wide = Math.min(a.right, b.right) - Math.max(a.left, b.left);
            const high = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
            if (wide > 1 && high > 0.35 * Math.min(a.height, b.height)) found.push(words[i][0] + ' / ' + words[j][0]);
        }
    }
    return found.slice(0, 10);
}"""
OUTSIDE = """() => [...document.querySelectorAll('svg.drawing text')].filter(t => {
    const a = t.getBoundingClientRect(), b = t.closest('svg').getBoundingClientRect();
    return a.left < b.left - 1 || a.right > b.right + 1 || a.top < b.top - 1 || a.bottom > b.bottom + 1;
}).map(t => t.textContent).slice(0, 10)"""


class Shown:
    """A page that is open, with everything that it asked for and complained about."""

    def __init__(self, page: Any, path: Path) -> None:
        self.page = page
        self.asked: list[str] = []
        self.complaints: list[str] = []
        page.on("request", lambda request: self.asked.append(request.url))
        page.on("console", lambda message: self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.goto(path.as_uri())


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="the Python package playwright is not installed"
    )
    with playwright.sync_playwright() as run:
        opened = run.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield opened
        opened.close()


@pytest.fixture
def show(browser: Any, tmp_path: Path) -> Iterator[Any]:
    contexts = []

    def show(page: str, *, width: int, scheme: str = "light") -> Shown:
        path = tmp_path / "capacity.html"
        path.write_text(page, encoding="utf-8")
        contexts.append(
            browser.new_context(viewport={"width": width, "height": 850}, color_scheme=scheme, offline=True)
        )
        return Shown(contexts[-1].new_page(), path)

    yield show
    for context in contexts:
        context.close()


@pytest.mark.parametrize("name", REPORTS)
@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_asks_for_nothing_and_fits(name: str, width: int, scheme: str, show: Any) -> None:
    shown = show(render_html(REPORTS[name]), width=width, scheme=scheme)
    assert [url for url in shown.asked if not url.startswith("file:")] == []
    assert len(shown.asked) == 1  # the page itself
    assert shown.complaints == []
    assert shown.page.evaluate("document.documentElement.scrollWidth") <= width
    assert shown.page.evaluate(TOO_WIDE) == []
    assert shown.page.evaluate(OVERLAPS) == []
    assert shown.page.evaluate(OUTSIDE) == []


def test_words_on_a_phone_are_large_enough(show: Any) -> None:
    shown = show(render_html(REPORTS["expansion"]), width=390)
    heights = shown.page.evaluate(
        "[...document.querySelectorAll('svg.drawing text')].map(t => t.getBoundingClientRect().height)"
    )
    assert len(heights) > 100
    assert min(heights) >= 10


@pytest.mark.parametrize("name", REPORTS)
def test_every_figure_has_its_command_beside_it(name: str, show: Any) -> None:
    shown = show(render_html(REPORTS[name]), width=390)
    figures = shown.page.locator("figure")
    assert figures.count() > 15
    for figure in figures.all():
        caption = figure.locator("figcaption code")
        assert caption.count() == 1
        assert caption.is_visible()
        assert caption.inner_text().startswith("fleetwin ")


def test_hostile_names_stay_within_a_phone(show: Any) -> None:
    shown = show(render_html(hostile_report()), width=390)
    assert shown.complaints == []
    assert len(shown.asked) == 1
    assert shown.page.evaluate("document.documentElement.scrollWidth") <= 390
    long = show(render_html(hostile_report("W" * 60)), width=390)
    assert long.page.evaluate("document.documentElement.scrollWidth") <= 390
    assert long.page.evaluate(OUTSIDE) == []


@pytest.mark.parametrize("name", REPORTS)
def test_the_print_has_every_section(name: str, show: Any, tmp_path: Path) -> None:
    if shutil.which("pdftotext") is None:
        pytest.skip("no pdftotext on the path: install Debian's package poppler-utils")
    shown = show(render_html(REPORTS[name]), width=1280)
    paper = tmp_path / "capacity.pdf"
    shown.page.pdf(path=str(paper), format="A4", prefer_css_page_size=True, print_background=True)
    done = subprocess.run(
        ["pdftotext", "-layout", str(paper), "-"], capture_output=True, text=True, check=True
    )
    words = re.sub(r"\s+", " ", done.stdout)
    for section, _ in filled(REPORTS[name]):
        assert section.title in words, section.name
    assert "capacity planning" in words  # room to sign
    assert "How to reproduce it" in words


def test_paper_is_wide_enough(show: Any) -> None:
    shown = show(render_html(REPORTS["expansion"]), width=688)  # A4 less its margins, in CSS pixels
    shown.page.emulate_media(media="print")
    assert shown.page.evaluate("document.documentElement.scrollWidth") <= 688
    assert shown.page.evaluate(OVERLAPS) == []
