"""The sections of the HTML report, in reading order: one file each, registered here by hand.

A section module has `render(page) -> Markup`; an empty result leaves the section out. To add one: a file
here, a row below, and a test in tests/reports/test_html.py.
"""

from collections.abc import Callable
from typing import NamedTuple

from markupsafe import Markup

from reports.page import Page
from reports.sections import (
    assumptions,
    banner,
    counterexamples,
    findings,
    footprint,
    gates,
    heat,
    intervals,
    plan,
    reproduce,
)


class Section(NamedTuple):
    """One section: its anchor, its heading, and the function that writes it."""

    name: str
    title: str
    render: Callable[[Page], Markup]


SECTIONS = (
    Section("banner", "", banner.render),
    Section("findings", "What the static checks refuse", findings.render),
    Section("gates", "Gates", gates.render),
    Section("counterexamples", "Why", counterexamples.render),
    Section("intervals", "How sure we are", intervals.render),
    Section("heat", "Every gate in every scenario", heat.render),
    Section("plan", "The plan", plan.render),
    Section("footprint", "What was put to the test", footprint.render),
    Section("assumptions", "What this rests on", assumptions.render),
    Section("reproduce", "How to reproduce it", reproduce.render),
)
