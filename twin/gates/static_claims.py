"""Whether the metrics, filters and limits that a plan names exist and fit together."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from twin.actions.base import Objection
from twin.model.errors import did_you_mean
from twin.model.fleet import Fleet
from twin.model.limits import parse_limit
from twin.model.plan import Claim, Plan
from twin.records.metrics import BY_NAME, Metric

SECTIONS = ("success", "rollback_when", "claims")
Place = tuple[str | int, ...]


def check_claims(plan: Plan, fleet: Fleet) -> Iterator[tuple[Place, Objection]]:
    """Yield what is wrong in `success`, `rollback_when` and `claims`, with its place."""
    for section in SECTIONS:
        for index, claim in enumerate(getattr(plan, section)):
            for key, objection in _check_claim(claim, fleet):
                yield (section, index, key), objection


def check_where(metric: Metric, where: dict[str, Any], fleet: Fleet) -> Iterator[Objection]:
    """Yield filters that the metric does not know, and values that the fleet does not have."""
    for key, value in where.items():
        if key not in metric.where:
            legal = ", ".join(metric.where) or "nothing"
            what = f"{metric.name} cannot be filtered by {key!r}"
            yield Objection("claim", what, did_you_mean(key, metric.where) or f"it knows {legal}")
            continue
        known = _values(key, fleet)
        for item in value if isinstance(value, (list, tuple)) else (value,):
            if item not in known:
                words = sorted(map(str, known))
                mend = did_you_mean(str(item), words) or f"known: {', '.join(words[:8])}"
                yield Objection("reference", f"there is no {key} {item!r}", mend)


def _check_claim(claim: Claim, fleet: Fleet) -> Iterator[tuple[str, Objection]]:
    metric = BY_NAME.get(claim.metric)
    if metric is None:
        mend = did_you_mean(claim.metric, list(BY_NAME)) or f"known: {', '.join(BY_NAME)}"
        yield "metric", Objection("claim", f"there is no metric {claim.metric!r}", mend)
        return
    yield from (("where", objection) for objection in check_where(metric, claim.where, fleet))
    try:
        limit = parse_limit(claim.limit, metric.unit)
    except ValueError as error:
        yield "limit", Objection("claim", str(error))
        return
    if limit.op == "inside":
        yield "limit", Objection("claim", "'inside' is for the gate that judges the claims", "give a limit")
    elif limit.op in ("none", "none new") and metric.kind != "violations":
        what = f"'{limit.op}' is for sets of violations; {metric.name} is a number"
        yield "limit", Objection("claim", what, "give a bound, e.g. '<= 5'")


def _values(key: str, fleet: Fleet) -> set[Any]:
    """Return the values that a filter may have in this fleet."""
    if key == "tier":
        return {service.tier for service in fleet.services}
    if key == "kind":
        return {unit.kind for unit in fleet.power_units}
    kinds = {
        "service": "services",
        "site": "sites",
        "region": "regions",
        "unit": "power_units",
        "link": "links",
    }
    return {row.name for row in fleet.rows(kinds.get(key, key))}
