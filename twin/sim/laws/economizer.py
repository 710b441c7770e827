"""Free cooling: how much of the heat the outdoor air takes without a compressor.

A water-side economizer reaches the wet bulb (tower) or the dry bulb (dry cooler) plus an approach. It stands in series
before the chiller: water that returns at T_return is pre-cooled to T_free, the chiller does what is left to T_supply.
"""

from __future__ import annotations

import numpy as np

from twin.graph.levels import Floats

Number = float | Floats


def free_share(outdoor_c: Number, approach_k: Number, supply_c: Number, *, range_k: Number) -> Floats:
    """Share of the heat that needs no compressor: (T_return - T_free) / (T_return - T_supply), within 0 and 1.

    Parameters
    ----------
    outdoor_c
        Wet bulb for a tower, dry bulb for a dry cooler [C].
    approach_k
        How near the water comes to it: tower 3-5 K and heat exchanger 1-2 K, dry cooler 5-8 K (second-hand figures).
    supply_c, range_k
        Chilled water [C], and how much warmer it returns [K].
    """
    free_c = np.asarray(outdoor_c) + approach_k
    return np.clip((np.asarray(supply_c) + range_k - free_c) / np.asarray(range_k), 0.0, 1.0)
