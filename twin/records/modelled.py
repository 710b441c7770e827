"""What of the physics a fleet leaves out: what it does not declare, what was switched off, what no version plays yet."""

from __future__ import annotations

from collections.abc import Callable, Collection

from twin.model.fleet import Fleet

# What the fleet must declare for a law to be played -> what a verdict says when it does not.
_DECLARED: tuple[tuple[Callable[[Fleet], bool], str], ...] = (
    (
        lambda fleet: any(unit.trip for unit in fleet.power_units),
        "breaker and relay trips: no unit declares a trip curve (above its rating nothing trips)",
    ),
    (
        lambda fleet: any(unit.battery_j for unit in fleet.power_units if unit.kind == "ups"),
        "UPS batteries: no UPS declares one (it lives as long as its feeders)",
    ),
    (
        lambda fleet: any(unit.start_s for unit in fleet.power_units),
        "generator start: no generator declares how long (it takes the load at once)",
    ),
    (
        lambda fleet: any(unit.transfer_s is not None for unit in fleet.power_units),
        "transfer delay: no switch declares it (it changes over at once)",
    ),
    (
        lambda fleet: any(unit.capping for unit in fleet.power_units),
        "power capping: no unit declares a policy",
    ),
    (
        lambda fleet: any(unit.shedding for unit in fleet.power_units),
        "load shedding by tier: no unit declares a policy",
    ),
    (
        lambda fleet: bool(fleet.cooling_zones),
        "temperatures: no cooling zone is declared (too little cooling is a violation, nothing heats up)",
    ),
    (
        lambda fleet: any(plant.restart_s is not None for plant in fleet.cooling_plants),
        "restart of cooling plants: none declares how long (it cools as soon as it has power)",
    ),
    (
        lambda fleet: fleet.convergence_s is not None,
        "convergence of routes: the fleet declares no time (routers know at once)",
    ),
    (
        lambda fleet: fleet.fail_static_s is not None,
        "loss of the network's control plane: the fleet declares no fail_static (routes stay)",
    ),
    (
        lambda fleet: any(link.buffer_s for link in fleet.links),
        "queues in front of links: none declares a buffer (what does not fit is lost at once)",
    ),
    (
        lambda fleet: any(service.timeout_s for service in fleet.services),
        "retry storms: no service declares a timeout (what overload fails adds no load)",
    ),
    (
        lambda fleet: any(service.warm_up_s for service in fleet.services),
        "cold caches: no service declares a warm-up (replicas that start are as fast as the others)",
    ),
    (
        lambda fleet: any(service.fanout for service in fleet.services),
        "latency of callees: no service declares how it calls (a p99 is that of the service alone)",
    ),
    (
        lambda fleet: any(service.autoscale for service in fleet.services),
        "autoscaling: no service declares it",
    ),
    (
        lambda fleet: any(service.starts_after or service.start_s for service in fleet.services),
        "start-up from nothing: no service declares what it needs (all run as soon as their servers have power)",
    ),
    (
        lambda fleet: any(storage.parts for storage in fleet.storage),
        "rebuilding of data: no stateful set counts its copies or parts",
    ),
)
# What no fleet can declare yet.
NOT_YET: tuple[str, ...] = (
    "jobs",
    "name service",
    "fire and water leaks",
)


def not_modelled(fleet: Fleet, without: Collection[str] = ()) -> tuple[str, ...]:
    """Return what a run on this fleet leaves out; every verdict says so."""
    silent = [text for declares, text in _DECLARED if not declares(fleet)]
    return (*(f"{law} (switched off)" for law in sorted(without)), *silent, *NOT_YET)
