"""Where generated fleets stand: twelve regions with their grid, and the metropolitan areas of each.

Carbon is the life-cycle mean of 2021-23 (g/kWh), price the wholesale mean of 2023 (USD/MWh), both computed from
public hourly series of the named zone; a few zones stand in for their neighbours.
"""

from __future__ import annotations

from typing import NamedTuple


class Metro(NamedTuple):
    """An airport code and where it is (latitude, longitude)."""

    code: str
    place: tuple[float, float]


class Place(NamedTuple):
    """A region to build in."""

    region: str
    zone: str
    carbon_g_per_kwh: float
    price_usd_per_mwh: float
    utc_offset_h: float
    outdoor_c: float
    metros: tuple[Metro, ...]


PLACES: tuple[Place, ...] = (
    Place("us-east", "US-PJM", 417, 36, -5, 12.0, (Metro("iad", (39.0, -77.5)), Metro("cmh", (40.1, -82.8)))),
    Place("europe", "DE-LU", 427, 103, 1, 11.0, (Metro("fra", (50.1, 8.6)), Metro("ams", (52.3, 4.8)))),
    Place(
        "us-west", "US-CAL", 265, 62, -8, 17.0, (Metro("sjc", (37.4, -121.9)), Metro("lax", (33.9, -118.4)))
    ),
    Place(
        "asia-southeast", "SG", 490, 185, 8, 27.0, (Metro("sin", (1.3, 103.8)), Metro("jhb", (1.6, 103.7)))
    ),
    Place("japan", "JP-TK", 547, 89, 9, 16.0, (Metro("nrt", (35.8, 140.4)), Metro("kix", (34.4, 135.2)))),
    Place(
        "us-south", "US-TEX", 399, 56, -6, 20.0, (Metro("dfw", (32.9, -97.0)), Metro("iah", (30.0, -95.3)))
    ),
    Place(
        "oceania", "AU-NSW", 601, 96, 10, 18.0, (Metro("syd", (-33.9, 151.2)), Metro("cbr", (-35.3, 149.2)))
    ),
    Place("india", "IN-WE", 747, 62, 5.5, 27.0, (Metro("bom", (19.1, 72.9)), Metro("pnq", (18.6, 73.9)))),
    Place("brazil", "BR-SP", 121, 10, -3, 20.0, (Metro("gru", (-23.4, -46.5)), Metro("vcp", (-23.0, -47.1)))),
    Place("korea", "KR", 461, 111, 9, 13.0, (Metro("icn", (37.5, 126.5)), Metro("pus", (35.2, 128.9)))),
    Place("us-north", "US-NY", 273, 36, -5, 11.0, (Metro("ewr", (40.7, -74.2)), Metro("buf", (42.9, -78.7)))),
    Place("africa", "ZA", 706, 72, 2, 18.0, (Metro("jnb", (-26.1, 28.2)), Metro("cpt", (-34.0, 18.6)))),
)
