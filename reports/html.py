"""A verdict as one self-contained HTML file: no scripts, nothing fetched, fit for phones and paper."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from reports.page import ENVIRONMENT, Page
from reports.sections import SECTIONS
from reports.trace import Trace
from twin.model.plan import Plan
from twin.records import text
from twin.records.verdict import Verdict


def render_html(
    verdict: Verdict, *, plan: Plan | None = None, traces: Sequence[Trace] = (), stored: str = ""
) -> str:
    """Return the report.

    *plan* adds its steps, *traces* the series of the devices that broke a gate, *stored* the file of the verdict.
    """
    page = Page(verdict.stored_at(stored) if stored else verdict, plan, traces, stored)
    drawn = [(section, section.render(page)) for section in SECTIONS]
    style = Markup(ENVIRONMENT.get_template("verdict.css").render())
    return ENVIRONMENT.get_template("verdict.html.j2").render(
        verdict=verdict,
        outcome=text.outcome(verdict),
        style=style,
        sections=[(section, body) for section, body in drawn if body],
    )
