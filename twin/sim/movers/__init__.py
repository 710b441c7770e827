"""Movers: the laws that act on their own during a run. To add one: a file in this folder, a line here, a test."""

from __future__ import annotations

from collections.abc import Collection

from twin.graph.compile import Compiled
from twin.model.errors import UsageError
from twin.sim.ideal import IDEAL
from twin.sim.mover import Mover
from twin.sim.movers.autoscaling import Autoscaling
from twin.sim.movers.batteries import Batteries
from twin.sim.movers.breakers import Breakers
from twin.sim.movers.capping import Capping
from twin.sim.movers.convergence import Convergence
from twin.sim.movers.fail_static import FailStatic
from twin.sim.movers.generators import Generators
from twin.sim.movers.onsite import OnSite
from twin.sim.movers.plants import Plants
from twin.sim.movers.rebuild import Rebuild
from twin.sim.movers.restore import Restore
from twin.sim.movers.shedding import Shedding
from twin.sim.movers.startup import Startup
from twin.sim.movers.transfers import Transfers
from twin.sim.movers.zones import Zones

# The registry. At one instant they act in this order.
MOVERS: tuple[type[Mover], ...] = (
    Breakers,
    Capping,
    Shedding,
    Transfers,
    Batteries,
    Generators,
    Restore,
    OnSite,
    Plants,
    Zones,
    Autoscaling,
    Rebuild,
    Startup,
    FailStatic,
    Convergence,
)


def movers_of(compiled: Compiled, without: Collection[str] = ()) -> list[Mover]:
    """Return the movers of a fresh run: those that the fleet declares something for, but for the laws switched off
    (a generator then stands ready, a switch moves at once, a battery never runs empty).

    Raises UsageError for a law that does not exist.
    """
    laws = {*IDEAL, *(mover.law for mover in MOVERS)}
    if unknown := set(without) - laws:
        raise UsageError(f"no law {', '.join(sorted(unknown))} (there are: {', '.join(sorted(laws))})")
    found = [mover.of(compiled) for mover in MOVERS if mover.law not in without]
    if Batteries.law in without:
        found.append(Batteries.endless(compiled))
    return [mover for mover in found if mover is not None]
