"""Demand of another size: the same fleet, whose users ask for more or less.

What is scaled is what users ask for (each row's rate, so its profile and growth as well) and what owners were guaranteed.
Replicas, servers and ratings stay: to add them is the business of a plan. So does traffic between sites that no service
makes (copies, backups): it follows what is stored, not what is asked.
"""

from __future__ import annotations

import re

from twin.model.errors import UsageError
from twin.model.fleet import Fleet
from twin.model.units import parse_quantity

YEAR_S = 31557600.0  # 365.25 days
MOST = 1000.0  # times the demand of today: more is a slip of the pen
_FORMS = "write e.g. '+20%', '-5 %' or '1.2x'"


def read_demand(text: str) -> float:
    """Return the factor that a change of demand stands for: "+20%" and "1.2x" are 1.2; raise UsageError for anything else."""
    stripped = text.strip()
    try:
        if stripped.endswith("%") and stripped[0] in "+-":
            factor = round(1.0 + parse_quantity(stripped, "ratio"), 12)
        elif times := re.fullmatch(r"(.*\d\.?)\s*[x×]", stripped):
            factor = parse_quantity(times[1], "ratio")
        else:
            raise ValueError(f"{text!r} does not say by how much")
    except ValueError as error:
        raise UsageError(f"a change of demand: {error}; {_FORMS}") from None
    if not 0.0 < factor <= MOST:
        what = "leaves no demand" if factor <= 0.0 else f"is more than {MOST:g} times the demand"
        raise UsageError(f"a change of demand: {text!r} {what}; {_FORMS}")
    return factor


def read_growth(text: str) -> float:
    """Return the growth per year that a text stands for: "40%" is 0.4; raise UsageError for anything else."""
    try:
        per_year = parse_quantity(text.strip().removeprefix("+"), "ratio")
    except ValueError as error:
        raise UsageError(f"growth: {error}; write e.g. '40%' (a year)") from None
    if not -1.0 < per_year <= MOST:
        raise UsageError(
            f"growth: {text!r} leaves no demand, or is more than {MOST:g} times it; write e.g. '40%'"
        )
    return per_year


def growth_in(fleet: Fleet, window_s: float) -> float | None:
    """Return what users ask for after a while in units of what they ask before, all requests alike; None if nothing grows."""
    grown = [(1.0 + row.growth_per_year) ** (window_s / YEAR_S) for row in fleet.demand]
    total = sum(row.rate_per_s for row in fleet.demand)
    if total <= 0.0 or all(row.growth_per_year == 0.0 for row in fleet.demand):
        return None
    return sum(row.rate_per_s * factor for row, factor in zip(fleet.demand, grown, strict=True)) / total


def with_growth(fleet: Fleet, per_year: float) -> Fleet:
    """Return the fleet whose users ask for so much more each year, whatever growth each row of demand declares."""
    rows = tuple(row.model_copy(update={"growth_per_year": per_year}) for row in fleet.demand)
    return fleet.model_copy(update={"demand": rows})


def with_demand(fleet: Fleet, factor: float) -> Fleet:
    """Return the fleet with `factor` times the demand of its users and the guarantees of its reservations.

    The fleet itself for a factor of 1. Cost: one copy of each row of demand and reservation.
    """
    if factor == 1.0:
        return fleet
    asked = [row.model_copy(update={"rate_per_s": row.rate_per_s * factor}) for row in fleet.demand]
    guaranteed = [
        row.model_copy(update={"guaranteed_rru": row.guaranteed_rru * factor}) if row.guaranteed_rru else row
        for row in fleet.reservations
    ]
    return fleet.model_copy(update={"demand": tuple(asked), "reservations": tuple(guaranteed)})
