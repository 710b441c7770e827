"""service.tune: other retries or another retry budget of the clients of a service, or a share of its requests refused."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import Field, model_validator

from twin.actions.base import Action, Objection, Part
from twin.actions.lookup import check_deployments, missing
from twin.model.base import Name, Record
from twin.model.change import Change
from twin.model.errors import UsageError
from twin.model.fleet import Fleet
from twin.model.plan import Duration
from twin.model.services import Service
from twin.model.units import Ratio, Share

STEP_S = 60.0  # assumed: a minute until a setting holds everywhere


class Params(Record):
    """Which service, and what shall hold for it."""

    service: Annotated[Name, Field(description="the service")]
    retries: Annotated[
        Annotated[int, Field(ge=0, le=10)] | None,
        Field(description="most times a failed request is tried again"),
    ] = None
    retry_budget: Annotated[Ratio | None, Field(description="retries / first tries, at most")] = None
    refuse: Annotated[Share | None, Field(description="share of its requests to refuse, more than now")] = (
        None
    )
    let_in: Annotated[Share | None, Field(description="share of its requests to refuse no more")] = None
    site: Annotated[Name | None, Field(description="where to refuse or let in (none: everywhere)")] = None

    @model_validator(mode="after")
    def _something(self) -> Params:
        values = (self.retries, self.retry_budget, self.refuse, self.let_in)
        if all(value is None for value in values):
            raise ValueError("give one of 'retries', 'retry_budget', 'refuse' or 'let_in'")
        if self.refuse is not None and self.let_in is not None:
            raise ValueError("give either 'refuse' or 'let_in'")
        if self.site is not None and self.refuse is None and self.let_in is None:
            raise ValueError("'site' goes with 'refuse' or 'let_in'")
        return self


def check(fleet: Fleet, params: Params) -> Iterator[Objection]:
    """The service exists, stands at the site, and something changes."""
    wrong = [*missing(fleet, "services", [params.service], "service")]
    if not wrong and params.site is not None:
        wrong = [*check_deployments(fleet, params.service, {"site": params.site})]
    yield from wrong
    if not wrong and not changes(fleet, params):
        yield Objection(
            "params", f"{params.service} is tuned like that already", "remove the step", "service"
        )


def changes(fleet: Fleet, params: Params) -> list[Part]:
    """All settings change at the end of the step."""
    service, name = _service(fleet, params), params.service
    found = []
    if params.retries is not None:
        text = f"clients of {name} try again {params.retries} times"
        found.append(Part(1.0, Change("retries", name, float(params.retries - service.retries)), text))
    if params.retry_budget is not None:
        text = f"retry budget of {name}: {100 * params.retry_budget:g} %"
        found.append(Part(1.0, Change("budget", name, params.retry_budget - service.retry_budget), text))
    share = (params.refuse or 0.0) - (params.let_in or 0.0)
    verb, where = "refuse" if share > 0 else "let in", params.site or "every site"
    found.append(
        Part(
            1.0,
            Change("shed", name, share, params.site or "*"),
            f"{verb} {100 * abs(share):g} % of {name} at {where}",
        )
    )
    return [part for part in found if part.change.value]


def locks(fleet: Fleet, params: Params) -> tuple[str, ...]:
    """The service: its clients everywhere."""
    return (f"service:{params.service}",)


def duration(params: Params) -> Duration:
    """A minute."""
    return Duration(mean_s=STEP_S)


def example(fleet: Fleet) -> list[dict[str, Any]]:
    """Give the first service half of its retry budget, or 10 % where it has none."""
    if not fleet.services:
        raise UsageError("this fleet has no services")
    service = fleet.services[0]
    budget = f"{50 * service.retry_budget:g} %" if service.retry_budget else "10 %"
    return [
        {"id": "tune", "do": "service.tune@1", "params": {"service": service.name, "retry_budget": budget}}
    ]


def _service(fleet: Fleet, params: Params) -> Service:
    found: Service = fleet.things[params.service][1]
    return found


ACTION = Action(
    "service.tune",
    1,
    "retries, retry budget, or a share of requests refused",
    Params,
    check,
    changes,
    locks,
    duration,
    example,
)
