"""unit.maintain: take a power unit, cooling plant or switch out of service, then give it back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import Field

from twin.actions.base import Action, Lasts, Objection, Part, out_of_service
from twin.actions.lookup import missing
from twin.model.base import Name, Record
from twin.model.fleet import SINGULAR, Fleet
from twin.model.plan import Duration

STEP_S = 2 * 3600.0  # assumed: two hours of work on the unit
KINDS = ("power_units", "cooling_plants", "switches")


class Params(Record):
    """Which unit, and for how long."""

    unit: Annotated[Name, Field(description="a power unit, cooling plant or switch")]
    lasts: Lasts = None


def check(fleet: Fleet, params: Params) -> Iterator[Objection]:
    """The unit exists."""
    yield from missing(fleet, KINDS, [params.unit], "unit")


def changes(fleet: Fleet, params: Params) -> list[Part]:
    """Out at the start, back at the end."""
    return out_of_service(params.unit, _noun(fleet, params))


def locks(fleet: Fleet, params: Params) -> tuple[str, ...]:
    """The unit itself; what it feeds is seen in the simulation."""
    return (f"{_noun(fleet, params)}:{params.unit}",)


def duration(params: Params) -> Duration:
    """`lasts`, else two hours."""
    return params.lasts or Duration(mean_s=STEP_S)


def example(fleet: Fleet) -> list[dict[str, Any]]:
    """Maintain the first feeder of a rack that has two, else any."""
    rack = next((rack for rack in fleet.racks if len(rack.fed_by) > 1), fleet.racks[0])
    return [
        {"id": "maintain", "do": "unit.maintain@1", "params": {"unit": rack.fed_by[0], "lasts": "90 min"}}
    ]


def _noun(fleet: Fleet, params: Params) -> str:
    return SINGULAR[fleet.things[params.unit][0]]


ACTION = Action(
    "unit.maintain",
    1,
    "take a power unit, plant or switch out of service, then back",
    Params,
    check,
    changes,
    locks,
    duration,
    example,
    lasting="lasts",
)
