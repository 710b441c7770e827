"""route.weight: make routers take a backbone link to be longer, or shorter, than it is, so that traffic goes another way."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import Field

from twin.actions.base import Action, Lasts, Objection, Part
from twin.actions.lookup import missing
from twin.model.base import Name, Record
from twin.model.change import Change
from twin.model.errors import UsageError
from twin.model.fleet import Fleet
from twin.model.network import Link
from twin.model.plan import Duration
from twin.model.units import SignedSeconds, format_quantity

STEP_S = 60.0  # assumed: a minute to set it at both ends and to flood it
EXAMPLE_S = 0.02


class Params(Record):
    """Which link, by how much, and for how long."""

    link: Annotated[Name, Field(description="a link of the backbone")]
    add_s: Annotated[
        SignedSeconds,
        Field(
            alias="add", description="added to the latency by which routers choose; negative attracts traffic"
        ),
    ]
    lasts: Lasts = None


def check(fleet: Fleet, params: Params) -> Iterator[Objection]:
    """The link joins two sites, and the sum is no negative latency."""
    wrong = list(missing(fleet, "links", [params.link], "link"))
    yield from wrong
    if wrong:
        return
    link = _link(fleet, params)
    if link not in _backbone(fleet):
        what = f"{link.name} is a link inside a site: there traffic goes evenly over all live uplinks"
        yield Objection("params", what, "name a link between two sites, or drain this one", "link")
    elif params.add_s == 0:
        yield Objection("params", "adding nothing changes nothing", "give another time", "add")
    elif params.add_s < -link.latency_s:
        most = format_quantity(link.latency_s, "duration")
        what = f"{link.name} has a latency of {most}: less than nothing would be left"
        yield Objection("params", what, f"take away at most {most}", "add")


def changes(fleet: Fleet, params: Params) -> list[Part]:
    """From the start; taken back at the end where the step says how long it lasts."""
    words = format_quantity(abs(params.add_s), "duration")
    there = f"routers take {params.link} to be {words} {'longer' if params.add_s > 0 else 'shorter'}"
    parts = [Part(0.0, Change("metric", params.link, params.add_s), there)]
    if params.lasts is not None:
        back = f"routers take {params.link} as it is again"
        parts.append(Part(1.0, Change("metric", params.link, -params.add_s), back))
    return parts


def locks(fleet: Fleet, params: Params) -> tuple[str, ...]:
    """The link."""
    return (f"link:{params.link}",)


def duration(params: Params) -> Duration:
    """`lasts`, else a minute."""
    return params.lasts or Duration(mean_s=STEP_S)


def example(fleet: Fleet) -> list[dict[str, Any]]:
    """Move traffic off the first link of the backbone."""
    links = _backbone(fleet)
    if not links:
        raise UsageError("this fleet has no links between sites")
    params = {"link": links[0].name, "add": format_quantity(EXAMPLE_S, "duration"), "lasts": "45 min"}
    return [{"id": "costlier", "do": "route.weight@1", "params": params}]


def _backbone(fleet: Fleet) -> list[Link]:
    site = {switch.name: switch.site for switch in fleet.switches}
    return [link for link in fleet.links if site[link.a] != site[link.b]]


def _link(fleet: Fleet, params: Params) -> Link:
    return next(link for link in fleet.links if link.name == params.link)


ACTION = Action(
    "route.weight",
    1,
    "make routers prefer or avoid a backbone link",
    Params,
    check,
    changes,
    locks,
    duration,
    example,
    lasting="lasts",
)
