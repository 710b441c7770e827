"""Where the demand of users could be served in each state of the fleet, and what that puts on the backbone.

Servers that nobody can reach serve nobody: for each reservation, region of users and state (as it is; after the loss of a site
that the reservation survives; after the loss of a backbone link) there must be a way to serve what is asked, within what the
reservation has at each site and what links carry. Routes are those of the twin, by least latency; which site serves whom is
free, as far as locality allows. Calls between services are taken to stay where they are made.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from solvers.needs import Needs, needs_of
from solvers.placement_problem import PlacementProblem, State, placement_problem
from solvers.problem import Backbone, Floats, Ints
from twin.model.errors import UsageError
from twin.model.fleet import Fleet

DAY_H = 24


def backbone_of(fleet: Fleet, needs: Needs, unit: Floats) -> Backbone | None:
    """Return the flows of a fleet, or None where it has one site, no backbone, or nobody asks for anything."""
    if len(fleet.sites) < 2 or not fleet.demand or not fleet.as_of:
        return None
    try:
        placed = placement_problem(fleet, start=fleet.as_of, hours=DAY_H)
    except UsageError:
        return None
    if not placed.links:
        return None
    asked, gbps = _asked(fleet, needs, unit, placed.regions)
    may = _may(fleet, placed, needs)
    found = [_state(placed, state, number, (asked, gbps), may) for number, state in _states(fleet, placed)]
    flows = [np.concatenate([part[i] for part in found]) for i in range(4)]
    shares, limits, names = _links(placed, [state for _, state in _states(fleet, placed)], flows, gbps)
    number = {name: s for s, name in enumerate(needs.sites)}  # the compiled fleet has its sites by region
    home = np.array([number[name] for name in placed.sites], dtype=np.int64)
    return Backbone(
        states=tuple(state.name for _, state in _states(fleet, placed)),
        regions=placed.regions,
        sites=needs.sites,
        reservation=flows[0],
        region=flows[1],
        site=home[flows[2]],
        state=flows[3],
        asked=asked,
        share=shares,
        rows=names,
        limit=limits,
    )


@dataclass(frozen=True)
class _May:
    """Who may be served where: `[R, G, S]`, and which site losses a reservation survives `[R]`."""

    served: np.ndarray
    survives_site: np.ndarray


def _asked(fleet: Fleet, needs: Needs, unit: Floats, regions: Sequence[str]) -> tuple[Floats, Floats]:
    """Return what the users of each region ask of reservations `[server equivalents, (R, G)]`, and Gbit/s per equivalent."""
    bits = {row.name: 8e-9 * row.request_bytes for row in fleet.services}
    owner = {row.name: needs.reservations.index(row.reservation) for row in fleet.services}
    asked = np.zeros((len(needs.reservations), len(fleet.regions)))
    gbps = np.zeros_like(asked)
    for g, region in enumerate(regions):
        demand = tuple(row for row in fleet.demand if row.region == region)
        alone = needs_of(fleet.model_copy(update={"demand": demand, "reservations": _free(fleet)}))
        asked[:, g] = alone.demand
        for row in demand:
            gbps[owner[row.service], g] += row.rate_per_s * _peak(fleet, row.profile) * bits[row.service]
    total = asked.sum(axis=1)
    scale = np.divide(needs.demand, total, out=np.ones_like(total), where=total > 0)
    asked = asked * np.minimum(scale, 1.0)[:, None] / unit[:, None]
    return asked, np.divide(gbps, asked, out=np.zeros_like(gbps), where=asked > 0)


def _free(fleet: Fleet) -> tuple[object, ...]:
    return tuple(row.model_copy(update={"guaranteed_rru": 0.0}) for row in fleet.reservations)


def _peak(fleet: Fleet, profile: str | None) -> float:
    return max((max(row.values) for row in fleet.series if row.name == profile), default=1.0)


def _may(fleet: Fleet, placed: PlacementProblem, needs: Needs) -> _May:
    """Return where users may be served: a reservation all of whose services are local serves the users of a region there."""
    local = np.ones(len(needs.reservations), dtype=bool)
    for row in fleet.services:
        local[needs.reservations.index(row.reservation)] &= row.locality == "region"
    served = np.where(local[:, None, None], placed.in_region[None], True)
    survives = np.array(["site" in row.survives for row in fleet.reservations])
    return _May(served, survives)


def _states(fleet: Fleet, placed: PlacementProblem) -> list[tuple[int, State]]:
    return list(enumerate(placed.states))


def _state(
    placed: PlacementProblem, state: State, number: int, what: tuple[Floats, Floats], may: _May
) -> tuple[Ints, Ints, Ints, Ints]:
    """Return the flows (reservation, region, site, state) that can be in a state."""
    asked, _ = what
    live = (state.ways.label >= 0) & (np.arange(len(placed.sites)) != state.lost)
    reach = state.label_of_region[:, None] == state.ways.label[None, :]
    possible = may.served & (live[None, :] & (reach | placed.in_region))[None] & (asked > 0)[..., None]
    if state.lost >= 0:
        possible &= may.survives_site[:, None, None]
    r, g, s = np.nonzero(possible)
    return r, g, s, np.full(len(r), number)


def _links(
    placed: PlacementProblem, states: list[State], flows: list[Ints], gbps: Floats
) -> tuple[csr_array, Floats, tuple[str, ...]]:
    """Return what each flow puts on each direction of each link in its state `[L, Q]`, the room there, and names."""
    r, g, s, w = flows
    links, sites = len(placed.links), len(placed.sites)
    rows, columns, values = [], [], []
    room = np.zeros((len(states), 2 * links))
    own = placed.own_gbps.max(axis=0)
    for number, state in enumerate(states):
        part = state.ways.part.toarray().reshape(2 * links, sites, sites)
        used = np.einsum("gi,lis->lgs", state.ingress, part)
        room[number] = np.tile(placed.capacity_gbps, 2) - part.reshape(2 * links, -1) @ own
        here = np.flatnonzero((w == number) & ~placed.in_region[g, s])
        load = used[:, g[here], s[here]] * gbps[r[here], g[here]]
        line, flow = np.nonzero(load)
        rows.append(number * 2 * links + line)
        columns.append(here[flow])
        values.append(load[line, flow])
    shape = (len(states) * 2 * links, len(r))
    share = csr_array((np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))), shape=shape)
    kept = np.flatnonzero(np.diff(share.indptr))
    ends = [f"{name} {way}" for way in ("there", "back") for name in placed.links]
    names = [f"{end}{f' {state.name}' if state.name else ''}" for state in states for end in ends]
    return csr_array(share[kept]), room.ravel()[kept], tuple(names[i] for i in kept)
