"""service.scale: another number of replicas of a service, at a site or everywhere."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema

from twin.actions.base import Action, Objection, Part
from twin.actions.lookup import check_deployments, deployment
from twin.model.base import Name, Record
from twin.model.change import Change
from twin.model.errors import UsageError
from twin.model.fleet import Fleet
from twin.model.plan import Duration

STEP_S = 600.0  # assumed: ten minutes to roll the replicas out
STAGES = 4  # the replicas come (or go) in at most four stages
_RELATIVE = re.compile(r"^([+-]\d+(?:\.\d+)?)\s*(%?)$")


def _read_replicas(value: Any) -> Any:
    if isinstance(value, int) and not isinstance(value, bool):
        if value < 0:
            raise ValueError(f"{value} is below 0; write '{value}' in quotes to take replicas away")
        return str(value)
    match = _RELATIVE.match(value) if isinstance(value, str) else None
    if match is None or (not match[2] and "." in match[1]):
        raise ValueError(f"{value!r} is not a number of replicas; write 12, '+3' or '+20 %'")
    return value


Replicas = Annotated[
    str,
    BeforeValidator(_read_replicas),
    WithJsonSchema(
        {"anyOf": [{"type": "integer", "minimum": 0}, {"type": "string", "pattern": _RELATIVE.pattern}]}
    ),
]


class Params(Record):
    """Which service, where, and how many."""

    service: Annotated[Name, Field(description="the service")]
    site: Annotated[
        Name | None, Field(description="a site where it is deployed (every such site when not given)")
    ] = None
    replicas: Annotated[Replicas, Field(description="how many: 12, or more or fewer: '+3', '+20 %'")]


def check(fleet: Fleet, params: Params) -> Iterator[Objection]:
    """The service is deployed there, keeps at least 0 replicas, and stays on as many sites as it must."""
    named = {} if params.site is None else {"site": params.site}
    wrong = [*check_deployments(fleet, params.service, named)]
    yield from wrong
    if wrong:
        return
    rows = _rows(fleet, params)
    after = {site: _new(old, params.replicas) for site, old in rows.items()}
    for site, old in rows.items():
        if after[site] < 0:
            what = f"{params.service} has {old} replicas at {site}: {params.replicas} leaves {after[site]}"
            yield Objection("conservation", what, f"at most {old} fewer", "replicas")
    if after == rows:
        where = params.site or "every site"
        what = f"{params.service} already has {'/'.join(map(str, rows.values())) or 'no'} replicas at {where}"
        yield Objection("params", what, "remove the step", "replicas")
    elif 0 in after.values():
        yield from _check_spread(fleet, params, {site for site, new in after.items() if new == 0})


def changes(fleet: Fleet, params: Params) -> list[Part]:
    """Replicas come or go in stages; each stage counts when it is done."""
    parts = []
    for site, old in _rows(fleet, params).items():
        new = _new(old, params.replicas)
        stages = min(STAGES, abs(new - old))
        marks = [old + round((new - old) * stage / stages) for stage in range(stages + 1)] if stages else []
        parts += [
            Part(
                (stage + 1) / stages,
                Change("replicas", params.service, float(after - before), site),
                f"scale {params.service} at {site} to {after} replicas",
            )
            for stage, (before, after) in enumerate(zip(marks, marks[1:], strict=False))
        ]
    return sorted(parts, key=lambda part: part.fraction)


def locks(fleet: Fleet, params: Params) -> tuple[str, ...]:
    """The service: its replicas everywhere."""
    return (f"service:{params.service}",)


def duration(params: Params) -> Duration:
    """Ten minutes."""
    return Duration(mean_s=STEP_S)


def example(fleet: Fleet) -> list[dict[str, Any]]:
    """Give the first deployment a fifth more replicas."""
    row = next((row for row in fleet.deployments if row.replicas), None)
    if row is None:
        raise UsageError("no service of this fleet has replicas")
    return [
        {
            "id": "scale",
            "do": "service.scale@1",
            "params": {"service": row.service, "site": row.site, "replicas": "+20 %"},
        }
    ]


def _rows(fleet: Fleet, params: Params) -> dict[str, int]:
    """Return the replicas that the service has at each site that is meant."""
    if params.site is not None:
        row = deployment(fleet, params.service, params.site)
        return {params.site: row.replicas if row else 0}
    return {row.site: row.replicas for row in fleet.deployments if row.service == params.service}


def _new(old: int, replicas: str) -> int:
    """Return the replicas after the step; a relative number is rounded up, so that nobody gets less than they asked for."""
    match = _RELATIVE.match(replicas)
    if match is None:
        return int(replicas)
    if not match[2]:
        return old + int(match[1])
    return math.ceil(round(old * (1.0 + float(match[1]) / 100.0), 9))


def _check_spread(fleet: Fleet, params: Params, emptied: set[str]) -> Iterator[Objection]:
    service = fleet.things[params.service][1]
    rows = [row for row in fleet.deployments if row.service == service.name and row.replicas]
    left = {row.site for row in rows} - emptied
    if len(left) < service.spread_sites:
        what = f"{service.name} must stand at {service.spread_sites} sites and would stand at {len(left)}"
        yield Objection("conservation", what, "keep at least one replica", "replicas")


ACTION = Action(
    "service.scale",
    1,
    "another number of replicas of a service, at a site or everywhere",
    Params,
    check,
    changes,
    locks,
    duration,
    example,
)
