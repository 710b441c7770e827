"""The capacity report as one self-contained HTML file: no scripts, nothing fetched, fit for phones and paper."""

from __future__ import annotations

from markupsafe import Markup

from reports.capacity import filled
from reports.capacity.blocks import TONES, Block, shown
from reports.page import ENVIRONMENT
from twin.records.capacity_report import CapacityReport


def render_html(report: CapacityReport) -> str:
    """Return the page; every name in it is escaped."""
    sections = filled(report)
    style = Markup("\n").join(
        Markup(ENVIRONMENT.get_template(name).render()) for name in ("verdict.css", "capacity.css")
    )
    return ENVIRONMENT.get_template("capacity.html.j2").render(
        report=report,
        headline=_headline(sections[0][1]),
        style=style,
        sections=sections,
        kind=lambda block: type(block).__name__,
        shown=shown,
        tones=TONES,
    )


def _headline(blocks: list[Block]) -> str:
    return next((str(getattr(block, "text", "")) for block in blocks), "")
