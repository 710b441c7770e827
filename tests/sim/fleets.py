"""Random small fleets and random histories for them, from one seed: every kind of thing, not all of it sensible."""

from __future__ import annotations

from datetime import UTC, datetime
from random import Random
from typing import Any

from twin.model.change import Change, TimedChange
from twin.model.fleet import Fleet

START = datetime(2026, 1, 5, tzinfo=UTC)  # a Monday, 00:00: series begin at time zero
HOUR_S = 3600.0


def random_fleet(seed: int, *, failover: bool = True) -> Fleet:
    """Return one to three sites with random power chains, fabrics, servers, services and demand.

    Without `failover` load balancers learn at once, so that the settled state has no memory.
    """
    rng = Random(seed)
    sites = [f"s{i}" for i in range(rng.randint(1, 3))]
    rows: dict[str, list[Any]] = {
        "regions": [{"name": name, **_grid(rng)} for name in ("north", "south")],
        "sites": [
            {"name": s, "region": rng.choice(("north", "south")), "outdoor_c": rng.choice((10.0, 31.5))}
            for s in sites
        ],
        "series": [_series(rng, "day"), _series(rng, "week")],
        "server_types": [_type_by_points(rng), _type_by_ends(rng)],
        "reservations": [{"name": "red"}, {"name": "blue", "values": {"ends": 1.7}}],
    }
    for site in sites:
        _power(rng, rows, site)
        _fabric(rng, rows, site)
        _racks(rng, rows, site)
    _backbone(rng, rows, sites)
    _services(rng, rows, sites, failover=failover)
    return Fleet.model_validate({"fleet": f"random-{seed}", **rows})


def _grid(rng: Random) -> dict[str, float]:
    return {"carbon_g_per_kwh": rng.uniform(20, 600), "price_usd_per_mwh": rng.uniform(10, 200)}


def _series(rng: Random, name: str) -> dict[str, Any]:
    values = [rng.choice((0.25, 0.5, 1.0, rng.uniform(0.1, 2.5))) for _ in range(rng.randint(1, 5))]
    return {"name": name, "step_s": rng.choice((450.0, 900.0, 1800.0)), "values": values}


def _type_by_points(rng: Random) -> dict[str, Any]:
    watts = sorted(rng.uniform(50, 500) for _ in range(4))
    curve = list(zip((0.0, 0.13, 0.5, 1.0), watts, strict=True))
    return {"name": "points", "cores": 8, "curve": curve, "rru": rng.choice((1.0, 2.5)), **_electric(rng)}


def _type_by_ends(rng: Random) -> dict[str, Any]:
    idle = rng.uniform(20, 200)
    return {
        "name": "ends",
        "cores": 8,
        "idle_w": idle,
        "max_w": idle + rng.uniform(0, 400),
        "exponent": 1.0,  # straight: (2u - u), so that a table of it is exact
        **_electric(rng),
    }


def _electric(rng: Random) -> dict[str, float]:
    return {
        "off_w": rng.choice((0.0, 7.0)),
        "power_factor": rng.uniform(0.8, 1.0),
        "peak_factor": rng.uniform(1.0, 1.5),
        "peak_correlation": rng.random(),
    }


def _shares(rng: Random, count: int) -> list[float]:
    """Return shares that sum to one, or none; a feed may be there for the worst case only (share 0)."""
    if not count or rng.random() < 0.4:
        return []
    if rng.random() < 0.2:
        return [1.0] + [0.0] * (count - 1)
    weights = [rng.uniform(0.1, 1.0) for _ in range(count)]
    return [weight / sum(weights) for weight in weights]


def _power(rng: Random, rows: dict[str, list[Any]], site: str) -> None:
    names: list[str] = []
    for i in range(rng.randint(2, 7)):
        feeds = [] if i == 0 else rng.sample(names, min(len(names), rng.choice((0, 1, 1, 2, 2, 3))))
        kind = rng.choice(("ups", "panel", "switchboard")) if feeds else rng.choice(("utility", "generator"))
        names.append(f"{site}-u{i}")
        rows.setdefault("power_units", []).append(
            {
                "name": names[-1],
                "kind": kind,
                "site": site,
                "rated_va": rng.uniform(2e3, 2e4),
                "continuous": rng.choice((0.8, 1.0)),
                "fed_by": feeds,
                "feed_mode": rng.choice(("shared", "standby")),
                "shares": _shares(rng, len(feeds)),
                "needs": rng.randint(1, max(1, len(feeds))),
                "loss_fixed": rng.choice((0.0, 0.01)),
                "loss_linear": rng.choice((0.0, 0.03)),
                "loss_square": rng.choice((0.0, 0.02)),
            }
        )
    for i in range(rng.randint(0, 2)):
        plant = {
            "name": f"{site}-plant{i}",
            "site": site,
            "fed_by": rng.sample(names, min(len(names), 2)),
            "feed_mode": rng.choice(("shared", "standby")),
            "rated_heat_w": rng.uniform(500, 5000),
            "cop_ref": rng.uniform(2.0, 6.0),
            "fixed_w": rng.choice((0.0, 40.0)),
        }
        rows.setdefault("cooling_plants", []).append(plant)


def _fabric(rng: Random, rows: dict[str, list[Any]], site: str) -> None:
    units = [unit["name"] for unit in rows["power_units"] if unit["site"] == site]
    tiers = ["border"] * rng.randint(0, 2) + ["fabric"] * rng.randint(0, 2) + ["tor"] * rng.randint(0, 3)
    names = [f"{site}-{tier}{i}" for i, tier in enumerate(tiers)]
    for name, tier in zip(names, tiers, strict=True):
        feeds = rng.sample(units, min(len(units), rng.choice((0, 1, 2))))
        switch = {"name": name, "site": site, "tier": tier, "capacity_bps": 1e9, "fed_by": feeds}
        rows.setdefault("switches", []).append({**switch, "power_w": rng.choice((0.0, 60.0))})
    pairs = [(a, b) for a in range(len(tiers)) for b in range(a) if tiers[a] != tiers[b]]
    for i, (a, b) in enumerate(rng.choices(pairs, k=rng.randint(0, 2 * len(pairs))) if pairs else []):
        ends = rng.choice(((names[a], names[b]), (names[b], names[a])))
        rows.setdefault("links", []).append(
            {"name": f"{site}-l{i}", "a": ends[0], "b": ends[1], "capacity_bps": rng.uniform(1e7, 1e9)}
        )


def _racks(rng: Random, rows: dict[str, list[Any]], site: str) -> None:
    units = [unit["name"] for unit in rows["power_units"] if unit["site"] == site]
    tors = [s["name"] for s in rows.get("switches", []) if s["site"] == site and s["tier"] == "tor"]
    for i in range(rng.randint(1, 4)):
        name = f"{site}-r{i}"
        feeds = rng.sample(units, min(len(units), rng.choice((1, 2, 2, 3))))
        switches = rng.sample(tors, min(len(tors), rng.choice((0, 1, 2))))
        rack = {"name": name, "site": site, "row": "a", "fed_by": feeds, "switches": switches}
        rows.setdefault("racks", []).append({**rack, "shares": _shares(rng, len(feeds))})
        for kind, owner in rng.sample(
            [("points", "red"), ("ends", "red"), ("ends", "blue")], rng.randint(1, 3)
        ):
            group = {"name": f"{name}-{kind}-{owner}", "rack": name, "type": kind, "owner": owner}
            rows.setdefault("server_groups", []).append({**group, "count": rng.randint(0, 4)})


def _backbone(rng: Random, rows: dict[str, list[Any]], sites: list[str]) -> None:
    borders = [(s["name"], s["site"]) for s in rows.get("switches", []) if s["tier"] == "border"]
    pairs = [(a, b) for a, s in borders for b, t in borders if sites.index(s) < sites.index(t)]
    for i, (a, b) in enumerate(pairs):
        for copy in range(rng.choice((0, 1, 1, 2))):
            link = {"name": f"bb{i}-{copy}", "a": a, "b": b, "capacity_bps": rng.uniform(1e6, 1e8)}
            rows.setdefault("links", []).append({**link, "latency_s": rng.uniform(1e-3, 5e-2)})


def _services(rng: Random, rows: dict[str, list[Any]], sites: list[str], *, failover: bool) -> None:
    racks = [rack["name"] for rack in rows["racks"]]
    copies = rng.sample(racks, min(len(racks), 3))
    rows["storage"] = [{"name": "data", "racks": copies, "quorum": rng.randint(1, len(copies))}]
    names: list[str] = []
    for i in range(rng.randint(1, 4)):
        called = rng.sample(names, min(len(names), rng.choice((0, 1, 2))))
        slots = rng.choice((1, 2, 8))
        service_time_s = rng.uniform(0.01, 0.5)
        rows.setdefault("services", []).append(
            {
                "name": f"svc{i}",
                "tier": i,
                "reservation": rng.choice(("red", "blue")),
                "slots": slots,
                "service_time_s": service_time_s,
                "replica_rru": rng.choice((0.5, 1.0)),
                "callees": {name: rng.choice((0.4, 1.0, 2.0, 2.5)) for name in called},
                "locality": rng.choice(("any", "region")),
                "max_wait_s": rng.choice((0.0, 40.0, 600.0)),
                "retries": rng.randint(0, 3),
                "retry_budget": rng.choice((0.0, 0.1, 1.0)),
                "failover_s": rng.choice((0.0, 30.0, 500.0)) if failover else 0.0,
                "storage": rng.choice((None, None, "data")),
            }
        )
        names.append(f"svc{i}")
        for site in sites:
            row = {"service": f"svc{i}", "site": site, "replicas": rng.randint(0, 3)}
            rows.setdefault("deployments", []).append({**row, "weight": rng.choice((0.0, 1.0, 2.0, 0.7))})
        for region in rng.sample(("north", "south"), rng.randint(0, 2)):
            rate = rng.uniform(0.2, 3.0) * slots / service_time_s
            row = {"service": f"svc{i}", "region": region, "rate_per_s": rate}
            rows.setdefault("demand", []).append({**row, "profile": rng.choice((None, "day", "week"))})
    # Callers may stand after their callees in the file: the order of rows must not matter.
    rng.shuffle(rows["services"])


def random_history(fleet: Fleet, seed: int, *, until_s: float, changes: int = 12) -> list[TimedChange]:
    """Return random changes at whole seconds, in time order; what is lost is often given back."""
    rng = Random(seed)
    found = []
    for _ in range(changes):
        change = random_change(fleet, rng)
        at_s = float(rng.randrange(0, int(until_s)))
        found.append(TimedChange(at_s, change, "world:test"))
        back_s = at_s + rng.choice((1, 20, 250, 290, 2000))
        if back_s < until_s and change.kind != "cap" and rng.random() < 0.6:
            undone = Change(change.kind, change.target, -change.value, change.key)
            found.append(TimedChange(float(back_s), undone, "world:test"))
    return sorted(found, key=lambda timed: timed.at_s)


def random_change(fleet: Fleet, rng: Random) -> Change:
    """Return one change; it breaks something more often than not."""
    held = [row.name for kind in HELD for row in fleet.rows(kind)]
    service = rng.choice(fleet.services).name
    site = rng.choice(fleet.sites).name
    rack = rng.choice(fleet.racks).name
    group = rng.choice(fleet.server_groups)
    return rng.choice(
        [
            *[Change("state", rng.choice(held), -1.0) for _ in range(4)],
            *[Change("failed", group.name, float(rng.randint(1, 2))) for _ in range(3)],
            Change("drain", rack, -1.0),
            Change("count", group.name, float(rng.randint(0, 2))),
            Change("replicas", service, float(rng.randint(0, 2)), site),
            Change("weight", service, rng.choice((0.5, 1.0)), site),
            Change("sick", service, 0.5),
            Change("demand", rng.choice((service, "*")), rng.choice((0.5, 2.0)), rng.choice(("*", "north"))),
            Change("outdoor", site, 8.0),
            Change("cap", rack, rng.choice((100.0, 400.0, 1200.0, float("inf")))),
        ]
    )


HELD = ("power_units", "cooling_plants", "racks", "switches", "links")
