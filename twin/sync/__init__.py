"""Importers: a foreign format as a fleet, with an account of what was read, inferred and dropped."""

from __future__ import annotations

from typing import NamedTuple


class Importer(NamedTuple):
    """One kind of foreign data: its reader as ``module:function``, and the options that this understands."""

    kind: str
    target: str
    help: str
    options: tuple[str, ...]


_GRID = ("carbon_zone", "price_zone", "weather_zone", "grid", "start", "days")
_LAYOUT = ("servers_per_rack", "racks_per_row")

IMPORTERS: tuple[Importer, ...] = (
    Importer(
        "openb",
        "twin.sync.openb:import_openb",
        "Alibaba openb 2023: 1 523 nodes and a list of pods",
        ("pods", "at_s", "fill", *_LAYOUT, *_GRID),
    ),
    Importer(
        "spot2026",
        "twin.sync.spot2026:import_spot2026",
        "Alibaba spot GPU inventory 2026: 4 278 nodes",
        ("fill", *_LAYOUT, *_GRID),
    ),
    Importer(
        "sndlib",
        "twin.sync.sndlib:import_sndlib",
        "a backbone of SNDlib (JSON)",
        ("network", "unit", "scale", *_GRID),
    ),
    Importer(
        "topologyzoo",
        "twin.sync.topologyzoo:import_topologyzoo",
        "a backbone of the Topology Zoo (Repetita)",
        ("network", "demands", "scale", *_GRID),
    ),
)


def find(kind: str) -> Importer | None:
    """Return the importer of a kind, or None."""
    return next((importer for importer in IMPORTERS if importer.kind == kind), None)
