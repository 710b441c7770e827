"""link.drain: take a link out of service, then give it back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import Field

from twin.actions.base import Action, Lasts, Objection, Part, out_of_service
from twin.actions.lookup import missing
from twin.model.base import Name, Record
from twin.model.errors import UsageError
from twin.model.fleet import Fleet
from twin.model.plan import Duration

STEP_S = 3600.0  # assumed: one hour of work on the link


class Params(Record):
    """Which link, and for how long."""

    link: Annotated[Name, Field(description="a link, inside a site or of the backbone")]
    lasts: Lasts = None


def check(fleet: Fleet, params: Params) -> Iterator[Objection]:
    """The link exists."""
    yield from missing(fleet, "links", [params.link], "link")


def changes(fleet: Fleet, params: Params) -> list[Part]:
    """Out at the start, back at the end."""
    return out_of_service(params.link, "link")


def locks(fleet: Fleet, params: Params) -> tuple[str, ...]:
    """The link."""
    return (f"link:{params.link}",)


def duration(params: Params) -> Duration:
    """`lasts`, else an hour."""
    return params.lasts or Duration(mean_s=STEP_S)


def example(fleet: Fleet) -> list[dict[str, Any]]:
    """Drain the first link."""
    if not fleet.links:
        raise UsageError("this fleet has no links")
    return [{"id": "drain", "do": "link.drain@1", "params": {"link": fleet.links[0].name, "lasts": "45 min"}}]


ACTION = Action(
    "link.drain",
    1,
    "take a link out of service, then back",
    Params,
    check,
    changes,
    locks,
    duration,
    example,
    lasting="lasts",
)
