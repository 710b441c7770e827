"""What a person may choose about an import; every choice has a default and is told in the account."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

# A Monday inside all the grid and weather series; the traces themselves have no calendar.
DEFAULT_START = datetime(2023, 6, 5, tzinfo=UTC)


@dataclass(frozen=True)
class Options:
    """Choices of an import. Which importer understands which one stands in `IMPORTERS`.

    `at_s` is a time of the pod list (None: the instant at which most pods run); `fill` is the share of GPUs
    up to which further pods are submitted; `scale` is a factor on the demands of a backbone (None: 1, or
    what makes the fullest link half full when they do not fit); `grid` is the folder that holds the carbon,
    price and weather data sets.
    """

    at_s: float | None = None
    fill: float = 0.6
    pods: Path | None = None
    servers_per_rack: int | None = None
    racks_per_row: int = 12
    network: str | None = None
    demands: Path | None = None
    unit: str | None = None
    scale: float | None = None
    carbon_zone: str | None = None
    price_zone: str | None = None
    weather_zone: str | None = None
    grid: Path | None = None
    start: datetime = DEFAULT_START
    days: int = 28
