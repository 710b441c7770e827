"""The settled state of a fleet at one instant: who is up, how much flows where, how the services do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Snapshot:
    """Everything at rest at the instant `at`, with the things in `lost` taken away.

    Arrays follow the order of the names beside them: units `[U]`, links `[L]`, racks `[R]`, services `[K]`, sites `[S]`, server
    groups `[G]`. `server_w` is what one working server of a group draws. Loads are five-minute means, `peak_va` is the
    sub-interval peak that is held to `limit_va` (rating times the share of it that may flow for hours). A link carries its busier
    direction.
    """

    at: datetime
    lost: tuple[str, ...]
    units: tuple[str, ...]
    unit_kind: tuple[str, ...]
    unit_site: tuple[str, ...]
    unit_up: Bools
    load_w: Floats
    load_va: Floats
    peak_va: Floats
    limit_va: Floats
    links: tuple[str, ...]
    link_up: Bools
    link_load_bps: Floats
    link_capacity_bps: Floats
    racks: tuple[str, ...]
    rack_powered: Bools
    rack_reachable: Bools
    rack_w: Floats
    services: tuple[str, ...]
    sites: tuple[str, ...]
    service_site_rate: Floats
    service_site_utilisation: Floats
    service_p99_s: Floats
    service_error: Floats
    site_facility_w: Floats
    site_it_w: Floats
    groups: tuple[str, ...]
    server_w: Floats
