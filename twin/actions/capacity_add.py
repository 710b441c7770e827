"""capacity.add: new servers in racks, for an owner."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import Field

from twin.actions.base import Action, Count, Names, Objection, Part
from twin.actions.lookup import groups_in, listing, missing, new_groups, over_budget, spread
from twin.model.base import Name, Record
from twin.model.change import Change
from twin.model.errors import UsageError
from twin.model.fleet import Fleet
from twin.model.plan import Duration
from twin.model.servers import ServerGroup

STEP_S = 4 * 3600.0  # assumed: four hours to mount, cable, test and image the servers, all racks at once


class Params(Record):
    """How many servers of which type, for whom, and where."""

    racks: Annotated[Names, Field(description="racks, by name or bracket")]
    type: Annotated[Name, Field(description="the server type")]
    owner: Annotated[Name, Field(description="the reservation that gets them")]
    count: Annotated[Count, Field(description="servers in all, spread evenly over the racks")]


def check(fleet: Fleet, params: Params) -> Iterator[Objection]:
    """Everything named exists, and the racks have the height and the power budget."""
    wrong = [
        *missing(fleet, "racks", params.racks, "racks"),
        *missing(fleet, "server_types", [params.type], "type"),
    ]
    wrong += missing(fleet, "reservations", [params.owner], "owner")
    yield from wrong
    if not wrong:
        yield from over_budget(fleet, params.type, _shares(params))


def changes(fleet: Fleet, params: Params) -> list[Part]:
    """They are there when the step is done."""
    table = groups_in(fleet, params.racks)
    text = f"add {params.count} {params.type} for {params.owner} in {listing(params.racks)}"
    return [
        Part(1.0, Change("count", table[rack, params.type, params.owner].name, float(share)), text)
        for rack, share in _shares(params).items()
    ]


def locks(fleet: Fleet, params: Params) -> tuple[str, ...]:
    """The racks that get servers."""
    return tuple(f"rack:{rack}" for rack in _shares(params))


def entities(fleet: Fleet, params: Params) -> tuple[ServerGroup, ...]:
    """A group of this type and owner in each rack."""
    return new_groups(fleet, [(rack, params.type, params.owner) for rack in _shares(params)])


def duration(params: Params) -> Duration:
    """Four hours."""
    return Duration(mean_s=STEP_S)


def example(fleet: Fleet) -> list[dict[str, Any]]:
    """Add one server where it fits: the same type and owner as a group that is there."""
    for group in fleet.server_groups:
        if not any(over_budget(fleet, group.type, {group.rack: 1})):
            params = {"racks": group.rack, "type": group.type, "owner": group.owner, "count": 1}
            return [{"id": "add", "do": "capacity.add@1", "params": params}]
    raise UsageError("no rack of this fleet has room and power for one more server")


def _shares(params: Params) -> dict[str, int]:
    return spread(params.count, dict.fromkeys(params.racks, 1))


ACTION = Action(
    "capacity.add",
    1,
    "new servers in racks, for an owner",
    Params,
    check,
    changes,
    locks,
    duration,
    example,
    entities,
)
