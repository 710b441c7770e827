"""What services will ask for, and the servers that may work for them.

Traffic stays where it is: what a service is asked at a site is a demand of its own ("web@ams1"), which servers of that site
serve. With `anywhere` servers at any site of the service may: then somebody has to move the traffic.
"""

from __future__ import annotations

import numpy as np

from solvers.expansion_problem import Floats, Ints
from solvers.needs import needs_of
from twin.model.fleet import Fleet
from twin.model.servers import Reservation

Asked = tuple[tuple[str, ...], tuple[str, ...], Floats, Floats, list[frozenset[int]]]


def services_of(fleet: Fleet, all_grow: float | None, *, anywhere: bool = False) -> Asked:
    """Return services (and guarantees without one) with owner, RRU needed today, growth per year, and their sites."""
    asked = _of_services(fleet, all_grow)
    return asked if anywhere else _by_site(fleet, asked)


def _by_site(fleet: Fleet, asked: Asked) -> Asked:
    """Return the same with a row for each service at each site where it is asked anything; guarantees stay as they are."""
    names, owners, today, growth, homes = asked
    need = needs_of(fleet).of_service
    rows = [
        (
            f"{name}@{fleet.sites[s].name}",
            owners[v],
            float(today[v] * share),
            float(growth[v]),
            frozenset({s}),
        )
        for v, name in enumerate(names[: len(need)])
        for s, share in enumerate((need[v] / (need[v].sum() or 1.0)).tolist())
        if share > 0
    ]
    rows += [
        (names[v], owners[v], float(today[v]), float(growth[v]), homes[v])
        for v in range(len(need), len(names))
    ]
    labels, who, rru, per_year, sites = zip(*rows, strict=True) if rows else ((), (), (), (), ())
    return labels, who, np.array(rru), np.array(per_year), list(sites)


def _of_services(fleet: Fleet, all_grow: float | None) -> Asked:
    """Return what services are asked for at all their sites together."""
    needs = needs_of(fleet)
    grown = fleet.model_copy(
        update={
            "demand": tuple(
                row.model_copy(update={"rate_per_s": row.rate_per_s * (1.0 + row.growth_per_year)})
                for row in fleet.demand
            )
        }
    )
    today, later = needs.of_service.sum(axis=1), needs_of(grown).of_service.sum(axis=1)
    growth = np.divide(later, today, out=np.ones_like(today), where=today > 0) - 1.0
    owners = [service.reservation for service in fleet.services]
    site_of = {site.name: s for s, site in enumerate(fleet.sites)}
    homes = [
        frozenset(site_of[d.site] for d in fleet.deployments if d.service == service.name and d.replicas)
        for service in fleet.services
    ]
    names = [service.name for service in fleet.services]
    rack_site = {rack.name: site_of[rack.site] for rack in fleet.racks}
    extra = []
    for row in fleet.reservations:
        mine = [v for v, owner in enumerate(owners) if owner == row.name]
        total = float(today[mine].sum())
        if mine and 0 < total < row.guaranteed_rru:
            today[mine] *= row.guaranteed_rru / total
        elif total == 0 and row.guaranteed_rru > 0:
            extra.append((row.name, row.guaranteed_rru))
            homes.append(
                frozenset(rack_site[g.rack] for g in fleet.server_groups if g.owner == row.name and g.count)
            )
    today = np.concatenate([today, [rru for _, rru in extra]])
    growth = np.concatenate([growth, np.zeros(len(extra))])
    if all_grow is not None:
        growth = np.full(len(today), all_grow)
    labels = tuple([*names, *(name if name not in names else f"{name}-guarantee" for name, _ in extra)])
    return labels, tuple([*owners, *(name for name, _ in extra)]), today, growth, homes


def pairs_of(fleet: Fleet, owner: tuple[str, ...], homes: list[frozenset[int]]) -> tuple[Ints, Ints, Floats]:
    """Return the cells that may work for each service: types that its reservation has or values, at its sites."""
    reservations = {row.name: row for row in fleet.reservations}
    has: dict[str, set[str]] = {}
    for group in fleet.server_groups:
        if group.count:
            has.setdefault(group.owner, set()).add(group.type)
    cells, services, values = [], [], []
    for v, name in enumerate(owner):
        reservation: Reservation = reservations[name]
        for k, kind in enumerate(fleet.server_types):
            worth = reservation.worth(kind)
            if worth > 0 and kind.name in has.get(name, set()) | set(reservation.values):
                for s in sorted(homes[v]):
                    cells.append(s * len(fleet.server_types) + k)
                    services.append(v)
                    values.append(worth)
    order = np.lexsort((services, cells)) if cells else np.zeros(0, dtype=np.int64)
    found = (
        np.array(cells, dtype=np.int64),
        np.array(services, dtype=np.int64),
        np.array(values, dtype=float),
    )
    return found[0][order], found[1][order], found[2][order]
