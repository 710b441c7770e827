"""UPS batteries: how long a charge carries a load, and what brings it back.

The state is the *charge*, 1 when full and 0 when empty. It falls by Peukert's law and rises linearly; both are closed
forms over constant load, so that the moment of emptiness is known as soon as the load is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from twin.graph.levels import Floats
from twin.model.power import PowerUnit

# Runtime tables of batteries do not go below a tenth of the rating; under it the gain by low load stays as it is there.
LEAST_SHARE = 0.1


@dataclass(frozen=True)
class Bank:
    """Batteries as columns `[n]`: energy at rated load when new [J], the part still held, rated power [W], exponent."""

    energy_j: Floats
    health: Floats
    rated_w: Floats
    peukert: Floats
    recharge_s: Floats

    @classmethod
    def of(cls, units: Sequence[PowerUnit]) -> Self:
        """The batteries of some UPS units; their rated power is the rating at a power factor of 1."""
        return cls(
            energy_j=np.array([unit.battery_j or 0.0 for unit in units]),
            health=np.array([unit.battery_health for unit in units]),
            rated_w=np.array([unit.rated_va for unit in units]),
            peukert=np.array([unit.peukert for unit in units]),
            recharge_s=np.array([unit.recharge_s for unit in units]),
        )


def runtime_s(bank: Bank, load_w: Floats) -> Floats:
    """How long a full battery carries a load.

    Parameters
    ----------
    load_w
        Constant load on each battery [W, (n,)].

    Returns
    -------
    Floats
        t = (h·E / P_r) · (P_r / P)^k [s, (n,)], infinite without load. h·E is the energy at rated load that the aged
        battery still holds [J], P_r the rated power [W], k Peukert's exponent.

    Notes
    -----
    Exponents of 1.1 to 1.3 (lead-acid) and 1.02 to 1.05 (lithium) are recalled from practice, so k is a parameter of the
    unit. Below a tenth of the rating the energy that can be drawn no longer grows.

    References
    ----------
    W. Peukert, "Über die Abhängigkeit der Kapazität von der Entladestromstärke bei Bleiakkumulatoren",
    Elektrotechnische Zeitschrift 20 (1897); in the form for power that sizing tables of UPS makers follow.
    """
    rate = drain_per_s(bank, load_w)
    return np.divide(1.0, rate, out=np.full_like(rate, np.inf), where=rate > 0)


def drain_per_s(bank: Bank, load_w: Floats) -> Floats:
    """Charge lost per second of carrying a load [1/s, (n,)]: the inverse of the runtime."""
    share = load_w / bank.rated_w
    gain = np.maximum(share, LEAST_SHARE) ** (bank.peukert - 1.0)
    return np.maximum(load_w, 0.0) * gain / (bank.energy_j * bank.health)


def charging_w(bank: Bank, drawn_j: Floats, charge: Floats) -> Floats:
    """Power that recharging takes [W, (n,)].

    A recharge is linear, `recharge_s` from empty to full, and gives back what was drawn: `drawn_j` [J] since the battery
    was last full, over the time (1 - charge) · recharge_s that is left. So what went out equals what comes back in;
    conversion losses are those of the UPS that it flows through.
    """
    rest_s = (1.0 - charge) * bank.recharge_s
    return np.divide(drawn_j, rest_s, out=np.zeros_like(rest_s), where=rest_s > 0)
