"""What the servers of a one-site fleet draw, in closed form: for the claims of example plans."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping

from twin.model.fleet import Fleet
from twin.model.servers import ServerType


def it_power_w(fleet: Fleet, gone: Mapping[str, int]) -> float:
    """Return the power of all servers when the work of each owner is spread evenly over what it owns.

    Parameters
    ----------
    fleet
        A fleet with constant demand; its server types give idle and full power.
    gone
        Servers of each type that are no longer there.

    Returns
    -------
    float
        Power [W], with idle + (max − idle)·(2u − u^exponent) per server and u = busy / offered units of its
        owner.
    """
    types = {kind.name: kind for kind in fleet.server_types}
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for group in fleet.server_groups:
        counts[group.owner][group.type] += group.count
    busy = _busy_rru(fleet)
    total_w = 0.0
    for owner, owned in counts.items():
        left = {name: count - gone.get(name, 0) for name, count in owned.items()}
        offered = sum(types[name].rru * count for name, count in left.items())
        load = min(1.0, busy[owner] / offered) if offered else 0.0
        total_w += sum(_power_w(types[name], load) * count for name, count in left.items())
    return total_w


def _busy_rru(fleet: Fleet) -> defaultdict[str, float]:
    """Return the busy units per reservation: arrival rate x service time / slots x units of a replica."""
    rate_per_s: defaultdict[str, float] = defaultdict(float)
    for row in fleet.demand:
        rate_per_s[row.service] += row.rate_per_s
    busy: defaultdict[str, float] = defaultdict(float)
    for service in fleet.services:
        erlangs = rate_per_s[service.name] * service.service_time_s
        busy[service.reservation] += erlangs / service.slots * service.replica_rru
    return busy


def _power_w(kind: ServerType, load: float) -> float:
    idle_w, max_w = kind.idle_w or 0.0, kind.max_w or 0.0
    return idle_w + (max_w - idle_w) * (2 * load - float(load**kind.exponent))
