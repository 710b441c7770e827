"""What every section of the HTML report gets to see, and the templates it is written with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup

from reports.svg import offset
from reports.trace import Trace
from twin.model.plan import Plan
from twin.records import text
from twin.records.verdict import GateResult, Verdict, clock


@dataclass(frozen=True)
class Page:
    """The verdict, the plan when it is at hand, the time series of the devices that broke a gate.

    `stored` is the file that the verdict is stored in as JSON, where it is known.
    """

    verdict: Verdict
    plan: Plan | None = None
    traces: Sequence[Trace] = field(default=())
    stored: str = ""

    @property
    def gates(self) -> list[GateResult]:
        """The gates, worst first."""
        return text.by_severity(self.verdict.gate_results)


def fill(source: str, **values: Any) -> Markup:
    """Return a template with its values filled in, all of them escaped."""
    return Markup(_template(source).render(**values))


@cache
def _template(source: str) -> Template:
    return ENVIRONMENT.from_string(source)


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(text=text, clock=clock, offset=offset, plural=text.count)
    return environment


ENVIRONMENT = _environment()
