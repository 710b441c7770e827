"""Things to build a fleet from: server types, failure rates, losses, each with its source.

Confidence of a source: *read* in the source, *read2* second hand, *computed* from public data, *recalled*
unverified.
"""

from __future__ import annotations

import math
from typing import Any

from twin.model.protection import TripCurve
from twin.model.series import Note
from twin.model.servers import ServerType

HOUR_S = 3600.0
YEAR_S = 31557600.0

# SPECpower_ssj2008, 2-socket servers: median normalised curve at 0, 10 … 100 % load, and median full power.
_LOADS = tuple(step / 10 for step in range(11))
_SPEC_2018 = (0.149, 0.317, 0.366, 0.413, 0.462, 0.526, 0.597, 0.684, 0.808, 0.912, 1.0), 360.0
_SPEC_2017 = (0.117, 0.273, 0.325, 0.375, 0.427, 0.488, 0.562, 0.649, 0.756, 0.880, 1.0), 448.0
_SPEC_2010 = (0.304, 0.472, 0.518, 0.559, 0.615, 0.676, 0.743, 0.809, 0.873, 0.934, 1.0), 249.0

# UPS: no-load, proportional and square loss; double conversion, 94.6 % at 25 % and 96.5 % at 75 % load.
UPS_LOSS: dict[str, Any] = {"loss_fixed": 0.010, "loss_linear": 0.015, "loss_square": 0.010}
PANEL_LOSS: dict[str, Any] = {"loss_fixed": 0.004, "loss_linear": 0.0, "loss_square": 0.008}

UTILITY: dict[str, Any] = {"mtbf_s": YEAR_S / 1.4, "mttr_s": 4 * HOUR_S}
GENERATOR: dict[str, Any] = {
    "mtbf_s": 4380 * HOUR_S,
    "mttr_s": 22 * HOUR_S,
    "start_s": 15.0,
    "start_probability": 0.9934,
    "run_mtbf_s": 1100 * HOUR_S,
}
ATS: dict[str, Any] = {
    "mtbf_s": 11.7 * YEAR_S,
    "mttr_s": 8 * HOUR_S,
    "transfer_s": 0.1,
    "retransfer_s": 300.0,
}
BOARD: dict[str, Any] = {"mtbf_s": 100 * YEAR_S, "mttr_s": 24 * HOUR_S, "trip": "board-relay"}
UPS: dict[str, Any] = {
    "mtbf_s": 27_500 * HOUR_S,
    "mttr_s": 8 * HOUR_S,
    "walk_in_s": 14.0,
    "recharge_s": 6 * HOUR_S,
    "trip": "ups-inverter",
}
BATTERY_S = 300.0  # at rated load, new
PANEL: dict[str, Any] = {"mtbf_s": 63 * YEAR_S, "mttr_s": 4 * HOUR_S, "trip": "panel-breaker"}
CHILLER: dict[str, Any] = {"mtbf_s": 2 * YEAR_S, "mttr_s": 24 * HOUR_S, "restart_s": 360.0}
STORE_S = 600.0  # chilled water in reserve, at design load

TRIP_CURVES: tuple[TripCurve, ...] = (
    TripCurve(name="panel-breaker", kind="bands", long_delay_s=4.0, short_pickup=4.0, instantaneous=10.0),
    TripCurve(name="board-relay", kind="relay", shape="very-inverse", pickup=1.1, time_dial=2.0),
    TripCurve(
        name="ups-inverter", kind="points", points=((1.1, 120.0, 120.0), (1.25, 30.0, 30.0), (1.5, 0.5, 0.5))
    ),
)
# Per rack: 10 m³ of air, 600 kg of steel, and what joins them.
ZONE_PER_RACK: dict[str, float] = {
    "fluid_j_per_k": 12e3,
    "mass_j_per_k": 360e3,
    "coupling_w_per_k": 200.0,
}
TOR: dict[str, Any] = {"mtbf_s": 20 * YEAR_S, "mttr_s": 2 * HOUR_S}
FABRIC: dict[str, Any] = {"mtbf_s": 10 * YEAR_S, "mttr_s": 2 * HOUR_S}
OPTICS: dict[str, Any] = {"mtbf_s": 50 * YEAR_S, "mttr_s": 4 * HOUR_S}
FIBRE: dict[str, Any] = {"mtbf_s": 2326 * HOUR_S, "mttr_s": 13 * HOUR_S}
_SERVER: dict[str, Any] = {"mtbf_s": 20 * YEAR_S, "mttr_s": 5.2 * HOUR_S}

FIBRE_S_PER_KM = 4.9e-6
ROUTE_OVER_GREAT_CIRCLE = 1.3
EARTH_KM = 6371.0


def _curve(curve: tuple[tuple[float, ...], float]) -> tuple[tuple[float, float], ...]:
    shape, full_w = curve
    return tuple((load, round(part * full_w, 1)) for load, part in zip(_LOADS, shape, strict=True))


SERVER_TYPES: tuple[ServerType, ...] = (
    ServerType(
        name="compute", cores=56, memory_bytes=384 * 2**30, nic_bps=25e9, rru=1.0, curve=_curve(_SPEC_2018),
        off_w=10.0, peak_factor=1.10, peak_correlation=0.2, height_u=1, cost_usd=12_000.0, embodied_kg=1170.0,
        **_SERVER,
    ),
    ServerType(
        name="memory", cores=56, memory_bytes=1024 * 2**30, nic_bps=50e9, rru=1.1, curve=_curve(_SPEC_2017),
        off_w=10.0, peak_factor=1.10, peak_correlation=0.2, height_u=1, cost_usd=18_000.0, embodied_kg=2230.0,
        **_SERVER,
    ),
    ServerType(
        name="storage", cores=12, memory_bytes=96 * 2**30, nic_bps=10e9, rru=0.3, curve=_curve(_SPEC_2010),
        off_w=10.0, peak_factor=1.05, peak_correlation=0.2, height_u=2, cost_usd=9_000.0, embodied_kg=900.0,
        **_SERVER,
    ),
    ServerType(
        name="gpu", cores=128, memory_bytes=1024 * 2**30, gpus=8, gpu_kind="A100", nic_bps=1600e9, rru=8.0,
        curve=((0.0, 1512.0), (1.0, 5418.0)), off_w=20.0, peak_factor=1.21, peak_correlation=0.5, height_u=6,
        cost_usd=300_000.0, embodied_kg=3600.0, mtbf_s=0.72 * YEAR_S, mttr_s=5.2 * HOUR_S,
    ),
)  # fmt: skip
TYPES: dict[str, ServerType] = {kind.name: kind for kind in SERVER_TYPES}

NOTES: tuple[Note, ...] = tuple(
    Note.model_validate({"of": of, "is": is_, "source": source})
    for of, is_, source in (
        ("server_types.compute.curve", "measured", "SPECpower_ssj2008 2018: median of 20 two-socket results"),
        ("server_types.memory.curve", "measured", "SPECpower_ssj2008 2017: median of 17 two-socket results"),
        ("server_types.storage.curve", "measured", "SPECpower_ssj2008 2010: median of 92 two-socket results"),
        ("server_types.gpu.curve", "measured",
         "Acme Seren/Kalos 2023, 8xA100 servers by BMC: p5 as idle, p99 as full load, a line between"),
        ("server_types.*.peak_factor", "assumed", "CPU servers: no measurement at hand"),
        ("server_types.gpu.peak_factor", "measured", "the same: largest sample / p99 = 6554 / 5418"),
        ("server_types.*.peak_correlation", "assumed", "no measurement at hand"),
        ("server_types.*.mttr", "measured", "LANL 1996-2005: mean of 20 518 repairs (computed)"),
        ("server_types.gpu.mtbf", "measured", "Llama 3: 0.173 interruptions per GPU-year (computed)"),
        ("server_types.*.cost", "assumed", "list prices (recalled)"),
        ("server_types.*.embodied", "assumed", "sum of components after Azure GreenSKU (read)"),
        ("power_units.*-grid.mtbf", "declared", "EIA 2022: 1.4 interruptions per customer and year (read)"),
        ("power_units.*-gen-*.mtbf", "assumed", "NREL REopt: availability 0.995 (read), repair assumed"),
        ("power_units.*-ups-*.mtbf", "assumed", "Govindan et al. 2010 (recalled)"),
        ("power_units.*-gen-*.start", "declared", "10 s is the code's case (NFPA 110 type 10, read)"),
        ("power_units.*-gen-*.start_probability", "declared", "NREL REopt, well maintained: fails 0.66 % (read)"),
        ("power_units.*-gen-*.run_mtbf", "declared", "NREL REopt: 1100 h (read)"),
        ("power_units.*-ats-*.transfer", "assumed", "open transition 30-100 ms (recalled)"),
        ("power_units.*-ups-*.battery", "declared", "new designs run under 5 min (ABB/ZincFive 2024, read)"),
        ("power_units.*-ups-*.peukert", "assumed", "VRLA 1.1-1.3 (recalled)"),
        ("trip_curves.panel-breaker.*", "assumed", "dials of a Micrologic 5.0A (read), tolerances recalled"),
        ("trip_curves.board-relay.*", "declared", "IEEE C37.112 very inverse (read2)"),
        ("trip_curves.ups-inverter.*", "declared", "Staco FirstLine: 110 % 2 min, 125 % 30 s (read)"),
        ("cooling_plants.*.restart", "declared", "chillers restart in 4-8 min (heatventors.com, read2)"),
        ("cooling_zones.*", "assumed", "10 m3 of air and 600 kg of steel a rack; coupling from a test of 2007"),
        ("power_units.*.loss_*", "assumed", "form of APC WP 108/113 (read); coefficients chosen (recalled)"),
        ("switches.*.mtbf", "declared", "Gill et al., SIGCOMM 2011: 5 and 10 % a year (read2)"),
        ("links.*.latency", "declared", "4.9 µs/km (read) times 1.3 great circles (recalled)"),
    )
)  # fmt: skip


def standard_size(needed: float) -> float:
    """Return the smallest size of the Renard series R20 (1, 1.12, 1.25 … 10) that is at least *needed*."""
    decade = 10.0 ** math.floor(math.log10(needed))
    steps = (1, 1.12, 1.25, 1.4, 1.6, 1.8, 2, 2.24, 2.5, 2.8, 3.15, 3.55, 4, 4.5, 5, 5.6, 6.3, 7.1, 8, 9, 10)
    return float(next(round(decade * step, 6) for step in steps if decade * step >= needed * (1 - 1e-9)))


def fibre_s(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Return the one-way delay `[s]` of a fibre between two (latitude, longitude), in steps of 10 µs."""
    (lat1, lon1), (lat2, lon2) = (tuple(math.radians(angle) for angle in place) for place in (one, other))
    half = (
        math.sin((lat2 - lat1) / 2) ** 2 + math.cos(lat1) * math.cos(lat2) * math.sin((lon2 - lon1) / 2) ** 2
    )
    km = 2 * EARTH_KM * math.asin(math.sqrt(half)) * ROUTE_OVER_GREAT_CIRCLE
    return round(km * FIBRE_S_PER_KM, 5)
