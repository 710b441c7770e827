"""What the verbs ask of a fleet: does it exist, who stands where, and how much could it draw."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, count

from twin.actions.base import Objection
from twin.model.errors import did_you_mean
from twin.model.fleet import SINGULAR, THINGS, Fleet
from twin.model.names import compress
from twin.model.servers import ServerGroup, ServerType
from twin.model.services import Deployment
from twin.model.units import format_quantity

Key = tuple[str, str, str]  # rack, type, owner


def missing(
    fleet: Fleet, kinds: str | Sequence[str], names: Iterable[str], param: str
) -> Iterator[Objection]:
    """Yield an objection when names are no rows of the given tables ("racks")."""
    kinds = (kinds,) if isinstance(kinds, str) else tuple(kinds)
    unknown = _unknown(fleet, kinds, names)
    if unknown:
        nouns = [SINGULAR[kind] for kind in kinds]
        known = sorted(row.name for kind in kinds for row in fleet.rows(kind))
        mend = did_you_mean(unknown[0], known) or f"name a {' or '.join(nouns)} of the fleet"
        what = f"there is no {' or '.join(nouns)} {unknown[0]!r}"
        if len(unknown) > 1:
            what = f"there are no {' or '.join(f'{noun}s' for noun in nouns)} {listing(unknown)}"
        yield Objection("reference", what, mend, param)


def _unknown(fleet: Fleet, kinds: Sequence[str], names: Iterable[str]) -> list[str]:
    if all(kind in THINGS for kind in kinds):
        return [name for name in names if fleet.things.get(name, ("",))[0] not in kinds]
    known = {row.name for kind in kinds for row in fleet.rows(kind)}
    return [name for name in names if name not in known]


def groups_in(fleet: Fleet, racks: Iterable[str]) -> dict[Key, ServerGroup]:
    """Return the server groups of some racks by (rack, type, owner). Cost: one look at every group."""
    racks = frozenset(racks)
    return {
        (group.rack, group.type, group.owner): group for group in fleet.server_groups if group.rack in racks
    }


def new_groups(fleet: Fleet, keys: Iterable[Key]) -> tuple[ServerGroup, ...]:
    """Return an empty group for each (rack, type, owner) without one, under a name that is not taken."""
    keys = tuple(dict.fromkeys(keys))
    present = groups_in(fleet, (rack for rack, _, _ in keys))
    made: dict[str, ServerGroup] = {}
    for rack, type_, owner in keys:
        if (rack, type_, owner) not in present:
            name = _free_name(
                f"{rack}-{type_}-{owner}"[:110], lambda word: word in fleet.things or word in made
            )
            made[name] = ServerGroup(name=name, rack=rack, type=type_, owner=owner, count=0)
    return tuple(made.values())


def _free_name(stem: str, is_taken: Callable[[str], bool]) -> str:
    names = chain([stem], (f"{stem}-{number}" for number in count(2)))
    return next(name for name in names if not is_taken(name))


def deployment(fleet: Fleet, service: str, site: str) -> Deployment | None:
    """Return the deployment of a service at a site."""
    return next((row for row in fleet.deployments if row.service == service and row.site == site), None)


def check_deployments(fleet: Fleet, service: str, sites: dict[str, str]) -> Iterator[Objection]:
    """Yield what is wrong with (parameter -> site) for a service: unknown names, nothing deployed there."""
    wrong = [*missing(fleet, "services", [service], "service")]
    for param, site in sites.items():
        wrong += missing(fleet, "sites", [site], param)
    yield from wrong
    for param, site in sites.items() if not wrong else ():
        if deployment(fleet, service, site) is None:
            where = ", ".join(row.site for row in fleet.deployments if row.service == service)
            what = f"service {service!r} is not deployed at {site}"
            yield Objection("reference", what, f"it is at {where}", param)


def nameplate_w(kind: ServerType) -> float:
    """Return the most a server of this type draws [W]."""
    return kind.curve[-1][1] if kind.curve else float(kind.max_w or 0.0)


def idle_w(kind: ServerType) -> float:
    """Return what a server of this type draws when it is powered and idle [W]."""
    return kind.curve[0][1] if kind.curve else float(kind.idle_w or 0.0)


def rack_nameplates_w(fleet: Fleet, racks: Iterable[str]) -> dict[str, float]:
    """Return the most that the servers of each of these racks draw together [W]."""
    return _per_rack(fleet, racks, {kind.name: nameplate_w(kind) for kind in fleet.server_types})


def rack_idles_w(fleet: Fleet, racks: Iterable[str]) -> dict[str, float]:
    """Return what the servers of each of these racks draw when all are idle [W]."""
    return _per_rack(fleet, racks, {kind.name: idle_w(kind) for kind in fleet.server_types})


def rack_heights_u(fleet: Fleet, racks: Iterable[str]) -> dict[str, float]:
    """Return the height that the servers of each of these racks take [U]."""
    return _per_rack(fleet, racks, {kind.name: float(kind.height_u) for kind in fleet.server_types})


def _per_rack(fleet: Fleet, racks: Iterable[str], of_type: dict[str, float]) -> dict[str, float]:
    sums = dict.fromkeys(racks, 0.0)
    for group in fleet.server_groups:
        if group.rack in sums:
            sums[group.rack] += group.count * of_type[group.type]
    return sums


def over_budget(fleet: Fleet, kind: str, added: dict[str, int]) -> Iterator[Objection]:
    """Yield racks where `added` servers of a type no longer fit the height or the power budget.

    The power is the nameplate maximum: what the rack may draw, not what it will.
    """
    types = {row.name: row for row in fleet.server_types}
    heights, powers = rack_heights_u(fleet, added), rack_nameplates_w(fleet, added)
    for rack, number in added.items():
        row = fleet.things[rack][1]
        height_u = heights[rack] + number * types[kind].height_u
        power_w = powers[rack] + number * nameplate_w(types[kind])
        if height_u > row.space_u:
            room = max(0, int((row.space_u - heights[rack]) // types[kind].height_u))
            what = f"rack {rack} would hold {height_u:g} U of servers in {row.space_u} U of space"
            yield Objection("budget", what, f"{room} more {kind} fit", "count")
        if row.budget_w is not None and power_w > row.budget_w:
            room = max(0, int((row.budget_w - powers[rack]) // max(nameplate_w(types[kind]), 1e-9)))
            what = f"rack {rack} could draw {watts(power_w)}, its budget is {watts(row.budget_w)}"
            yield Objection("budget", what, f"{room} more {kind} fit", "count")


def racks_below(fleet: Fleet, unit: str) -> tuple[str, ...]:
    """Return the racks that can be fed through a power unit, in fleet order."""
    children: dict[str, list[str]] = {}
    for row in fleet.power_units:
        for feeder in row.fed_by:
            children.setdefault(feeder, []).append(row.name)
    below, todo = {unit}, [unit]
    while todo:
        fresh = [child for child in children.get(todo.pop(), ()) if child not in below]
        below.update(fresh)
        todo += fresh
    return tuple(rack.name for rack in fleet.racks if below.intersection(rack.fed_by))


def spread(total: int, weights: dict[str, int]) -> dict[str, int]:
    """Share *total* in proportion to *weights* (largest remainder, ties in order), without zero shares."""
    whole = sum(weights.values())
    exact = {name: total * weight / whole for name, weight in weights.items()}
    shares = {name: int(value) for name, value in exact.items()}
    by_remainder = sorted(exact, key=lambda name: shares[name] - exact[name])
    for name in by_remainder[: total - sum(shares.values())]:
        shares[name] += 1
    return {name: share for name, share in shares.items() if share}


def listing(names: Sequence[str]) -> str:
    """Return names as a person reads them: "ams1-b[01-04], ams1-c07"."""
    return ", ".join(compress(names))


def watts(power_w: float) -> str:
    """Return a power for a sentence: "12.3 kW"."""
    return format_quantity(float(f"{power_w:.4g}"), "power")
