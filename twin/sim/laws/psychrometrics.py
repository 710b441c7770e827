"""Moist air: from temperature and relative humidity to the wet bulb, on which towers and wet coolers work.

Relative humidity is a share (0.5), temperatures in C, pressures in Pa. At sea level.
"""

from __future__ import annotations

import numpy as np

from twin.graph.levels import Floats

Number = float | Floats

# Range of the fit of Stull (2011), in percent.
DRIEST_PCT, WETTEST_PCT = 5.0, 99.0


def saturation_pa(dry_c: Number) -> Floats:
    """Pressure of saturated water vapour over water [Pa].

    References
    ----------
    Alduchov, O. A., Eskridge, R. E., J. Appl. Meteorol. 35 (1996) 601: 610.94 exp(17.625 T / (T + 243.04)).
    """
    return np.asarray(610.94 * np.exp(17.625 * np.asarray(dry_c) / (np.asarray(dry_c) + 243.04)))


def humidity_when_warmed(dry_c: Number, humidity: Number, warmer_k: Number) -> Floats:
    """Relative humidity (a share) of air that is warmed by some kelvin and keeps its moisture; at most 1."""
    dry = np.asarray(dry_c, dtype=float)
    return np.minimum(np.asarray(humidity) * saturation_pa(dry) / saturation_pa(dry + warmer_k), 1.0)


def wet_bulb_c(dry_c: Number, humidity: Number) -> Floats:
    """Wet-bulb temperature [C] of air at `dry_c` with a relative humidity (a share), never above the dry bulb.

    The fit holds from 5 to 99 % and from -20 to 50 C (error -1 to +0.65 K, mean 0.28 K); drier and wetter air is taken
    at the edge of that range.

    References
    ----------
    Stull, R., J. Appl. Meteorol. Climatol. 50 (2011) 2267, doi:10.1175/JAMC-D-11-0143.1.
    """
    dry = np.asarray(dry_c, dtype=float)
    rh = np.clip(100.0 * np.asarray(humidity, dtype=float), DRIEST_PCT, WETTEST_PCT)
    wet = (
        dry * np.arctan(0.151977 * np.sqrt(rh + 8.313659))
        + np.arctan(dry + rh)
        - np.arctan(rh - 1.676331)
        + 0.00391838 * rh**1.5 * np.arctan(0.023101 * rh)
        - 4.686035
    )
    return np.asarray(np.minimum(wet, dry))
