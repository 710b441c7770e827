"""capacity.move: servers change their owner and stay where they are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Annotated, Any

from pydantic import Field, model_validator

from twin.actions.base import Action, Count, Names, Objection, Part
from twin.actions.lookup import Key, groups_in, listing, missing, new_groups, spread
from twin.model.base import Name, Record
from twin.model.change import Change
from twin.model.errors import UsageError
from twin.model.fleet import Fleet
from twin.model.plan import Duration
from twin.model.servers import ServerGroup

STEP_S = 3600.0  # assumed: an hour to empty, wipe and image the servers, all at once


class Params(Record):
    """How many servers of which type, whose, whose next, and where."""

    from_: Annotated[Name, Field(alias="from", description="the reservation that owns them now")]
    to: Annotated[Name, Field(description="the reservation that gets them")]
    type: Annotated[Name, Field(description="the server type")]
    count: Annotated[Count, Field(description="servers in all, in proportion to what each rack has")]
    racks: Annotated[Names | None, Field(description="racks, by name or bracket")] = None
    site: Annotated[Name | None, Field(description="all racks of this site")] = None

    @model_validator(mode="after")
    def _one_place(self) -> Params:
        if (self.racks is None) == (self.site is None):
            raise ValueError("give either 'racks' or 'site'")
        return self


def check(fleet: Fleet, params: Params) -> Iterator[Objection]:
    """Everything named exists and the old owner has that many servers there."""
    wrong = [
        *missing(fleet, "racks", params.racks or (), "racks"),
        *missing(fleet, "server_types", [params.type], "type"),
    ]
    wrong += missing(fleet, "sites", [params.site] if params.site else [], "site")
    wrong += [*_missing_owner(fleet, params.from_, "from"), *_missing_owner(fleet, params.to, "to")]
    if params.from_ == params.to:
        wrong.append(
            Objection("params", f"'from' and 'to' are both {params.to}", "name two reservations", "to")
        )
    yield from wrong
    present = sum(_present(fleet, params).values())
    if not wrong and params.count > present:
        where = params.site or listing(params.racks or ())
        what = f"{params.from_} owns {present} {params.type} in {where}, not {params.count}"
        yield Objection("conservation", what, f"at most {present}", "count")


def changes(fleet: Fleet, params: Params) -> list[Part]:
    """They leave the old owner at the start and reach the new one at the end: in between nobody has them."""
    shares = _shares(fleet, params)
    table = groups_in(fleet, shares)
    text = f"move {params.count} {params.type} from {params.from_} to {params.to}"
    leave, arrive = [], []
    for rack, share in shares.items():
        old, new = (table[rack, params.type, owner].name for owner in (params.from_, params.to))
        leave.append(Part(0.0, Change("count", old, -float(share)), text))
        arrive.append(Part(1.0, Change("count", new, float(share)), text))
    return leave + arrive


def locks(fleet: Fleet, params: Params) -> tuple[str, ...]:
    """The racks whose servers change hands."""
    return tuple(f"rack:{rack}" for rack in _shares(fleet, params))


def entities(fleet: Fleet, params: Params) -> tuple[ServerGroup, ...]:
    """A group of the new owner in each rack."""
    keys: list[Key] = [(rack, params.type, params.to) for rack in _shares(fleet, params)]
    return new_groups(fleet, keys)


def duration(params: Params) -> Duration:
    """An hour."""
    return Duration(mean_s=STEP_S)


def example(fleet: Fleet) -> list[dict[str, Any]]:
    """Move one server of the first group to another reservation."""
    group = next((group for group in fleet.server_groups if group.count), None)
    other = next((row.name for row in fleet.reservations if group and row.name != group.owner), None)
    if group is None or other is None:
        raise UsageError("a move needs servers and a second reservation; this fleet has none")
    params = {"from": group.owner, "to": other, "type": group.type, "racks": group.rack, "count": 1}
    return [{"id": "move", "do": "capacity.move@1", "params": params}]


def _missing_owner(fleet: Fleet, name: str, param: str) -> Iterator[Objection]:
    for objection in missing(fleet, "reservations", [name], param):
        kind, row = fleet.things.get(name, ("", None))
        if kind == "services" and row is not None:
            mend = f"service {name!r} draws from reservation {row.reservation!r}"
            objection = replace(objection, mend=mend)
        yield objection


def _present(fleet: Fleet, params: Params) -> dict[str, int]:
    """Return how many such servers each rack has, where it has any."""
    racks = params.racks or tuple(rack.name for rack in fleet.racks if rack.site == params.site)
    table = groups_in(fleet, racks)
    found = {rack: table.get((rack, params.type, params.from_)) for rack in racks}
    return {rack: group.count for rack, group in found.items() if group is not None and group.count > 0}


def _shares(fleet: Fleet, params: Params) -> dict[str, int]:
    present = _present(fleet, params)
    return spread(min(params.count, sum(present.values())), present) if present else {}


ACTION = Action(
    "capacity.move",
    1,
    "servers change their owner and stay where they are",
    Params,
    check,
    changes,
    locks,
    duration,
    example,
    entities,
)
