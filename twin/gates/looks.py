"""Looks: the only moments at which a gate may be judged, and what it may say there.

Whoever looks at an ordinary 95 % interval after every batch and stops when it pleases is wrong far more often
than once in twenty times. A gate therefore looks only after first · 2^k replications, and its error is split
evenly over the looks of its budget, so that the whole sequence errs at most as often as stated.
"""

from __future__ import annotations

from typing import Literal

Decision = Literal["pass", "warn", "fail"]


def look_schedule(first: int, maximum: int) -> tuple[int, ...]:
    """Return the looks first, 2·first, 4·first, ... up to the budget *maximum*."""
    if not 1 <= first <= maximum:
        raise ValueError(f"the first look ({first}) must lie between 1 and the budget ({maximum})")
    looks = [first]
    while 2 * looks[-1] <= maximum:
        looks.append(2 * looks[-1])
    return tuple(looks)


def alpha_per_look(confidence: float, looks: tuple[int, ...]) -> float:
    """Return the error that each one-sided bound may have at each look."""
    return (1.0 - confidence) / max(1, len(looks))


def decide(passes: bool | None, fails: bool | None) -> Decision | None:
    """Return the gate's answer from what is known of its pass and its fail limit (None: not known yet).

    Between the two limits lies the band that warns. A gate without a fail limit fails when it surely does not
    pass: `fails` is then `not passes`.
    """
    if passes:
        return "pass"
    if fails:
        return "fail"
    return "warn" if passes is False and fails is False else None
