"""Carbon, price and weather of the example's regions: means per hour of the day (UTC) in November.

Life-cycle g/kWh of 2023 (Electricity Maps), day-ahead USD/MWh of 2023, °C at 2 m of 2021-23 (Open-Meteo),
computed from the public series of the zones that are named.
"""

from __future__ import annotations

from typing import NamedTuple


class Hourly(NamedTuple):
    """The means of the 24 hours of a day in a zone."""

    zone: str
    values: tuple[float, ...]


class Grid(NamedTuple):
    """What a region's grid and weather are like."""

    carbon: Hourly
    price: Hourly
    outdoor: Hourly


def _hourly(zone: str, values: str) -> Hourly:
    return Hourly(zone, tuple(float(value) for value in values.split()))


GRID: dict[str, Grid] = {
    "europe": Grid(
        carbon=_hourly(
            "DE-LU",
            "363 361 356 357 368 383 398 395 385 375 369 368 374 387 404 412 410 412 410 406 399 397 390 382",
        ),
        price=_hourly(
            "NL",
            "74 69 65 63 67 81 101 118 121 112 104 100 98 102 112 123 138 147 138 123 110 101 93 83",
        ),
        outdoor=_hourly(
            "DE-LU",
            "5.8 5.7 5.6 5.4 5.3 5.3 5.2 5.3 6 6.8 7.6 8.3 8.5 8.7 8.7 8.1 7.2 6.9 6.6 6.3 6 5.8 5.6 5.5",
        ),
    ),
    "us-east": Grid(
        carbon=_hourly(
            "US-PJM",
            "385 384 383 381 375 370 367 366 366 368 373 378 382 379 377 377 376 374 371 370 374 381 385 387",
        ),
        price=_hourly(
            "US-PJM",
            "39 43 49 63 60 43 38 35 33 32 30 29 32 35 37 50 69 63 43 33 34 34 32 35",
        ),
        outdoor=_hourly(
            "US-PJM",
            "8 7.6 7.2 6.9 6.5 6.2 6 5.6 5.3 5 4.7 4.5 4.8 6.2 8 9.6 10.9 11.7 12.3 12.4 12.2 11.2 9.2 8.3",
        ),
    ),
    "asia": Grid(
        carbon=_hourly(
            "SG",
            "486 478 472 469 469 472 478 482 486 491 493 494 494 494 494 494 495 495 495 495 495 495 495 492",
        ),
        price=_hourly(
            "SG",
            "106 106 106 106 105 122 183 193 210 258 201 148 150 148 186 168 110 104 94 90 85 85 96 104",
        ),
        outdoor=_hourly(
            "SG",
            "25.7 26.9 27.7 28.3 28.6 28.8 28.6 28.3 28.1 28 27.7 27 26.9 26.5 26.3 26 25.8 25.6 25.5 "
            "25.3 25.1 25 24.9 24.9",
        ),
    ),
}
