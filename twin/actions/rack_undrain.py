"""rack.undrain: give drained racks their work back, batch by batch."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from twin.actions import rack_drain
from twin.actions.base import Action, Count, Names, Part, in_batches
from twin.actions.lookup import listing
from twin.actions.rack_drain import check, example, locks
from twin.model.change import Change
from twin.model.fleet import Fleet
from twin.model.plan import Duration

BATCH_S = 300.0  # assumed: five minutes until one batch of racks has its work back


class Params(rack_drain.Params):
    """Which racks, and how many at once."""

    racks: Annotated[Names, Field(description="racks that an earlier step has drained, by name or bracket")]
    batch: Annotated[Count, Field(description="racks that get their work back at once")] = 1


def changes(fleet: Fleet, params: Params) -> list[Part]:
    """A batch works again once it is done, at the end of its part of the step: the careful reading."""
    batches = in_batches(params.racks, params.batch)
    return [
        Part((index + 1) / len(batches), Change("drain", rack, 1.0), f"undrain {listing(batch)}")
        for index, (_, batch) in enumerate(batches)
        for rack in batch
    ]


def duration(params: Params) -> Duration:
    """Five minutes for each batch."""
    return Duration(mean_s=BATCH_S * len(in_batches(params.racks, params.batch)))


ACTION = Action(
    "rack.undrain", 1, "give drained racks their work back", Params, check, changes, locks, duration, example
)
