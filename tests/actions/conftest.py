"""A small fleet, built in Python: two sites, six racks, two reservations, one service at both sites."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from twin.model.cooling import CoolingPlant, CoolingZone
from twin.model.fleet import Fleet, Region, Site
from twin.model.network import Link, Switch
from twin.model.plan import Plan
from twin.model.power import PowerUnit, Rack
from twin.model.servers import Reservation, ServerGroup, ServerType
from twin.model.services import Deployment, Service


def small_fleet() -> Fleet:
    """Return two sites of three racks; each holds 10 servers of the web pool, in ams1 also 1, 2, 3 of ml."""
    sites = ("ams1", "fra1")
    racks = [f"{site}-a{number:02d}" for site in sites for number in (1, 2, 3)]
    groups = [
        ServerGroup(name=f"{rack}-web", rack=rack, type="std", owner="web-pool", count=10) for rack in racks
    ]
    groups += [
        ServerGroup(name=f"ams1-a0{n}-ml", rack=f"ams1-a0{n}", type="std", owner="ml", count=n)
        for n in (1, 2, 3)
    ]
    return Fleet(
        fleet="small",
        as_of=datetime(2026, 11, 20, tzinfo=UTC),
        regions=(Region(name="eu"),),
        sites=tuple(Site(name=site, region="eu") for site in sites),
        power_units=tuple(_units(sites)),
        cooling_plants=tuple(
            CoolingPlant(name=f"{site}-crah", site=site, fed_by=(f"{site}-msb-a",), rated_heat_w=1e5)
            for site in sites
        ),
        cooling_zones=(
            CoolingZone(name="a", site="ams1", fluid_j_per_k=4e4, mass_j_per_k=1e6, coupling_w_per_k=600.0),
        ),
        racks=tuple(_rack(rack) for rack in racks),
        switches=tuple(
            Switch(name=f"{site}-bb", site=site, tier="border", capacity_bps=1e12) for site in sites
        ),
        links=(Link(name="ams1-fra1", a="ams1-bb", b="fra1-bb", capacity_bps=1e11),),
        server_types=(
            ServerType(name="std", cores=32, idle_w=100.0, max_w=400.0, height_u=1),
            ServerType(name="big", cores=64, idle_w=300.0, max_w=2000.0, height_u=8),
        ),
        reservations=(Reservation(name="web-pool"), Reservation(name="ml")),
        server_groups=tuple(groups),
        services=(
            Service(name="web", tier=0, reservation="web-pool", service_time_s=0.02, spread_sites=2),
            Service(name="lone", tier=2, reservation="web-pool", service_time_s=0.02),
        ),
        deployments=(
            Deployment(service="web", site="ams1", replicas=10, weight=0.7),
            Deployment(service="web", site="fra1", replicas=7, weight=0.3),
            Deployment(service="lone", site="ams1", replicas=3),
        ),
    )


def _units(sites: tuple[str, ...]) -> list[PowerUnit]:
    units = []
    for site in sites:
        units.append(PowerUnit(name=f"{site}-grid", kind="utility", site=site, rated_va=1e6))
        for side in "ab":
            name = f"{site}-msb-{side}"
            units.append(
                PowerUnit(name=name, kind="switchboard", site=site, rated_va=5e5, fed_by=(f"{site}-grid",))
            )
    return units


def _rack(name: str) -> Rack:
    site = name.split("-")[0]
    feeds = (f"{site}-msb-a", f"{site}-msb-b") if not name.endswith("03") else (f"{site}-msb-a",)
    return Rack(name=name, site=site, row="a", fed_by=feeds, budget_w=7000.0, space_u=42)


def make_plan(
    *steps: dict[str, Any], touch: tuple[str, ...] = ("region:eu", "service:web"), **keys: Any
) -> Plan:
    """Return a plan of these steps, with a window of four hours."""
    window = {"not_before": "2026-11-21T01:00Z", "not_after": "2026-11-21T05:00Z"}
    document = {"plan": "p", "window": window, "scope": {"touch": list(touch)}, "steps": list(steps), **keys}
    return Plan.model_validate(document, context={"document": True})


@pytest.fixture
def fleet() -> Fleet:
    """The small fleet."""
    return small_fleet()
