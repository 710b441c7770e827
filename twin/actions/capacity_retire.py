"""capacity.retire: servers leave the fleet."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import Field, model_validator

from twin.actions.base import Action, Count, Names, Objection, Part
from twin.actions.lookup import groups_in, listing, missing, spread
from twin.model.base import Name, Record
from twin.model.change import Change
from twin.model.errors import UsageError
from twin.model.fleet import Fleet
from twin.model.plan import Duration
from twin.model.servers import ServerGroup

STEP_S = 2 * 3600.0  # assumed: two hours to empty, wipe and unmount the servers, all racks at once


class Params(Record):
    """How many servers of which type, whose, and where."""

    count: Annotated[Count, Field(description="servers in all, taken in proportion to what is there")]
    group: Annotated[
        Name | None, Field(description="one server group, instead of 'racks', 'type' and 'owner'")
    ] = None
    racks: Annotated[Names | None, Field(description="racks, by name or bracket")] = None
    type: Annotated[Name | None, Field(description="the server type")] = None
    owner: Annotated[Name | None, Field(description="the reservation that owns them")] = None

    @model_validator(mode="after")
    def _one_way(self) -> Params:
        described = [value is not None for value in (self.racks, self.type, self.owner)]
        if (self.group is not None and any(described)) or (self.group is None and not all(described)):
            raise ValueError("give either 'group', or 'racks', 'type' and 'owner'")
        return self


def check(fleet: Fleet, params: Params) -> Iterator[Objection]:
    """Everything named exists, and so many servers are there."""
    wrong = [*missing(fleet, "server_groups", [params.group] if params.group else [], "group")]
    wrong += missing(fleet, "racks", params.racks or (), "racks")
    wrong += missing(fleet, "server_types", [params.type] if params.type else [], "type")
    wrong += missing(fleet, "reservations", [params.owner] if params.owner else [], "owner")
    yield from wrong
    present = sum(group.count for group in _groups(fleet, params))
    if not wrong and params.count > present:
        where = f"group {params.group} has" if params.group else f"{params.owner} owns"
        place = "servers" if params.group else f"{params.type} in {listing(params.racks or ())}"
        yield Objection(
            "conservation", f"{where} {present} {place}, not {params.count}", f"at most {present}", "count"
        )


def changes(fleet: Fleet, params: Params) -> list[Part]:
    """They are without work from the start of the step: the careful reading."""
    text = f"retire {params.count} servers of {listing([group.name for group in _groups(fleet, params)])}"
    return [
        Part(0.0, Change("count", name, -float(share)), text)
        for name, share in _shares(fleet, params).items()
    ]


def locks(fleet: Fleet, params: Params) -> tuple[str, ...]:
    """The racks that lose servers."""
    shares = _shares(fleet, params)
    return tuple(
        dict.fromkeys(f"rack:{group.rack}" for group in _groups(fleet, params) if group.name in shares)
    )


def duration(params: Params) -> Duration:
    """Two hours."""
    return Duration(mean_s=STEP_S)


def example(fleet: Fleet) -> list[dict[str, Any]]:
    """Retire one server of the largest group."""
    group = max(fleet.server_groups, key=lambda row: row.count, default=None)
    if group is None or not group.count:
        raise UsageError("this fleet has no servers to retire")
    params = {"racks": group.rack, "type": group.type, "owner": group.owner, "count": 1}
    return [{"id": "retire", "do": "capacity.retire@1", "params": params}]


def _groups(fleet: Fleet, params: Params) -> list[ServerGroup]:
    if params.group is not None:
        kind, row = fleet.things.get(params.group, ("", None))
        return [row] if row is not None and kind == "server_groups" else []
    table = groups_in(fleet, params.racks or ())
    keys = [(rack, str(params.type), str(params.owner)) for rack in params.racks or ()]
    return [table[key] for key in keys if key in table]


def _shares(fleet: Fleet, params: Params) -> dict[str, int]:
    present = {group.name: group.count for group in _groups(fleet, params) if group.count > 0}
    return spread(min(params.count, sum(present.values())), present) if present else {}


ACTION = Action(
    "capacity.retire", 1, "servers leave the fleet", Params, check, changes, locks, duration, example
)
