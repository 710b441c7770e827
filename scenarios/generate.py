"""Fleets of any size by rule: from a hundred servers at one site to a million at sixty.

The same seed and size give the same fleet. Every site is built by `scenarios.fleets.site`, so that power, cooling and
network have room for any single loss; demand is sized to what the servers carry.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from scenarios.fleets.parts import NOTES, SERVER_TYPES, TRIP_CURVES, standard_size
from scenarios.fleets.places import PLACES, Place
from scenarios.fleets.services import Need, draw_services
from scenarios.fleets.site import Built, RowSpec, SiteSpec, backbone, build_site
from scenarios.fleets.workload import Users, demand_rows, deploy, peak_rates, weights_by_region
from twin.model.errors import UsageError
from twin.model.fleet import Fleet, Region, Site
from twin.model.network import Link
from twin.model.series import Note, Series
from twin.model.servers import Reservation
from twin.model.services import Storage
from twin.model.streams import stream

SMALLEST, LARGEST = 50, 1_000_000
AS_OF = datetime(2026, 11, 20, 12, tzinfo=UTC)
STEP_S = 300.0
RACKS_PER_ROW = 20
PER_RACK = {"compute": 30, "memory": 26, "storage": 20, "gpu": 3}
SWING, EVENING_H, GROWTH = 0.4, 20.0, 0.2
SINGLE_CORDED = 0.03  # of the racks
BACKBONE_BPS_PER_SERVER = 4e6

Progress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class Size:
    """How many of everything a fleet of some number of servers has."""

    servers: int
    sites: int
    regions: int
    services: int

    @classmethod
    def of(cls, servers: int) -> Size:
        """Return the size: 100 000 servers are 20 sites and 50 services, a million 60 and 300."""
        if not SMALLEST <= servers <= LARGEST:
            raise UsageError(f"a fleet has {SMALLEST:,} to {LARGEST:,} servers, not {servers:,}")
        sites = min(60, max(1, round(60 * (servers / 1e6) ** 0.477)))
        services = min(300, max(4, round(300 * (servers / 1e6) ** 0.778)))
        return cls(servers, sites, min(len(PLACES), math.ceil(sites / 2)), services)


def generate(servers: int, *, seed: int = 1, progress: Progress | None = None) -> Fleet:
    """Return a fleet with exactly that many servers. Cost: about 10 s for a million."""
    size = Size.of(servers)
    rng = stream(seed, "fleet", "generate")
    places = PLACES[: size.regions]
    sites = _sites(size, places)
    weights = rng.lognormal(0.0, 0.4, size.sites)
    need = draw_services(size.services, servers, rng)
    built = Built()
    for done, (site, count) in enumerate(zip(sites, _split(servers, weights), strict=True)):
        if progress is not None:
            progress(done, size.sites, f"building {site.name}")
        build_site(SiteSpec(site.name, _rows(site.name, count, need)), built)
    built.links += _backbone(sites, servers)
    if progress is not None:
        progress(size.sites, size.sites, "placing services")
    return _fleet(size, seed, sites, need, built)


def _fleet(size: Size, seed: int, sites: Sequence[Site], need: Sequence[Need], built: Built) -> Fleet:
    places = PLACES[: size.regions]
    services = [service for one in need for service in one.services]
    split = weights_by_region(sites, _servers_at(built))
    users = _users(need, split)
    return Fleet(
        fleet=f"generated-{size.servers}-{seed}",
        as_of=AS_OF,
        description=f"{size.servers:,} servers, generated with seed {seed}; made up, with measured parts.",
        provenance=(Note.model_validate({"of": "*", "is": "declared", "source": "generated"}), *NOTES),
        regions=tuple(
            Region(
                name=place.region,
                carbon_g_per_kwh=place.carbon_g_per_kwh,
                price_usd_per_mwh=place.price_usd_per_mwh,
            )
            for place in places
        ),
        sites=tuple(sites),
        trip_curves=TRIP_CURVES,
        cooling_zones=tuple(built.cooling_zones),
        power_units=tuple(built.power_units),
        cooling_plants=tuple(built.cooling_plants),
        racks=tuple(built.racks),
        switches=tuple(built.switches),
        links=tuple(built.links),
        server_types=SERVER_TYPES,
        reservations=tuple(Reservation(name=one.reservation) for one in need),
        server_groups=tuple(built.server_groups),
        storage=(_storage(sites, built),),
        services=tuple(services),
        deployments=tuple(deploy(services, peak_rates(services, users, split), split)),
        demand=tuple(demand_rows(users, 1.0, GROWTH)),
        series=tuple(_profile(place) for place in places),
    )


def _sites(size: Size, places: Sequence[Place]) -> list[Site]:
    sites = []
    for index in range(size.sites):
        place, turn = places[index % len(places)], index // len(places)
        metro, number = place.metros[turn % len(place.metros)], turn // len(place.metros) + 1
        latitude, longitude = metro.place
        sites.append(
            Site(
                name=f"{metro.code}{number}",
                region=place.region,
                outdoor_c=place.outdoor_c,
                latitude=latitude,
                longitude=longitude,
            )
        )
    return sites


def _split(total: int, weights: Sequence[float] | np.ndarray) -> list[int]:
    """Return whole numbers in proportion to *weights* that sum to *total* (largest remainders)."""
    exact = np.asarray(weights, dtype=float) / np.sum(weights) * total
    whole = np.floor(exact).astype(int)
    for index in np.argsort(-(exact - whole), kind="stable")[: total - int(whole.sum())]:
        whole[index] += 1
    return [int(count) for count in whole]


def _rows(site: str, servers: int, need: Sequence[Need]) -> list[RowSpec]:
    """Return the rows of a site: each of one reservation, of one type of server."""
    rows: list[RowSpec] = []
    for one, count in zip(need, _split(servers, [one.share for one in need]), strict=True):
        per_rack = PER_RACK[one.type]
        while count > 0:
            racks = min(RACKS_PER_ROW, math.ceil(count / per_rack))
            placed = min(count, racks * per_rack)
            rows.append(
                RowSpec(
                    f"{site}-r{len(rows) + 1:02d}",
                    racks,
                    one.type,
                    per_rack,
                    one.reservation,
                    single=round(racks * SINGLE_CORDED),
                    missing=racks * per_rack - placed,
                )
            )
            count -= placed
    return rows


def _servers_at(built: Built) -> dict[str, float]:
    site_of = {rack.name: rack.site for rack in built.racks}
    found: dict[str, float] = {}
    for group in built.server_groups:
        site = site_of[group.rack]
        found[site] = found.get(site, 0.0) + group.count
    return found


def _users(need: Sequence[Need], split: dict[str, dict[str, float]]) -> list[Users]:
    """Return the users of a region in proportion to its servers."""
    total = sum(sum(weights.values()) for weights in split.values())
    return [
        Users(
            service,
            region,
            float(f"{rate * sum(weights.values()) / total / (1 + SWING):.4g}"),
            f"people-{region}",
            1 + SWING,
        )
        for one in need
        for service, rate in one.users.items()
        for region, weights in split.items()
    ]


def _profile(place: Place) -> Series:
    """Return a day in steps of five minutes, with mean 1 and the evening's peak in local time."""
    hours = np.arange(0, 24, STEP_S / 3600.0) + place.utc_offset_h
    values = 1.0 + SWING * np.cos(2 * np.pi * (hours - EVENING_H) / 24)
    return Series(
        name=f"people-{place.region}", step_s=STEP_S, values=tuple(round(v, 5) for v in values.tolist())
    )


def _storage(sites: Sequence[Site], built: Built) -> Storage:
    """Return one set with a copy at up to five sites."""
    first: dict[str, str] = {}
    for rack in built.racks:
        first.setdefault(rack.site, rack.name)
    copies = tuple(first[site.name] for site in sites[:5])
    return Storage(name="ledger", racks=copies, quorum=len(copies) // 2 + 1, bytes_stored=200e12)


def _backbone(sites: Sequence[Site], servers: int) -> list[Link]:
    """Return a ring through the sites of each region and a ring through the regions."""
    by_region: dict[str, list[str]] = {}
    for site in sites:
        by_region.setdefault(site.region, []).append(site.name)
    ends = [pair for names in by_region.values() for pair in _ring(names)]
    regions = list(by_region)
    between = _ring(regions) if len(regions) > 2 else list(zip(regions, regions[::-1], strict=True))
    ends += [(by_region[one][0], by_region[other][-1]) for one, other in between if one != other]
    places = {site.name: (site.latitude or 0.0, site.longitude or 0.0) for site in sites}
    capacity_bps = standard_size(max(100e9, servers * BACKBONE_BPS_PER_SERVER))
    return backbone(list(dict.fromkeys(ends)), places, capacity_bps=capacity_bps)


def _ring(names: Sequence[str]) -> list[tuple[str, str]]:
    chain = list(zip(names, names[1:], strict=False))
    return [*chain, (names[-1], names[0])] if len(names) > 2 else chain
