"""Importers: a foreign format as a fleet, with an account of what was read, inferred and dropped."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from twin.sync.account import Imported
from twin.sync.openb import import_openb
from twin.sync.options import Options
from twin.sync.sndlib import import_sndlib
from twin.sync.spot2026 import import_spot2026
from twin.sync.topologyzoo import import_topologyzoo
from twin.sync.trafficmatrix import import_trafficmatrix


class Importer(NamedTuple):
    """One kind of foreign data: what reads it, and the choices that this understands."""

    kind: str
    read: Callable[[Path, Options], Imported]
    help: str
    options: tuple[str, ...]


_GRID = ("carbon_zone", "price_zone", "weather_zone", "grid", "start", "days")
_LAYOUT = ("servers_per_rack", "racks_per_row")

IMPORTERS: tuple[Importer, ...] = (
    Importer(
        "openb",
        import_openb,
        "Alibaba openb 2023: 1 523 nodes and a list of pods",
        ("pods", "at_s", "fill", *_LAYOUT, *_GRID),
    ),
    Importer(
        "spot2026",
        import_spot2026,
        "Alibaba spot GPU inventory 2026: 4 278 nodes",
        ("fill", *_LAYOUT, *_GRID),
    ),
    Importer(
        "sndlib",
        import_sndlib,
        "a backbone of SNDlib (JSON)",
        ("network", "unit", "scale", *_GRID),
    ),
    Importer(
        "topologyzoo",
        import_topologyzoo,
        "a backbone of the Topology Zoo (Repetita)",
        ("network", "demands", "scale", *_GRID),
    ),
    Importer(
        "trafficmatrix",
        import_trafficmatrix,
        "measured traffic matrices over a backbone of SNDlib (Parquet)",
        ("network", "unit", "scale", "carbon_zone", "price_zone", "weather_zone", "grid", "days"),
    ),
)


def find(kind: str) -> Importer | None:
    """Return the importer of a kind, or None."""
    return next((importer for importer in IMPORTERS if importer.kind == kind), None)
