"""Toy fleets for the solvers: small enough to count by hand."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from twin.model.fleet import Fleet

START = datetime(2026, 11, 21, tzinfo=UTC)


def fleet_of(**tables: Any) -> Fleet:
    """Return a fleet from plain rows, as a file would have them."""
    return Fleet.model_validate(
        {"fleet": "toy", "schema": 1, "as_of": START, **tables}, context={"document": True}
    )


def two_regions(
    *,
    rates: tuple[float, float] = (400.0, 200.0),
    prices: tuple[str, str] = ("100 USD/MWh", "50 USD/MWh"),
    latency: str = "10 ms",
    locality: str = "any",
    capacity: str = "10 Gbit/s",
) -> Fleet:
    """Return sites a1 and a2 in region A and b1 in region B, a triangle of links, and a service `web` that calls `db`.

    A worker takes 10 ms, a replica has 10 workers: 1000 requests a second each, 10 replicas a site. Servers have a linear
    curve from 100 to 200 W, so that energy is linear in the shares.
    """
    sites = [("a1", "A"), ("a2", "A"), ("b1", "B")]
    switches = [
        {
            "name": f"{site}-border",
            "site": site,
            "tier": "border",
            "capacity": "100 Gbit/s",
            "fed_by": [f"{site}-grid"],
        }
        for site, _ in sites
    ]
    links = [
        {"name": f"{x}-{y}", "a": f"{x}-border", "b": f"{y}-border", "capacity": capacity, "latency": latency}
        for x, y in (("a1", "a2"), ("a1", "b1"), ("a2", "b1"))
    ]
    return fleet_of(
        regions=[
            {"name": "A", "price": prices[0], "carbon": "400 g/kWh"},
            {"name": "B", "price": prices[1], "carbon": "100 g/kWh"},
        ],
        sites=[{"name": site, "region": region} for site, region in sites],
        power_units=[
            {"name": f"{site}-grid", "kind": "utility", "site": site, "rated": "1 MVA"} for site, _ in sites
        ],
        racks=[
            {"name": f"{site}-r1", "site": site, "row": "r", "fed_by": [f"{site}-grid"], "switches": []}
            for site, _ in sites
        ],
        switches=switches,
        links=links,
        server_types=[{"name": "box", "cores": 1, "curve": [["0 %", "100 W"], ["100 %", "200 W"]]}],
        reservations=[{"name": "all"}],
        server_groups=[
            {"name": f"{site}-g", "rack": f"{site}-r1", "type": "box", "owner": "all", "count": 40}
            for site, _ in sites
        ],
        services=[
            {
                "name": "web",
                "tier": 1,
                "reservation": "all",
                "slots": 10,
                "service_time": "10 ms",
                "replica_rru": 2.0,
                "slo": {"p99": "200 ms"},
                "callees": {"db": 0.5},
                "request_size": "10 kB",
                "locality": locality,
            },
            {
                "name": "db",
                "tier": 1,
                "reservation": "all",
                "slots": 10,
                "service_time": "10 ms",
                "replica_rru": 1.0,
            },
        ],
        deployments=[
            {"service": service, "site": site, "replicas": 10, "weight": 1.0}
            for service in ("web", "db")
            for site, _ in sites
        ],
        demand=[
            {"service": "web", "region": "A", "rate": f"{rates[0]} /s"},
            {"service": "web", "region": "B", "rate": f"{rates[1]} /s"},
        ],
    )


def two_panels(
    *, rated: tuple[int, int, int] = (10, 10, 10), servers: tuple[int, ...] = (4, 4, 0), budget: str = ""
) -> Fleet:
    """Return one site, three panels of so many kVA on a large utility, and a single-corded rack for each number of servers.

    A server draws 1 kW at full load (power factor 1) and is 1 U high; racks stand in turn on the first and the second panel.
    """
    rack = {"site": "s", "row": "r", "switches": [], "space": None}
    del rack["space"]
    limits = {"budget": budget} if budget else {}
    return fleet_of(
        regions=[{"name": "R"}],
        sites=[{"name": "s", "region": "R"}],
        power_units=[
            {"name": "grid", "kind": "utility", "site": "s", "rated": "1 MVA"},
            *(
                {"name": f"p{i + 1}", "kind": "panel", "site": "s", "rated": f"{kva} kVA", "fed_by": ["grid"]}
                for i, kva in enumerate(rated)
            ),
        ],
        racks=[
            {**rack, **limits, "name": f"r{i + 1}", "fed_by": [f"p{i % 2 + 1}"]} for i in range(len(servers))
        ]
        + [{**rack, "name": "far", "fed_by": ["p3"], "space_u": 1}],
        server_types=[{"name": "box", "cores": 1, "idle": "500 W", "max": "1 kW", "power_factor": 1.0}],
        reservations=[{"name": "all"}],
        server_groups=[
            {"name": f"g{i + 1}", "rack": f"r{i + 1}", "type": "box", "owner": "all", "count": count}
            for i, count in enumerate(servers)
            if count
        ],
    )
