"""rack.drain: take the work off racks, batch by batch; they stay powered."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import Field

from twin.actions.base import Action, Count, Names, Objection, Part, in_batches
from twin.actions.lookup import listing, missing
from twin.model.base import Record
from twin.model.change import Change
from twin.model.fleet import Fleet
from twin.model.plan import Duration

BATCH_S = 600.0  # assumed: ten minutes to take the work off one batch of racks


class Params(Record):
    """Which racks, and how many at once."""

    racks: Annotated[Names, Field(description="racks, by name or bracket")]
    batch: Annotated[Count, Field(description="racks that are drained at once; the next batch follows")] = 1


def check(fleet: Fleet, params: Params) -> Iterator[Objection]:
    """The racks exist."""
    yield from missing(fleet, "racks", params.racks, "racks")


def changes(fleet: Fleet, params: Params) -> list[Part]:
    """A batch is without work from the moment it is begun: the careful reading."""
    return [
        Part(fraction, Change("drain", rack, -1.0), f"drain {listing(batch)}")
        for fraction, batch in in_batches(params.racks, params.batch)
        for rack in batch
    ]


def locks(fleet: Fleet, params: Params) -> tuple[str, ...]:
    """The racks."""
    return tuple(f"rack:{rack}" for rack in params.racks)


def duration(params: Params) -> Duration:
    """Ten minutes for each batch."""
    return Duration(mean_s=BATCH_S * len(in_batches(params.racks, params.batch)))


def example(fleet: Fleet) -> list[dict[str, Any]]:
    """Drain the first two racks of a row and give them back."""
    first = fleet.racks[0]
    racks = [rack.name for rack in fleet.racks if (rack.site, rack.row) == (first.site, first.row)][:2]
    return [
        {"id": "drain", "do": "rack.drain@1", "params": {"racks": listing(racks), "batch": 1}},
        {
            "id": "undrain",
            "do": "rack.undrain@1",
            "after": ["drain"],
            "wait": "30 min",
            "params": {"racks": listing(racks)},
        },
    ]


ACTION = Action(
    "rack.drain",
    1,
    "take the work off racks, batch by batch",
    Params,
    check,
    changes,
    locks,
    duration,
    example,
)
