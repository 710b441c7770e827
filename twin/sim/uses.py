"""Who uses the servers: the IT power of every instant, split by service and owner.

A working server at utilisation u: what it draws above idle, and the part u of its idle power, belong to the services of its
owner at the site, in proportion to the relative resource units that they keep busy. The rest, and servers that idle, are
broken or off, are the owner's own idle capacity. Embodied carbon and price go by the same parts (SCI, ISO/IEC 21031: time
share x resource share). Switches in a rack belong to its servers by what they draw.

Lines are cells (service, site), then (reservation, site) pairs for what is idle, then sites with nobody. G server groups.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from twin.graph.levels import Floats
from twin.sim.engine import Engine
from twin.sim.power import server_watts
from twin.sim.sparse import add_up


@dataclass(frozen=True)
class Split:
    """Hands amounts of server groups, what is busy and what is idle, to the lines."""

    group_pair: np.ndarray
    cell_pair: np.ndarray
    cell_part: Floats
    pairs: int

    @classmethod
    def of(cls, engine: Engine) -> Split:
        """Read which part of a (reservation, site) pair each cell keeps busy."""
        assert engine.flows is not None
        services, servers = engine.compiled.services, engine.compiled.servers
        rru_s = services.service_time_s * services.replica_rru / services.slots
        busy, pair = (engine.flows.passed * rru_s[:, None]).ravel(), services.rs.ravel()
        total = add_up(pair, busy, len(servers.rs_site) + 1)[pair]
        part = np.divide(busy, total, out=np.zeros_like(busy), where=total > 0)
        return cls(servers.group_rs, pair, part, len(servers.rs_site))

    def lines(self, busy: Floats, idle: Floats, nobody: Floats) -> Floats:
        """Return the lines of what groups have busy and idle `(G,)` and of what is nobody's `(S,)`."""
        shared = np.append(add_up(self.group_pair, busy, self.pairs), 0.0)
        return np.concatenate(
            [shared[self.cell_pair] * self.cell_part, add_up(self.group_pair, idle, self.pairs), nobody]
        )


def uses(engine: Engine) -> tuple[Floats, Floats]:
    """Return the IT power of each line `[W, (n,)]`, and embodied carbon and price of its servers `[kg/s, USD/s, (2, n)]`."""
    compiled = engine.compiled
    rack, sites = compiled.servers.group_rack, len(engine.it_w)
    split, utilisation = Split.of(engine), engine.group_utilisation
    busy_w, idle_w = group_watts(engine, utilisation)
    of_rack = add_up(rack, busy_w + idle_w, len(compiled.rack_site))
    scale = np.divide(engine.rack_w, of_rack, out=np.zeros_like(of_rack), where=of_rack > 0)[rack]
    empty = add_up(compiled.rack_site, np.where(of_rack > 0, 0.0, engine.rack_w), sites)
    used = utilisation * _ratio(engine.group_active, engine.state.count)
    rates = [split.lines(rate * used, rate * (1.0 - used), np.zeros(sites)) for rate in installed(engine)]
    return split.lines(busy_w * scale, idle_w * scale, empty), np.stack(rates)


def group_watts(engine: Engine, utilisation: Floats) -> tuple[Floats, Floats]:
    """Return what the servers of each group draw for services, and what they would draw without them `[W, (G,)]`."""
    servers, state, working = engine.compiled.servers, engine.state, engine.group_active
    kind = servers.group_type
    idle_w = servers.type_watts[kind, 0]
    healthy = np.maximum(state.count - state.failed, 0)
    standing = (healthy - working) * idle_w + (state.count - healthy) * servers.type_off_w[kind]
    drawn = working * server_watts(servers, utilisation[:, None], kind)[:, 0]
    spare = working * (1.0 - utilisation) * idle_w
    return drawn - spare, spare + standing * engine.rack_powered[servers.group_rack]


def installed(engine: Engine) -> tuple[Floats, Floats]:
    """Return what the servers of each group cost `(G,)`, at work or not: embodied `[kg/s]`, price `[USD/s]`."""
    servers, count = engine.compiled.servers, engine.state.count
    kind = servers.group_type
    return servers.type_embodied_per_s[kind] * count, servers.type_cost_per_s[kind] * count


def _ratio(part: Floats, whole: np.ndarray) -> Floats:
    return np.divide(part, whole, out=np.zeros(len(whole)), where=whole > 0)
