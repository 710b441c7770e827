"""A toy fleet for capacity plans: every kind of feed, losses, cooling, two sites; and random ones like it."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.solvers.toys import fleet_of
from twin.model.fleet import Fleet


def plant(site: str, rated: float = 60.0, **of_unit: Any) -> list[dict[str, Any]]:
    """Return utility and generator behind a standby switch, two UPS with losses, panels, and a shared spare."""
    units = [
        {"name": "grid", "kind": "utility", "rated": f"{4 * rated} kVA"},
        {"name": "gen", "kind": "generator", "rated": f"{4 * rated} kVA"},
        {
            "name": "ats",
            "kind": "ats",
            "rated": f"{4 * rated} kVA",
            "fed_by": ["grid", "gen"],
            "feed_mode": "standby",
        },
        {
            "name": "ups-a",
            "kind": "ups",
            "rated": f"{2 * rated} kVA",
            "fed_by": ["ats"],
            "emergency": f"{2.2 * rated} kVA",
            "loss_fixed": 0.01,
            "loss_linear": 0.02,
            "loss_square": 0.03,
            "continuous": 0.8,
        },
        {"name": "ups-b", "kind": "ups", "rated": f"{2 * rated} kVA", "fed_by": ["ats"], "loss_linear": 0.05},
        {"name": "pa", "kind": "panel", "rated": f"{rated} kVA", "fed_by": ["ups-a"], "continuous": 0.9},
        {"name": "pb", "kind": "panel", "rated": f"{rated} kVA", "fed_by": ["ups-b"], "continuous": 0.9},
        # Draws from both and needs both: it goes dark with either.
        {
            "name": "pc",
            "kind": "panel",
            "rated": f"{rated} kVA",
            "fed_by": ["ups-a", "ups-b"],
            "needs": 2,
            "shares": [0.25, 0.75],
        },
        # A second panel in a row below the first.
        {"name": "pd", "kind": "panel", "rated": f"{rated} kVA", "fed_by": ["pa"]},
    ]
    made = []
    for unit in units:
        row = unit | {"name": f"{site}-{unit['name']}", "site": site}
        if "fed_by" in unit:
            row["fed_by"] = [f"{site}-{name}" for name in unit["fed_by"]]
        made.append(row | of_unit)
    return made


def racks(site: str) -> list[dict[str, Any]]:
    """Return two racks of each cord: A and B alike, A and B unlike, one-corded on a, on c, and on d below a."""
    feeds: list[tuple[list[str], list[float]]] = [
        (["pa", "pb"], []),
        (["pa", "pb"], [0.7, 0.3]),
        (["pa"], []),
        (["pc"], []),
        (["pd"], []),
    ]
    return [
        {
            "name": f"{site}-{'vwxyz'[f]}{n}",
            "site": site,
            "row": f"row{n}",
            "switches": [f"{site}-tor"],
            "fed_by": [f"{site}-{name}" for name in names],
            **({"shares": shares} if shares else {}),
        }
        for f, (names, shares) in enumerate(feeds)
        for n in (1, 2)
    ]


TYPES = [
    {
        "name": "box",
        "cores": 8,
        "idle": "100 W",
        "max": "300 W",
        "rru": 2.0,
        "power_factor": 0.9,
        "exponent": 1.5,
    },
    {
        "name": "gpu",
        "cores": 8,
        "curve": [["0 %", "200 W"], ["50 %", "700 W"], ["100 %", "1000 W"]],
        "rru": 5.0,
        "power_factor": 0.95,
        "peak_factor": 1.2,
        "peak_correlation": 0.5,
        "mtbf": "2 y",
        "mttr": "10 d",
    },
]


def small(*, sites: int = 2, rate: float = 300.0, seed: int = 0, **tables: Any) -> Fleet:
    """Return the fleet: `web` calls `db` in one reservation, `ml` in another survives racks, `spare` has no demand."""
    rng = np.random.default_rng(seed)
    names = ("s1", "s2")[:sites]
    groups = []
    for site in names:
        for rack in racks(site):
            for kind, owners in (("box", ("web", "ml", "spare")), ("gpu", ("ml", "spare"))):
                for owner in owners:
                    count = int(rng.integers(0, 6))
                    if count:
                        groups.append(
                            {
                                "name": f"{rack['name']}-{kind}-{owner}",
                                "rack": rack["name"],
                                "type": kind,
                                "owner": owner,
                                "count": count,
                            }
                        )
    rows: dict[str, Any] = {
        "regions": [{"name": "A"}, {"name": "B"}],
        "sites": [{"name": site, "region": "AB"[i], "outdoor_c": "30 °C"} for i, site in enumerate(names)],
        "power_units": [unit for site in names for unit in plant(site)],
        "cooling_plants": [
            {
                "name": f"{site}-{name}",
                "site": site,
                "fed_by": [f"{site}-{panel}" for panel in feeds],
                "rated_heat": "60 kW",
                "cop_ref": cop,
                "fan": "500 W",
                "power_factor": 0.85,
                "derate_from_c": "25 °C",
                "derate_per_k": "2 %/K",
                **more,
            }
            for site in names
            for name, feeds, cop, more in (
                ("c1", ("pa", "pb"), 4.0, {"feed_mode": "standby"}),
                ("c2", ("pb",), 3.0, {"fixed": "1 kW"}),
            )
        ],
        "racks": [rack for site in names for rack in racks(site)],
        "switches": [
            row
            for site in names
            for row in (
                {
                    "name": f"{site}-tor",
                    "site": site,
                    "tier": "tor",
                    "capacity": "100 Gbit/s",
                    "power": "600 W",
                },
                {
                    "name": f"{site}-edge",
                    "site": site,
                    "tier": "border",
                    "capacity": "1 Tbit/s",
                    "power": "400 W",
                    "fed_by": [f"{site}-pa", f"{site}-pb"],
                },
            )
        ],
        "links": [
            {"name": f"{site}-up", "a": f"{site}-tor", "b": f"{site}-edge", "capacity": "100 Gbit/s"}
            for site in names
        ]
        + ([{"name": "wan", "a": "s1-edge", "b": "s2-edge", "capacity": "100 Gbit/s"}] if sites == 2 else []),
        "server_types": TYPES,
        "reservations": [
            {"name": "web", "survives": ["rack"]},
            {"name": "ml", "survives": ["panel"], "values": {"box": 1.0, "gpu": 8.0}, "guaranteed_rru": 60.0},
            {"name": "spare", "values": {"gpu": 1.0}},
        ],
        "server_groups": groups,
        "services": [
            {
                "name": "web",
                "tier": 1,
                "reservation": "web",
                "slots": 4,
                "service_time": "100 ms",
                "replica_rru": 2.0,
                "target_utilisation": 0.6,
                "callees": {"db": 2.0},
            },
            {
                "name": "db",
                "tier": 1,
                "reservation": "web",
                "slots": 8,
                "service_time": "20 ms",
                "replica_rru": 1.0,
                "target_utilisation": 0.5,
            },
        ],
        "deployments": [
            {"service": service, "site": site, "replicas": 12, "weight": weight}
            for service in ("web", "db")
            for site, weight in zip(names, (2.0, 1.0), strict=False)
        ],
        "demand": [{"service": "web", "region": region, "rate": f"{rate} /s"} for region in "AB"],
    }
    return fleet_of(**(rows | tables))
