"""The triangular distribution of a demand known as low, likely and high: how likely it is above a supply, and by how much.

Low and high are its ends: no demand outside of them is thought possible, and the likely one is the mode. It is the least that
three numbers say; where low and high are quantiles of something wider, these risks are too small.
"""

from __future__ import annotations


def chance_above(supply: float, low: float, mode: float, high: float) -> float:
    """Return P(demand > supply) of the triangular distribution on low..high with this mode.

    With x the supply: 1 where x < low; 1 - (x-low)²/((high-low)(mode-low)) up to the mode; (high-x)²/((high-low)(high-mode))
    up to high; 0 above. Where low = high, demand is certain.

    Raises
    ------
    ValueError
        Unless low <= mode <= high.
    """
    _check(low, mode, high)
    if supply >= high:
        return 0.0
    if supply < low:
        return 1.0
    if supply <= mode and low < mode:
        return 1.0 - (supply - low) / (high - low) * ((supply - low) / (mode - low))
    return (high - supply) / (high - low) * ((high - supply) / (high - mode))


def mean_above(supply: float, low: float, mode: float, high: float) -> float:
    """Return E[max(0, demand - supply)]: what is short on average, in the unit of the demand.

    It is the integral of :func:`chance_above` from the supply upwards: (high-x)³/(3(high-low)(high-mode)) above the mode,
    mean - x + (x-low)³/(3(high-low)(mode-low)) between low and mode, mean - x below low.
    """
    _check(low, mode, high)
    if supply >= high:
        return 0.0
    mean = (low + mode + high) / 3.0
    if supply <= low:
        return mean - supply
    if supply <= mode:
        return (
            mean
            - supply
            + (supply - low) / (high - low) * ((supply - low) / (mode - low)) * (supply - low) / 3.0
        )
    return (high - supply) / (high - low) * ((high - supply) / (high - mode)) * (high - supply) / 3.0


def _check(low: float, mode: float, high: float) -> None:
    if not low <= mode <= high:
        raise ValueError(f"low {low:g}, likely {mode:g} and high {high:g} are not in this order")
