"""The example fleet: three regions, five sites, about four thousand servers, a dozen services.

Everything in it is public or made up; what is measured carries its source in the fleet's provenance.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime

from scenarios.fleets.parts import NOTES, SERVER_TYPES, TYPES
from scenarios.fleets.site import Built, RowSpec, SiteSpec, build_site, single_links
from scenarios.fleets.workload import Users, capacity_rru, demand_rows, deploy, weights_by_region, peak_rates
from twin.model.fleet import Fleet, Region, Site
from twin.model.series import Note, Series
from twin.model.servers import Reservation
from twin.model.services import Service, Slo, Storage

AS_OF = datetime(2026, 11, 20, 12, tzinfo=UTC)

# site: region, (latitude, longitude), rows of (type, racks, servers per rack, owner, single-corded racks)
_C, _M, _S, _G = "compute", "memory", "storage", "gpu"
_FRONT, _BACK, _DATA, _ML = ("front", "back", "data", "ml")
_SITES = {
    "ams1": ("europe", (52.3, 4.8)),
    "fra1": ("europe", (50.1, 8.6)),
    "iad1": ("us-east", (39.0, -77.5)),
    "cmh1": ("us-east", (40.1, -82.8)),
    "sgp1": ("asia", (1.3, 103.8)),
}
_ROWS = {
    "ams1": ((_C, 6, 26, _FRONT, 0), (_C, 6, 26, _FRONT, 0), (_C, 6, 26, _FRONT, 1), (_M, 6, 22, _BACK, 0),
             (_M, 6, 22, _BACK, 0), (_M, 6, 22, _BACK, 1), (_S, 6, 18, _DATA, 0), (_G, 4, 2, _ML, 1)),
    "fra1": ((_C, 6, 26, _FRONT, 0), (_C, 6, 26, _FRONT, 1), (_M, 6, 22, _BACK, 0), (_M, 6, 22, _BACK, 0),
             (_S, 4, 18, _DATA, 0), (_G, 3, 2, _ML, 1)),
    "iad1": ((_C, 6, 26, _FRONT, 0), (_C, 6, 26, _FRONT, 0), (_C, 6, 26, _FRONT, 1), (_M, 6, 22, _BACK, 0),
             (_M, 6, 22, _BACK, 0), (_M, 6, 22, _BACK, 1), (_S, 6, 18, _DATA, 0), (_G, 4, 2, _ML, 1)),
    "cmh1": ((_C, 6, 26, _FRONT, 0), (_C, 6, 26, _FRONT, 1), (_M, 6, 22, _BACK, 0), (_M, 6, 22, _BACK, 0),
             (_S, 4, 18, _DATA, 0), (_G, 3, 2, _ML, 1)),
    "sgp1": ((_C, 6, 26, _FRONT, 0), (_C, 3, 26, _FRONT, 1), (_M, 6, 22, _BACK, 0), (_M, 3, 22, _BACK, 0),
             (_S, 3, 18, _DATA, 0), (_G, 2, 2, _ML, 1)),
}  # fmt: skip
_BACKBONE = (
    ("ams1", "fra1"),
    ("ams1", "iad1"),
    ("fra1", "cmh1"),
    ("iad1", "cmh1"),
    ("fra1", "sgp1"),
    ("iad1", "sgp1"),
)

_SERVICES = (
    Service(name="web", tier=0, reservation=_FRONT, slots=16, service_time_s=0.025, replica_rru=0.5, locality="region",
            slo=Slo(availability=0.999, p99_s=0.25), callees={"auth": 0.3, "catalog": 1.2, "search": 0.25, "cart": 0.15},
            request_bytes=60e3, target_utilisation=0.55, max_wait_s=1.0, spread_sites=2),
    Service(name="api", tier=0, reservation=_FRONT, slots=32, service_time_s=0.016, replica_rru=0.5, locality="region",
            slo=Slo(availability=0.999, p99_s=0.15), callees={"auth": 0.5, "catalog": 0.6, "feed": 0.4},
            request_bytes=8e3, target_utilisation=0.55, max_wait_s=1.0, spread_sites=2),
    Service(name="auth", tier=0, reservation=_FRONT, slots=32, service_time_s=0.004, replica_rru=0.25, locality="region",
            slo=Slo(availability=0.9995, p99_s=0.05), callees={"cache": 1.0}, request_bytes=1e3,
            target_utilisation=0.5, max_wait_s=0.5, spread_sites=2),
    Service(name="search", tier=1, reservation=_FRONT, slots=16, service_time_s=0.030, replica_rru=0.5, locality="region",
            slo=Slo(availability=0.999, p99_s=0.3), callees={"index": 2.0, "ranking": 0.2}, request_bytes=12e3,
            target_utilisation=0.55),
    Service(name="catalog", tier=1, reservation=_BACK, slots=16, service_time_s=0.008, replica_rru=0.5, locality="region",
            slo=Slo(availability=0.999, p99_s=0.1), callees={"cache": 2.0, "db": 0.05}, request_bytes=6e3,
            target_utilisation=0.55),
    Service(name="cart", tier=1, reservation=_BACK, slots=16, service_time_s=0.010, replica_rru=0.25, locality="region",
            slo=Slo(availability=0.999, p99_s=0.15), callees={"db": 1.0, "payments": 0.1}, request_bytes=4e3,
            target_utilisation=0.5),
    Service(name="payments", tier=0, reservation=_BACK, slots=16, service_time_s=0.060, replica_rru=0.25,
            slo=Slo(availability=0.9995, p99_s=0.6), callees={"db": 2.0}, request_bytes=3e3, target_utilisation=0.4,
            retries=1, spread_sites=3),
    Service(name="feed", tier=1, reservation=_BACK, slots=16, service_time_s=0.025, replica_rru=0.5, locality="region",
            slo=Slo(availability=0.995, p99_s=0.3), callees={"cache": 1.5, "ranking": 0.1}, request_bytes=20e3,
            target_utilisation=0.55),
    Service(name="cache", tier=1, reservation=_BACK, slots=8, service_time_s=0.0008, replica_rru=0.5, locality="region",
            slo=Slo(availability=0.999, p99_s=0.01), request_bytes=2e3, target_utilisation=0.5),
    Service(name="index", tier=1, reservation=_BACK, slots=16, service_time_s=0.015, replica_rru=0.5, locality="region",
            slo=Slo(availability=0.999, p99_s=0.15), request_bytes=4e3, target_utilisation=0.55),
    Service(name="db", tier=0, reservation=_DATA, slots=16, service_time_s=0.014, replica_rru=0.3, locality="region",
            slo=Slo(availability=0.9995, p99_s=0.2), request_bytes=2e3, target_utilisation=0.45, storage="ledger",
            spread_sites=3),
    Service(name="ranking", tier=2, reservation=_ML, slots=16, service_time_s=0.035, replica_rru=1.0, locality="region",
            slo=Slo(availability=0.99, p99_s=0.4), request_bytes=8e3, target_utilisation=0.55),
    Service(name="transcode", tier=3, reservation=_FRONT, slots=8, service_time_s=4.0, replica_rru=0.5,
            slo=Slo(availability=0.95, p99_s=60.0), request_bytes=20e6, target_utilisation=0.75, max_wait_s=30.0),
)  # fmt: skip

# mean requests/s per service and region, in parts of the whole; scaled so that the tightest reservation is nearly full
_USERS = {"web": 10.0, "api": 22.0, "transcode": 0.03}
_SIZE = {"europe": 1.0, "us-east": 1.0, "asia": 0.3}
_FULL = 0.88  # of a reservation's units at a site that its replicas ask for
_GROWTH = 0.2

# Hour of local time -> demand: people shop in the evening, the jobs run evenly. Declared, not measured.
_UTC_OFFSET_H = {"europe": 1, "us-east": -5, "asia": 8}
_EVENING_H, _SWING, _WEEKEND = 20, 0.5, 1.08

# November means per hour of UTC: life-cycle g/kWh of 2023, day-ahead USD/MWh of 2023, °C at 2 m of 2021-23.
_GRID = {
    "europe": (
        "DE-LU", (363, 361, 356, 357, 368, 383, 398, 395, 385, 375, 369, 368, 374, 387, 404, 412, 410, 412, 410, 406,
                  399, 397, 390, 382),
        "NL", (74, 69, 65, 63, 67, 81, 101, 118, 121, 112, 104, 100, 98, 102, 112, 123, 138, 147, 138, 123, 110, 101,
               93, 83),
        "DE-LU", (5.8, 5.7, 5.6, 5.4, 5.3, 5.3, 5.2, 5.3, 6.0, 6.8, 7.6, 8.3, 8.5, 8.7, 8.7, 8.1, 7.2, 6.9, 6.6, 6.3,
                  6.0, 5.8, 5.6, 5.5)),
    "us-east": (
        "US-PJM", (385, 384, 383, 381, 375, 370, 367, 366, 366, 368, 373, 378, 382, 379, 377, 377, 376, 374, 371, 370,
                   374, 381, 385, 387),
        "US-PJM", (39, 43, 49, 63, 60, 43, 38, 35, 33, 32, 30, 29, 32, 35, 37, 50, 69, 63, 43, 33, 34, 34, 32, 35),
        "US-PJM", (8.0, 7.6, 7.2, 6.9, 6.5, 6.2, 6.0, 5.6, 5.3, 5.0, 4.7, 4.5, 4.8, 6.2, 8.0, 9.6, 10.9, 11.7, 12.3,
                   12.4, 12.2, 11.2, 9.2, 8.3)),
    "asia": (
        "SG", (486, 478, 472, 469, 469, 472, 478, 482, 486, 491, 493, 494, 494, 494, 494, 494, 495, 495, 495, 495, 495,
               495, 495, 492),
        "SG", (106, 106, 106, 106, 105, 122, 183, 193, 210, 258, 201, 148, 150, 148, 186, 168, 110, 104, 94, 90, 85,
               85, 96, 104),
        "SG", (25.7, 26.9, 27.7, 28.3, 28.6, 28.8, 28.6, 28.3, 28.1, 28.0, 27.7, 27.0, 26.9, 26.5, 26.3, 26.0, 25.8,
               25.6, 25.5, 25.3, 25.1, 25.0, 24.9, 24.9)),
}  # fmt: skip


def example_fleet() -> Fleet:
    """Return the example fleet."""
    built = Built()
    for name in _SITES:
        build_site(SiteSpec(name, _row_specs(name), module_va=_MODULE_VA.get(name)), built)
    places = {name: place for name, (_, place) in _SITES.items()}
    built.links += single_links(_BACKBONE, places, capacity_bps=100e9)
    sites = tuple(_site(name) for name in _SITES)
    users = _users()
    capacity = capacity_rru(built.server_groups, built.racks, TYPES)
    split = weights_by_region(sites, {name: round(capacity[_FRONT, name]) for name in _SITES})
    scale = _scale(users, split, capacity)
    demand = demand_rows(users, scale, _GROWTH)
    exact = [Users(row.service, row.region, row.rate_per_s, row.profile or "", user.peak)
             for row, user in zip(demand, users, strict=True)]  # fmt: skip
    return Fleet(
        fleet="example", as_of=AS_OF, description="Three regions, five sites; made up, with measured parts.",
        provenance=(*_NOTES, *NOTES), regions=tuple(_region(name) for name in _GRID), sites=sites,
        power_units=tuple(built.power_units), cooling_plants=tuple(built.cooling_plants), racks=tuple(built.racks),
        switches=tuple(built.switches), links=tuple(built.links), server_types=SERVER_TYPES,
        reservations=tuple(Reservation(name=name) for name in (_FRONT, _BACK, _DATA, _ML)),
        server_groups=tuple(built.server_groups), storage=_storage(), services=_SERVICES,
        deployments=tuple(deploy(_SERVICES, peak_rates(_SERVICES, exact, split), split)), demand=tuple(demand),
        series=tuple(_series()),
    )  # fmt: skip


# Modules of a size that the sites have outgrown: with one of them out, path 2 of ams1 cannot carry the evening alone.
_MODULE_VA = {"ams1": 100e3}

_NOTES = tuple(
    Note.model_validate({"of": of, "is": is_, "source": source})
    for of, is_, source in (
        (
            "regions.*.carbon_series",
            "measured",
            "Electricity Maps, life cycle, November 2023, mean per hour of the day",
        ),
        ("regions.*.price_series", "measured", "day-ahead prices, November 2023, mean per hour of the day"),
        ("sites.*.outdoor_series", "measured", "Open-Meteo, November 2021-23, mean per hour of the day"),
        ("demand.*.*", "declared", "made up for the example"),
    )
)


def _row_specs(site: str) -> Sequence[RowSpec]:
    return [RowSpec(f"{site}-{letter}", racks, kind, per_rack, owner, single)
            for letter, (kind, racks, per_rack, owner, single) in zip("abcdefgh", _ROWS[site], strict=False)]  # fmt: skip


def _region(name: str) -> Region:
    return Region(name=name, carbon_series=f"carbon-{name}", price_series=f"price-{name}")


def _site(name: str) -> Site:
    region, (latitude, longitude) = _SITES[name]
    return Site(
        name=name, region=region, outdoor_series=f"outdoor-{region}", latitude=latitude, longitude=longitude
    )


def _storage() -> tuple[Storage, ...]:
    copies = ("ams1-g01", "fra1-e01", "iad1-g01", "cmh1-e01", "sgp1-e01")
    return (Storage(name="ledger", racks=copies, quorum=3, bytes_stored=200e12),)


def _users() -> list[Users]:
    return [
        Users(
            service,
            region,
            rate * size,
            f"{_profile_of(service)}-{region}",
            max(_profile(_profile_of(service), region)),
        )
        for service, rate in _USERS.items()
        for region, size in _SIZE.items()
    ]


def _profile_of(service: str) -> str:
    return "jobs" if service == "transcode" else "people"


def _profile(kind: str, region: str) -> tuple[float, ...]:
    """Return a week of hourly factors from Monday 00:00 UTC; people's days have mean 1, weekends a little more."""
    factors = []
    for hour in range(168):
        local = hour + _UTC_OFFSET_H[region]
        day = 1.0 + _SWING * math.cos(2 * math.pi * (local - _EVENING_H) / 24)
        weekend = _WEEKEND if local // 24 % 7 >= 5 else 1.0
        factors.append(round(day * weekend, 3) if kind == "people" else 1.0)
    return tuple(factors)


def _series() -> list[Series]:
    rows = [Series(name=f"{kind}-{region}", step_s=3600.0, values=_profile(kind, region), source="declared")
            for kind in ("people", "jobs") for region in _GRID]  # fmt: skip
    for region, (carbon_of, carbon, price_of, price, weather_of, weather) in _GRID.items():
        for kind, zone, values in (
            ("carbon", carbon_of, carbon),
            ("price", price_of, price),
            ("outdoor", weather_of, weather),
        ):
            rows.append(
                Series(
                    name=f"{kind}-{region}",
                    step_s=3600.0,
                    values=tuple(map(float, values)),
                    source=f"{zone}, November, mean per hour",
                )
            )
    return rows


def _scale(
    users: list[Users], split: dict[str, dict[str, float]], capacity: dict[tuple[str, str], float]
) -> float:
    """Return the factor on all demand at which the tightest reservation is `_FULL` at its peak."""
    by_name = {service.name: service for service in _SERVICES}
    need: dict[tuple[str, str], float] = {}
    for (name, site), rate in peak_rates(_SERVICES, users, split).items():
        service = by_name[name]
        units = (
            rate * service.service_time_s / service.slots / service.target_utilisation * service.replica_rru
        )
        need[service.reservation, site] = need.get((service.reservation, site), 0.0) + units
    return _FULL * min(capacity[key] / units for key, units in need.items())
