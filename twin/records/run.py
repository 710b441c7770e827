"""What one run leaves behind: integrals, extremes and the intervals of violations. Bounded, whatever its length."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from twin.records.verdict import Happening

Floats = NDArray[np.float64]
JOULES_PER_KWH = 3.6e6


@dataclass(frozen=True, slots=True)
class Interval:
    """A violation of one kind by one thing, from `start_s` to `end_s` (the run's end when it lasted)."""

    kind: str
    thing: str
    start_s: float
    end_s: float


@dataclass(frozen=True)
class Trace:
    """Change points of one quantity of one thing, bounded in number: `values[i]` holds from `times_s[i]`."""

    quantity: str
    thing: str
    times_s: Floats
    values: Floats
    limit: float | None = None


@dataclass(frozen=True)
class Run:
    """One run of `seconds` from `start_s` on.

    Vectors are per service `[K]`, site `[S]`, region `[G]`, unit `[U]`, stateful set `[B]`; in J, L, requests and seconds.
    `facility_j` is what utilities and generators give, `onsite_j` what batteries and the sun give, less what charges batteries.
    """

    seconds: float
    requests: Floats
    errors: Floats
    retries: Floats
    p99_integral: Floats
    traffic_bit: Floats
    traffic_lost_bit: Floats
    p99_max_s: Floats
    rho_max: Floats
    short_rru: Floats
    facility_j: Floats
    it_j: Floats
    onsite_j: Floats
    water_l: Floats
    carbon_g: Floats
    energy_cost_usd: Floats
    server_cost_usd: Floats
    embodied_kg: Floats
    facility_max_w: Floats
    region_max_w: Floats
    fleet_max_w: float
    headroom_min: Floats
    intervals: tuple[Interval, ...]
    intervals_dropped: int
    settles: int
    events: int
    traces: tuple[Trace, ...] = ()
    happenings: tuple[Happening, ...] = ()
    at_risk_max_bytes: Floats = field(default_factory=lambda: np.zeros(0))
    rebuilt_bytes: Floats = field(default_factory=lambda: np.zeros(0))
    start_s: float = 0.0
