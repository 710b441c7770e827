"""The example fleet: three regions, five sites, about four thousand servers, a dozen services.

Everything in it is public or made up; what is measured carries its source in the fleet's provenance.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime

from scenarios.fleets.example_grid import GRID
from scenarios.fleets.example_services import BACK, DATA, FRONT, ML, POOL, SERVICES
from scenarios.fleets.parts import HOUR_S, NOTES, SERVER_TYPES, TRIP_CURVES, TYPES
from scenarios.fleets.site import Built, RowSpec, SiteSpec, backbone, build_site
from scenarios.fleets.workload import Users, capacity_rru, demand_rows, deploy, peak_rates, weights_by_region
from twin.model.fleet import Fleet, Region, Site
from twin.model.network import Traffic
from twin.model.power import PowerUnit
from twin.model.protection import TripCurve
from twin.model.series import Note, Series
from twin.model.servers import Reservation
from twin.model.services import Storage

AS_OF = datetime(2026, 11, 20, 12, tzinfo=UTC)

# site: region, (latitude, longitude), rows of (type, racks, servers per rack, owner, single-corded racks)
_C, _M, _S, _G = "compute", "memory", "storage", "gpu"
_SITES = {
    "ams1": ("europe", (52.3, 4.8)),
    "fra1": ("europe", (50.1, 8.6)),
    "iad1": ("us-east", (39.0, -77.5)),
    "cmh1": ("us-east", (40.1, -82.8)),
    "sgp1": ("asia", (1.3, 103.8)),
}
_ROWS = {
    "ams1": (
        (_C, 6, 26, FRONT, 0),
        (_C, 6, 26, FRONT, 0),
        (_C, 6, 26, FRONT, 2),
        (_M, 6, 22, BACK, 0),
        (_M, 6, 22, BACK, 0),
        (_M, 6, 22, BACK, 2),
        (_S, 6, 18, DATA, 0),
        (_G, 4, 2, ML, 1),
    ),
    "fra1": (
        (_C, 6, 26, FRONT, 0),
        (_C, 6, 26, FRONT, 1),
        (_M, 6, 22, BACK, 0),
        (_M, 6, 22, BACK, 0),
        (_S, 4, 18, DATA, 0),
        (_G, 3, 2, ML, 1),
    ),
    "iad1": (
        (_C, 6, 26, FRONT, 0),
        (_C, 6, 26, FRONT, 0),
        (_C, 6, 26, FRONT, 1),
        (_M, 6, 22, BACK, 0),
        (_M, 6, 22, BACK, 0),
        (_M, 6, 22, BACK, 1),
        (_S, 6, 18, DATA, 0),
        (_G, 4, 2, ML, 1),
    ),
    "cmh1": (
        (_C, 6, 26, FRONT, 0),
        (_C, 6, 26, FRONT, 1),
        (_M, 6, 22, BACK, 0),
        (_M, 6, 22, BACK, 0),
        (_S, 4, 18, DATA, 0),
        (_G, 3, 2, ML, 1),
    ),
    "sgp1": (
        (_C, 6, 26, FRONT, 0),
        (_C, 3, 26, FRONT, 1),
        (_M, 6, 22, BACK, 0),
        (_M, 3, 22, BACK, 0),
        (_S, 3, 18, DATA, 0),
        (_G, 2, 2, ML, 1),
    ),
}
# Servers that nobody has: what a plan of capacity may hand out. None at ams1, which is full.
_POOL_ROWS = ((_C, 2, 26, POOL, 0), (_M, 3, 22, POOL, 0), (_G, 2, 2, POOL, 0))
_BACKBONE = (
    ("ams1", "fra1"),
    ("ams1", "iad1"),
    ("fra1", "cmh1"),
    ("iad1", "cmh1"),
    ("fra1", "sgp1"),
    ("iad1", "sgp1"),
)

# Mean requests/s per service and region, in parts; scaled until the tightest reservation is nearly full.
_USERS = {"web": 10.0, "api": 22.0, "transcode": 0.03}
_SIZE = {"europe": 1.0, "us-east": 1.0, "asia": 0.3}
_FULL = 0.88  # of a reservation's units at a site that its replicas ask for
_GROWTH = 0.2

# Hour of local time -> demand: people shop in the evening, the jobs run evenly. Declared, not measured.
_UTC_OFFSET_H = {"europe": 1, "us-east": -5, "asia": 8}
_EVENING_H, _SWING, _WEEKEND = 20, 0.5, 1.08


def example_fleet() -> Fleet:
    """Return the example fleet."""
    built = Built()
    for name in _SITES:
        build_site(SiteSpec(name, _row_specs(name), module_va=_MODULE_VA.get(name)), built)
    places = {name: place for name, (_, place) in _SITES.items()}
    built.links += backbone(_BACKBONE, places, capacity_bps=100e9)
    sites = tuple(_site(name) for name in _SITES)
    users = _users()
    capacity = capacity_rru(built.server_groups, built.racks, TYPES)
    split = weights_by_region(sites, {name: round(capacity[FRONT, name]) for name in _SITES})
    scale = _scale(users, split, capacity)
    demand = demand_rows(users, scale, _GROWTH)
    exact = [
        Users(row.service, row.region, row.rate_per_s, row.profile or "", user.peak)
        for row, user in zip(demand, users, strict=True)
    ]
    return Fleet(
        fleet="example",
        as_of=AS_OF,
        description="Three regions, five sites; made up, with measured parts.",
        provenance=(*_NOTES, *NOTES),
        regions=tuple(_region(name) for name in GRID),
        sites=sites,
        trip_curves=(*TRIP_CURVES, LOW_BREAKER),
        cooling_zones=tuple(built.cooling_zones),
        power_units=tuple(_with_relics(built.power_units)),
        cooling_plants=tuple(built.cooling_plants),
        racks=tuple(built.racks),
        switches=tuple(built.switches),
        links=tuple(built.links),
        traffic=(NIGHTLY_COPY,),
        server_types=SERVER_TYPES,
        reservations=(
            *(Reservation(name=name, survives=("rack",)) for name in (FRONT, BACK, DATA, ML)),
            Reservation(name=POOL),
        ),
        server_groups=tuple(built.server_groups),
        storage=_storage(),
        services=SERVICES,
        deployments=tuple(deploy(SERVICES, peak_rates(SERVICES, exact, split), split)),
        demand=tuple(demand),
        series=tuple(_series()),
    )


# A breaker that was set for a smaller panel, and nobody has dialled up since.
LOW_BREAKER = TripCurve(
    name="panel-breaker-low",
    kind="bands",
    pickup=0.55,
    long_delay_s=4.0,
    short_pickup=4.0,
    instantaneous=10.0,
)
_RELICS = {"iad1-b-panel-b": LOW_BREAKER.name}
# The copy of the day's data to fra1, marked as if users waited for it.
NIGHTLY_COPY = Traffic(source="ams1", target="fra1", tier=0, rate_bps=88e9, profile="nightly-copy")
_COPY_HOURS = (22, 23, 0, 1)  # UTC


def _with_relics(units: Sequence[PowerUnit]) -> list[PowerUnit]:
    return [
        unit.model_copy(update={"trip": _RELICS[unit.name]}) if unit.name in _RELICS else unit
        for unit in units
    ]


# UPS modules that a site has outgrown: with one of them out, path 2 of ams1 cannot carry the evening alone.
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
    rows = (*_ROWS[site], *(() if site == "ams1" else _POOL_ROWS))
    return [
        RowSpec(f"{site}-{letter}", racks, kind, per_rack, owner, single)
        for letter, (kind, racks, per_rack, owner, single) in zip("abcdefghijk", rows, strict=False)
    ]


def _region(name: str) -> Region:
    return Region(name=name, carbon_series=f"carbon-{name}", price_series=f"price-{name}")


def _site(name: str) -> Site:
    region, (latitude, longitude) = _SITES[name]
    return Site(
        name=name, region=region, outdoor_series=f"outdoor-{region}", latitude=latitude, longitude=longitude
    )


def _storage() -> tuple[Storage, ...]:
    copies = ("ams1-g01", "fra1-e01", "iad1-g01", "cmh1-e01", "sgp1-e01")
    shards = ("ams1-c05", "ams1-c06", "ams1-f05", "ams1-f06", "ams1-g02", "ams1-g03", "ams1-g04")
    return (
        Storage(name="ledger", racks=copies, quorum=3, bytes_stored=200e12),
        Storage(name="sessions", racks=shards, quorum=4, bytes_stored=2e12),
    )


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
    """Return a week of hourly factors from Monday 00:00 UTC; a day of people has mean 1."""
    factors = []
    for hour in range(168):
        local = hour + _UTC_OFFSET_H[region]
        day = 1.0 + _SWING * math.cos(2 * math.pi * (local - _EVENING_H) / 24)
        weekend = _WEEKEND if local // 24 % 7 >= 5 else 1.0
        factors.append(round(day * weekend, 3) if kind == "people" else 1.0)
    return tuple(factors)


def _series() -> list[Series]:
    rows = [
        Series(name=f"{kind}-{region}", step_s=HOUR_S, values=_profile(kind, region), source="declared")
        for kind in ("people", "jobs")
        for region in GRID
    ]
    copied = tuple(1.0 if hour in _COPY_HOURS else 0.0 for hour in range(24))
    rows.append(Series(name="nightly-copy", step_s=HOUR_S, values=copied, source="declared"))
    for region, grid in GRID.items():
        for kind, hourly in grid._asdict().items():
            source = f"{hourly.zone}, November, mean per hour of the day"
            rows.append(Series(name=f"{kind}-{region}", step_s=HOUR_S, values=hourly.values, source=source))
    return rows


def _scale(
    users: list[Users], split: dict[str, dict[str, float]], capacity: dict[tuple[str, str], float]
) -> float:
    """Return the factor on all demand at which the tightest reservation is `_FULL` at its peak."""
    by_name = {service.name: service for service in SERVICES}
    need: dict[tuple[str, str], float] = {}
    for (name, site), rate in peak_rates(SERVICES, users, split).items():
        service = by_name[name]
        units = (
            rate * service.service_time_s / service.slots / service.target_utilisation * service.replica_rru
        )
        need[service.reservation, site] = need.get((service.reservation, site), 0.0) + units
    return _FULL * min(capacity[key] / units for key, units in need.items())
