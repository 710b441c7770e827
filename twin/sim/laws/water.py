"""Water that a cooling tower takes: what it evaporates, and what it must throw away so that salts do not build up.

All heat is taken to leave as vapour, 2.45 MJ/kg (1.47 L per kWh of heat); some leaves as warm air, so this errs on the
high side. Of every litre 1/C is thrown away at C cycles of concentration: make-up = evaporation C / (C - 1).
"""

from __future__ import annotations

import numpy as np

from twin.graph.levels import Floats

Number = float | Floats
LATENT_J_PER_L = 2.45e6


def evaporated_l_per_s(rejected_w: Number) -> Floats:
    """Water evaporated [L/s] to reject some heat [W]."""
    return np.asarray(rejected_w) / LATENT_J_PER_L


def makeup_l_per_s(rejected_w: Number, cycles: Number) -> Floats:
    """Water that a tower takes in [L/s]: what it evaporates and what it throws away; `cycles` > 1."""
    concentrated = np.asarray(cycles, dtype=float)
    return evaporated_l_per_s(rejected_w) * concentrated / (concentrated - 1.0)
