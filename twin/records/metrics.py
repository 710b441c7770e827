"""The one registry of metrics: what may be measured, gated, claimed and reported.

A metric is reduced to one number per run (or, for invariants, to a set of named violations). To add one: a row here
and its measurement in `twin/sim/measure.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Metric:
    """One metric: name with unit suffix where it has one, unit ("1" = a fraction), and how it is reduced.

    `where` lists the legal filters; `kind` is *number* (one number per run), *event* (1 when it happened at all:
    for probabilities) or *violations* (a set of names: for invariants; as a number, their count). `bounds` are the
    values it can take. `inputs` are the fleet values it rests on ("server_types.curve"): the verdict lists the
    assumed ones among them.
    """

    name: str
    unit: str
    kind: Literal["number", "event", "violations"]
    reduction: str
    better: Literal["lower", "higher"]
    where: tuple[str, ...]
    text: str
    bounds: tuple[float, float] | None = None
    inputs: tuple[str, ...] = ()


_SERVICE = ("service", "tier")
_PLACE = ("site", "region")
_UNIT = ("unit", "site", "region", "kind")
_POWER = (
    "power_units.rated_va",
    "power_units.loss_fixed",
    "power_units.loss_linear",
    "power_units.loss_square",
    "racks.shares",
    "server_types.curve",
    "server_types.idle_w",
    "server_types.max_w",
    "server_types.exponent",
)
_PEAK = (
    *_POWER,
    "server_types.peak_factor",
    "server_types.peak_correlation",
    "server_types.power_factor",
    "power_units.continuous",
)
_QUEUE = (
    "services.service_time_s",
    "services.slots",
    "services.replica_rru",
    "services.max_wait_s",
    "services.failover_s",
    "services.retries",
    "services.retry_budget",
    "demand.rate_per_s",
    "demand.growth_per_year",
    "server_types.rru",
)
_SLO = (*_QUEUE, "services.slo")

METRICS: tuple[Metric, ...] = (
    Metric(
        "error_rate",
        "1",
        "number",
        "failed requests / requests over the window",
        "lower",
        _SERVICE,
        "share of user requests that failed",
        (0.0, 1.0),
        _QUEUE,
    ),
    Metric(
        "availability",
        "1",
        "number",
        "1 - error_rate",
        "higher",
        _SERVICE,
        "share of user requests that were answered",
        (0.0, 1.0),
        _QUEUE,
    ),
    Metric(
        "latency_p99_ms",
        "ms",
        "number",
        "time mean of the p99 at the worst site, demand-weighted over services",
        "lower",
        _SERVICE,
        "99th percentile of the sojourn (queueing + service) plus the network round trip",
        None,
        _QUEUE,
    ),
    Metric(
        "latency_p99_max_ms",
        "ms",
        "number",
        "largest p99 over time and services",
        "lower",
        _SERVICE,
        "worst 99th percentile of the sojourn at any instant",
        None,
        _QUEUE,
    ),
    Metric(
        "slo_violation",
        "1",
        "event",
        "1 when a service missed its SLO for longer than `for`",
        "lower",
        _SERVICE,
        "a service answered too few requests, or too slowly, for longer than the gate's `for`",
        (0.0, 1.0),
        _SLO,
    ),
    Metric(
        "slo_violations",
        "",
        "violations",
        "services that missed their SLO for longer than `for`",
        "lower",
        _SERVICE,
        "names of the services that missed their SLO",
        None,
        _SLO,
    ),
    Metric(
        "retry_rate",
        "1",
        "number",
        "retries / first tries over the window",
        "lower",
        _SERVICE,
        "extra tries of failed requests",
        (0.0, 11.0),
        _QUEUE,
    ),
    Metric(
        "overloads",
        "",
        "violations",
        "units whose sub-interval peak exceeded the rating for longer than `for`",
        "lower",
        _UNIT,
        "power units above their rating on the peak (whether a breaker trips is another matter: breaker_trips)",
        None,
        _PEAK,
    ),
    Metric(
        "breaker_trips",
        "",
        "violations",
        "units whose breaker opened, at any time",
        "lower",
        _UNIT,
        "power units whose breaker or relay opened on overcurrent",
        None,
        (*_PEAK, "power_units.trip"),
    ),
    Metric(
        "batteries_empty",
        "",
        "violations",
        "UPSs whose battery ran out or failed, at any time",
        "lower",
        _UNIT,
        "UPSs that could not carry their load until a source was back",
        None,
        (*_POWER, "power_units.battery_j", "power_units.battery_health", "power_units.peukert"),
    ),
    Metric(
        "standby_failures",
        "",
        "violations",
        "generators and transfer switches that failed when asked, at any time",
        "lower",
        _UNIT,
        "generators that did not start, run or take the load, and transfer switches that did not transfer",
        None,
        ("power_units.start_s", "power_units.block", "power_units.transfer_s"),
    ),
    Metric(
        "thermal_shutdowns",
        "",
        "violations",
        "racks that were shut down because of heat, at any time",
        "lower",
        _PLACE,
        "racks whose inlet passed the shutdown temperature",
        None,
        (*_POWER, "cooling_plants.rated_heat_w", "cooling_zones.fluid_j_per_k", "cooling_zones.mass_j_per_k"),
    ),
    Metric(
        "unpowered",
        "",
        "violations",
        "racks and plants without power for longer than `for`",
        "lower",
        _PLACE,
        "racks and cooling plants that lost all feeds",
        None,
        ("racks.fed_by", "power_units.fed_by"),
    ),
    Metric(
        "unreachable",
        "",
        "violations",
        "racks cut off from the border for longer than `for`",
        "lower",
        _PLACE,
        "racks that are powered but have no path to the backbone",
        None,
        ("racks.switches",),
    ),
    Metric(
        "link_overloads",
        "",
        "violations",
        "links loaded above capacity for longer than `for`",
        "lower",
        ("link", "site", "region"),
        "links and switches that carry more than they can",
        None,
        ("services.request_bytes", "links.capacity_bps"),
    ),
    Metric(
        "quorum_lost",
        "",
        "violations",
        "storage sets below quorum for longer than `for`",
        "lower",
        ("storage",),
        "stateful sets with fewer reachable copies than their quorum",
        None,
        ("storage.quorum",),
    ),
    Metric(
        "cooling_short",
        "",
        "violations",
        "sites whose heat exceeded the live plants for longer than `for`",
        "lower",
        _PLACE,
        "sites where the live cooling plants cannot remove the heat (what it heats is another matter: thermal_shutdowns)",
        None,
        ("cooling_plants.rated_heat_w",),
    ),
    Metric(
        "capacity_short_rru",
        "RRU",
        "number",
        "largest shortfall of running against wanted replicas",
        "lower",
        (*_SERVICE, *_PLACE),
        "relative resource units that services wanted and did not have",
        None,
        ("server_types.rru", "services.replica_rru"),
    ),
    Metric(
        "utilisation_max",
        "1",
        "number",
        "largest utilisation of a service's replicas at a site",
        "lower",
        _SERVICE,
        "how busy the busiest replicas were",
        None,
        _QUEUE,
    ),
    Metric(
        "headroom_min_pct",
        "%",
        "number",
        "smallest (rating - peak) / rating over time and units",
        "higher",
        _UNIT,
        "least headroom of any power unit, on the peak",
        None,
        _PEAK,
    ),
    Metric(
        "peak_kw",
        "kW",
        "number",
        "largest facility power",
        "lower",
        _PLACE,
        "largest draw from utilities and generators",
        None,
        _POWER,
    ),
    Metric(
        "energy_kwh",
        "kWh",
        "number",
        "integral of facility power",
        "lower",
        _PLACE,
        "energy drawn from utilities and generators",
        None,
        _POWER,
    ),
    Metric(
        "it_energy_kwh",
        "kWh",
        "number",
        "integral of rack power",
        "lower",
        _PLACE,
        "energy of the racks",
        None,
        _POWER,
    ),
    Metric(
        "pue",
        "1",
        "number",
        "energy_kwh / it_energy_kwh",
        "lower",
        _PLACE,
        "power usage effectiveness: an output",
        None,
        (*_POWER, "cooling_plants.cop_ref", "cooling_plants.cop_slope_per_k", "cooling_plants.fixed_w"),
    ),
    Metric(
        "carbon_kg",
        "kg",
        "number",
        "integral of facility power x grid intensity",
        "lower",
        _PLACE,
        "operational carbon",
        None,
        (*_POWER, "regions.carbon_g_per_kwh"),
    ),
    Metric(
        "embodied_kg",
        "kg",
        "number",
        "installed servers x embodied carbon x window / lifetime",
        "lower",
        _PLACE,
        "embodied carbon amortised over the lifetime (SCI, ISO/IEC 21031)",
        None,
        ("server_types.embodied_kg", "server_types.lifetime_s"),
    ),
    Metric(
        "energy_cost_usd",
        "USD",
        "number",
        "integral of facility power x price",
        "lower",
        _PLACE,
        "cost of energy",
        None,
        (*_POWER, "regions.price_usd_per_mwh"),
    ),
    Metric(
        "server_cost_usd",
        "USD",
        "number",
        "installed servers x cost x window / lifetime",
        "lower",
        _PLACE,
        "cost of the servers written off over the window",
        None,
        ("server_types.cost_usd", "server_types.lifetime_s"),
    ),
)
BY_NAME: dict[str, Metric] = {metric.name: metric for metric in METRICS}
