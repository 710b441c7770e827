"""Requirements of the twin as numbers of a capacity problem: more for a reservation or a service, less on a unit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from solvers.needs import Needs
from solvers.problem import Budget
from twin.model.errors import UsageError, did_you_mean
from twin.model.fleet import Fleet
from twin.records.requirement import Requirement


def with_more(needs: Needs, fleet: Fleet, required: Sequence[Requirement]) -> Needs:
    """Return the needs with what reservations and services must have more; a site's own part of it is kept as `local`.

    Of several requirements on the same thing the largest counts. Raises UsageError with all those that name nothing.
    """
    asked = [one for one in required if one.kind in ("capacity", "latency")]
    if not asked:
        return needs
    _refuse(needs, asked)
    owner = np.array([needs.reservations.index(row.reservation) for row in fleet.services], dtype=np.int64)
    more = {kind: np.zeros((2, *table.shape)) for kind, table in _tables(needs).items()}
    for one in asked:
        names = needs.reservations if one.kind == "capacity" else needs.services
        at = needs.sites.index(one.where) if one.where else slice(None)
        part = more[one.kind][int(bool(one.where)), names.index(one.who)]
        part[at] = np.maximum(part[at], one.amount)
    most = {kind: parts.max(axis=0) for kind, parts in more.items()}
    factor, apart = 1.0 + most["capacity"], 1.0 + most["latency"]
    need = needs.need * factor
    np.add.at(need, owner, needs.of_service * factor[owner] * most["latency"])
    of_service = needs.of_service * factor[owner] * apart
    everywhere = (1.0 + more["capacity"][0][owner]) * (1.0 + more["latency"][0])
    return replace(needs, need=need, of_service=of_service, local=factor[owner] * apart / everywhere)


def with_less(budget: Budget, required: Sequence[Requirement]) -> Budget:
    """Return a budget whose rows of the units (or of the cooling of the sites) that failed have lower limits."""
    kinds = {"power": "", "heat": "cooling of "}
    less = {f"{kinds[one.kind]}{one.who}": one.amount for one in required if one.kind in kinds}
    if not less:
        return budget
    things = [row.split(" while ")[0].split(" after the loss of ")[0] for row in budget.rows]
    share = np.array([less.get(thing, 0.0) for thing in things])
    return replace(budget, limit=budget.limit - share * np.abs(budget.limit))


def _tables(needs: Needs) -> dict[str, np.ndarray]:
    return {"capacity": needs.need, "latency": needs.of_service}


def _refuse(needs: Needs, asked: Sequence[Requirement]) -> None:
    """Raise for requirements on reservations, services and sites that are not there; all of them at once."""
    wrong = []
    for one in asked:
        kind, names = (
            ("reservation", needs.reservations) if one.kind == "capacity" else ("service", needs.services)
        )
        wrong += [_unknown(kind, one.who, names)] if one.who not in names else []
        wrong += [_unknown("site", one.where, needs.sites)] if one.where not in ("", *needs.sites) else []
    if wrong:
        raise UsageError("requirements: " + "; ".join(wrong))


def _unknown(kind: str, name: str, names: Sequence[str]) -> str:
    return f"no {kind} {name!r} ({did_you_mean(name, list(names)) or ', '.join(names[:8])})"
