"""The capacity report: its sections in reading order, one file each, registered here by hand.

A section module has `blocks(report) -> Iterator[Block]`: what it shows, for every face of the report at once. To add one: a file
here, a row below, a line in reports/README.md and a test in tests/reports/capacity.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from reports.capacity import (
    alternatives,
    binding,
    changes,
    confidence,
    decision,
    demand,
    domains,
    horizon,
    money,
    orders,
    reproduce,
    risk,
    survival,
)
from reports.capacity.blocks import Block
from twin.records.capacity_report import CapacityReport


class Section(NamedTuple):
    """One section: its anchor, its heading, and the function that says what it shows."""

    name: str
    title: str
    blocks: Callable[[CapacityReport], Iterator[Block]]


SECTIONS = (
    Section("decision", "", decision.blocks),
    Section("demand", "Demand and supply", demand.blocks),
    Section("orders", "What to order, and by when", orders.blocks),
    Section("changes", "The difference to today", changes.blocks),
    Section("risk", "Risk of shortfall", risk.blocks),
    Section("survival", "What is survived", survival.blocks),
    Section("domains", "Headroom and stranded power", domains.blocks),
    Section("binding", "What binds", binding.blocks),
    Section("money", "Cost, energy and carbon", money.blocks),
    Section("alternatives", "Alternatives", alternatives.blocks),
    Section("horizon", "What can still be decided", horizon.blocks),
    Section("confidence", "Assumptions and confidence", confidence.blocks),
    Section("reproduce", "How to reproduce it", reproduce.blocks),
)


def filled(report: CapacityReport) -> list[tuple[Section, list[Block]]]:
    """Return every section that has something to show, with its blocks."""
    found = [(section, list(section.blocks(report))) for section in SECTIONS]
    return [(section, blocks) for section, blocks in found if blocks]
