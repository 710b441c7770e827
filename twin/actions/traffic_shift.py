"""traffic.shift: move a share of one site's traffic of a service to another site."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import Field

from twin.actions.base import Action, Count, Objection, Part
from twin.actions.lookup import check_deployments, deployment
from twin.model.base import Name, Record
from twin.model.change import Change
from twin.model.errors import UsageError
from twin.model.fleet import Fleet
from twin.model.plan import Duration
from twin.model.units import PositiveShare, format_quantity

STEP_S = 300.0  # assumed: five minutes to move the traffic, however many stages


class Params(Record):
    """What moves, whence and whither."""

    service: Annotated[Name, Field(description="the service whose traffic moves")]
    from_: Annotated[Name, Field(alias="from", description="the site that loses traffic")]
    to: Annotated[Name, Field(description="the site that gets it; the service needs replicas there")]
    share: Annotated[PositiveShare, Field(description="part of the weight of 'from' that moves")]
    stages: Annotated[Count, Field(le=100, description="equal stages, evenly over the step")] = 2


def check(fleet: Fleet, params: Params) -> Iterator[Objection]:
    """The service is deployed at both sites, gets traffic at `from` and has replicas at `to`."""
    wrong = [*check_deployments(fleet, params.service, {"from": params.from_, "to": params.to})]
    if params.from_ == params.to:
        wrong.append(Objection("params", f"'from' and 'to' are both {params.to}", "name two sites", "to"))
    yield from wrong
    if wrong:
        return
    source, target = _ends(fleet, params)
    if source.weight <= 0:
        what = f"{params.service} gets no traffic at {params.from_}: its weight is 0"
        yield Objection("conservation", what, "shift from a site that gets traffic", "from")
    if target.replicas <= 0:
        what = f"{params.service} has no replicas at {params.to}"
        yield Objection("conservation", what, "scale it there first", "to")


def changes(fleet: Fleet, params: Params) -> list[Part]:
    """Weight leaves `from` and arrives at `to` at the same instants."""
    source, _ = _ends(fleet, params)
    moved = source.weight * params.share
    parts, left = [], source.weight
    for stage in range(params.stages):
        # The last stage lands exactly on the weight that shall be left: 100 % leaves 0, not 1e-17.
        delta = moved / params.stages if stage < params.stages - 1 else left - (source.weight - moved)
        left -= delta
        part = format_quantity(float(f"{params.share * (stage + 1) / params.stages:.4g}"), "ratio")
        text = f"shift {part} of {params.service} from {params.from_} to {params.to}"
        parts += [
            Part(stage / params.stages, Change("weight", params.service, -delta, params.from_), text),
            Part(stage / params.stages, Change("weight", params.service, delta, params.to), text),
        ]
    return parts


def locks(fleet: Fleet, params: Params) -> tuple[str, ...]:
    """The service: its traffic everywhere."""
    return (f"service:{params.service}",)


def duration(params: Params) -> Duration:
    """Five minutes."""
    return Duration(mean_s=STEP_S)


def example(fleet: Fleet) -> list[dict[str, Any]]:
    """Shift 10 % of the first service that stands at two sites."""
    for service in fleet.services:
        rows = [row for row in fleet.deployments if row.service == service.name and row.replicas]
        source = next((row for row in rows if row.weight > 0), None)
        target = next((row for row in rows if row is not source), None)
        if source and target:
            params = {"service": service.name, "from": source.site, "to": target.site, "share": "10 %"}
            return [{"id": "shift", "do": "traffic.shift@1", "params": params}]
    raise UsageError("no service of this fleet has replicas at two sites: there is no traffic to shift")


def _ends(fleet: Fleet, params: Params) -> tuple[Any, Any]:
    return deployment(fleet, params.service, params.from_), deployment(fleet, params.service, params.to)


ACTION = Action(
    "traffic.shift",
    1,
    "move a share of a site's traffic to another site",
    Params,
    check,
    changes,
    locks,
    duration,
    example,
)
