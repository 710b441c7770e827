"""From a run to the numbers that gates judge: one function per metric of the registry."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from typing import Any

import numpy as np

from twin.graph.compile import Compiled
from twin.graph.levels import Bools, Floats
from twin.records.metrics import BY_NAME
from twin.records.run import JOULES_PER_KWH, Run
from twin.sim.recorder import VIOLATIONS

Where = Mapping[str, Any]
# Violations that happen at an instant, and the kind of thing that has them.
EVENTS = {
    "breaker_trips": "power_units",
    "batteries_empty": "power_units",
    "standby_failures": "power_units",
    "thermal_shutdowns": "racks",
    "racks_shed": "racks",
}


def measure(
    compiled: Compiled, run: Run, metric: str, where: Where, *, for_s: float = 0.0
) -> float | frozenset[str]:
    """Return one metric of a run, over the things that match `where`: a number, or the names of the violators.

    A violation shorter than `for_s` is a transient and does not count.
    """
    kind = BY_NAME[metric].kind
    if kind == "violations":
        return violators(compiled, run, metric, where, for_s)
    if kind == "event":
        return float(bool(violators(compiled, run, "slo_violations", where, for_s)))
    return float(_NUMBERS[metric](compiled, run, where))


def violators(compiled: Compiled, run: Run, kind: str, where: Where, for_s: float = 0.0) -> frozenset[str]:
    """Names of the things with a violation of `kind` that lasted at least `for_s` (and longer than nothing).

    An event (a breaker that opens) counts at once.
    """
    things = {
        i.thing for i in run.intervals if i.kind == kind and (kind in EVENTS or i.end_s - i.start_s >= for_s)
    }
    return frozenset(name for name in things if matches(compiled, kind, name, where))


def transients(compiled: Compiled, run: Run, kind: str, where: Where, for_s: float) -> frozenset[str]:
    """Names of the things whose violations were all shorter than `for_s`."""
    things = {i.thing for i in run.intervals if i.kind == kind}
    return frozenset(name for name in things if matches(compiled, kind, name, where)) - violators(
        compiled, run, kind, where, for_s
    )


def matches(compiled: Compiled, violation: str, name: str, where: Where) -> bool:
    """Whether a violating thing satisfies every filter."""
    return all(
        any(_is(compiled, violation, name, key, wanted) for wanted in _list(value))
        for key, value in where.items()
    )


def _is(compiled: Compiled, violation: str, name: str, key: str, wanted: Any) -> bool:
    if key in ("service", "unit", "link", "storage"):
        return fnmatchcase(name, str(wanted))
    thing_kind = EVENTS.get(violation) or next(
        kind for found, kind in VIOLATIONS if found == violation and name in compiled.index[kind]
    )
    i = compiled.index[thing_kind][name]
    if key == "tier":
        return bool(compiled.services.tier[i] == wanted)
    if key == "kind":
        return compiled.names["unit_kind"][i] == wanted
    site = _site_of(compiled, thing_kind, i)
    if site is None:
        return False
    place = (
        compiled.names["sites"][site]
        if key == "site"
        else compiled.names["regions"][compiled.site_region[site]]
    )
    return fnmatchcase(place, str(wanted))


def _site_of(compiled: Compiled, kind: str, i: int) -> int | None:
    arrays = {
        "power_units": compiled.power.unit_site,
        "racks": compiled.rack_site,
        "cooling_plants": compiled.power.plant_site,
        "switches": compiled.network.switch_site,
        "links": compiled.network.link_site,
    }
    if kind == "sites":
        return i
    return int(arrays[kind][i]) if kind in arrays else None


def service_mask(compiled: Compiled, where: Where) -> Bools:
    """Services `[K]` that match the service and tier filters."""
    names = compiled.names["services"]
    mask = np.ones(len(names), dtype=bool)
    if "service" in where:
        mask &= np.array(
            [any(fnmatchcase(name, str(w)) for w in _list(where["service"])) for name in names], dtype=bool
        )
    if "tier" in where:
        mask &= np.isin(compiled.services.tier, _list(where["tier"]))
    return mask


def site_mask(compiled: Compiled, where: Where) -> Bools:
    """Sites `[S]` that match the site and region filters."""
    mask = np.ones(len(compiled.names["sites"]), dtype=bool)
    for key, names in (
        ("site", compiled.names["sites"]),
        ("region", tuple(compiled.names["regions"][r] for r in compiled.site_region)),
    ):
        if key in where:
            mask &= np.array(
                [any(fnmatchcase(name, str(w)) for w in _list(where[key])) for name in names], dtype=bool
            )
    return mask


def unit_mask(compiled: Compiled, where: Where) -> Bools:
    """Power units `[U]` that match the unit, kind, site and region filters."""
    mask = site_mask(compiled, where)[compiled.power.unit_site]
    for key, names in (("unit", compiled.names["power_units"]), ("kind", compiled.names["unit_kind"])):
        if key in where:
            mask &= np.array(
                [any(fnmatchcase(name, str(w)) for w in _list(where[key])) for name in names], dtype=bool
            )
    return mask


def _list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple, set, frozenset)) else [value]


def _error_rate(compiled: Compiled, run: Run, where: Where) -> float:
    mask = service_mask(compiled, where)
    total = run.requests[mask].sum()
    return float(run.errors[mask].sum() / total) if total > 0 else 0.0


def _retry_rate(compiled: Compiled, run: Run, where: Where) -> float:
    mask = service_mask(compiled, where)
    total = run.requests[mask].sum()
    return float(run.retries[mask].sum() / total) if total > 0 else 0.0


def _traffic_loss(compiled: Compiled, run: Run, where: Where) -> float:
    """Traffic counts for the site and the region that it comes from."""
    rows, sites = compiled.traffic, len(compiled.names["sites"])
    mask = site_mask(compiled, where)[rows.pair // max(1, sites)]
    if "tier" in where:
        mask = mask & np.isin(rows.tier, _list(where["tier"]))
    sent = run.traffic_bit[mask].sum()
    return float(run.traffic_lost_bit[mask].sum() / sent) if sent > 0 else 0.0


def _latency(compiled: Compiled, run: Run, where: Where) -> float:
    mask = service_mask(compiled, where)
    weight = run.requests[mask]
    mean_ms = 1e3 * run.p99_integral[mask] / run.seconds
    return float((weight * mean_ms).sum() / weight.sum()) if weight.sum() > 0 else 0.0


def _by_site(vector: str, scale: float) -> Callable[[Compiled, Run, Where], float]:
    def total(compiled: Compiled, run: Run, where: Where) -> float:
        values: Floats = getattr(run, vector)
        return float(values[site_mask(compiled, where)].sum() * scale)

    return total


def _pue(compiled: Compiled, run: Run, where: Where) -> float:
    mask = site_mask(compiled, where)
    it = run.it_j[mask].sum()
    used = run.facility_j[mask].sum() + run.onsite_j[mask].sum()
    return float(used / it) if it > 0 else float("nan")


def _peak_kw(compiled: Compiled, run: Run, where: Where) -> float:
    """Of one site, one region or the fleet: the peak of the sum; of anything else the sum of the peaks (an upper bound)."""
    mask = site_mask(compiled, where)
    if mask.all():
        return run.fleet_max_w / 1e3
    regions = np.unique(compiled.site_region[mask])
    if len(regions) == 1 and mask.sum() == (compiled.site_region == regions[0]).sum():
        return float(run.region_max_w[regions[0]] / 1e3)
    return float(run.facility_max_w[mask].sum() / 1e3)


def _short(compiled: Compiled, run: Run, where: Where) -> float:
    rows = run.short_rru[service_mask(compiled, where)]
    return float(rows[:, site_mask(compiled, where)].max(initial=0.0))


def _of_storage(vector: str) -> Callable[[Compiled, Run, Where], float]:
    def total(compiled: Compiled, run: Run, where: Where) -> float:
        values: Floats = getattr(run, vector)
        wanted = _list(where.get("storage", "*"))
        names = compiled.names["storage"] if len(values) else ()
        return sum(
            float(value)
            for name, value in zip(names, values, strict=True)
            if any(fnmatchcase(name, str(w)) for w in wanted)
        )

    return total


def _headroom(compiled: Compiled, run: Run, where: Where) -> float:
    return float(100.0 * run.headroom_min[unit_mask(compiled, where)].min(initial=1.0))


_NUMBERS: dict[str, Callable[[Compiled, Run, Where], float]] = {
    "error_rate": _error_rate,
    "availability": lambda compiled, run, where: 1.0 - _error_rate(compiled, run, where),
    "latency_p99_ms": _latency,
    "latency_p99_max_ms": lambda compiled, run, where: (
        1e3 * float(run.p99_max_s[service_mask(compiled, where)].max(initial=0.0))
    ),
    "retry_rate": _retry_rate,
    "traffic_loss": _traffic_loss,
    "capacity_short_rru": _short,
    "utilisation_max": lambda compiled, run, where: float(
        run.rho_max[service_mask(compiled, where)].max(initial=0.0)
    ),
    "headroom_min_pct": _headroom,
    "data_at_risk_bytes": _of_storage("at_risk_max_bytes"),
    "rebuilt_bytes": _of_storage("rebuilt_bytes"),
    "peak_kw": _peak_kw,
    "energy_kwh": _by_site("facility_j", 1 / JOULES_PER_KWH),
    "it_energy_kwh": _by_site("it_j", 1 / JOULES_PER_KWH),
    "pue": _pue,
    "water_l": _by_site("water_l", 1.0),
    "carbon_kg": _by_site("carbon_g", 1e-3),
    "embodied_kg": _by_site("embodied_kg", 1.0),
    "energy_cost_usd": _by_site("energy_cost_usd", 1.0),
    "server_cost_usd": _by_site("server_cost_usd", 1.0),
}
