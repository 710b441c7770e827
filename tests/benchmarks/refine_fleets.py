"""Generated fleets that are short of servers tomorrow, with free ones to take from, and worlds in which a plan may fail.

The fleets differ in size, sites, number of reservations, and in how busy services are meant to run: some owners are cautious,
some declare what queues do not forgive. A night of little demand is followed by six hours of peak, so that a plan is done when
it counts.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from unittest import mock

import numpy as np

from scenarios.generate import Size, generate
from twin.model.fleet import Fleet
from twin.model.gateset import GateSet
from twin.model.scenario import Suite
from twin.model.series import Series
from twin.model.servers import Reservation
from twin.model.services import Service
from twin.model.streams import stream

FREE = 0.4  # of the servers of each rack are with nobody
TARGETS = (0.55, 0.65, 0.75, 0.85)
SURGE = 1.15
MOST_RACKS = 20  # are lost in turn, evenly picked
NIGHT, PEAK = 0.5, 1.4  # times the mean
QUIET_H, BUSY_H = 9, 6
WATCH_H = 13  # a plan is watched so long after its last step: over the peak

GATES = GateSet.model_validate(
    {
        "gates": "peak",
        "suite": "peak",
        "partial_plans": False,
        "rules": [
            {
                "id": "slo",
                "metric": "slo_violations",
                "estimator": "invariant",
                "pass": "none",
                "for": "2 min",
            },
            {
                "id": "breakers",
                "metric": "overloads",
                "estimator": "invariant",
                "pass": "none new",
                "for": "1 min",
            },
        ],
    },
    context={"document": True},
)


def suite(fleet: Fleet) -> Suite:
    """Return the worlds: racks lost one after the other at the peak, and a surge at the peak; else the days are calm."""
    racks = fleet.racks[:: math.ceil(len(fleet.racks) / MOST_RACKS)]
    losses = [
        {"loss": {"thing": rack.name, "at": f"{60 * QUIET_H + 30 + 15 * i} min", "lasts": "10 min"}}
        for i, rack in enumerate(racks)
    ]
    surge = {"demand-surge": {"factor": SURGE, "at": f"{QUIET_H + 1} h", "lasts": "1 h"}}
    worlds = {"lose-racks": losses, "surge": [surge]}
    return Suite.model_validate(
        {
            "suite": "peak",
            "scenarios": [{"scenario": name, "hazards": hazards} for name, hazards in worlds.items()],
        },
        context={"document": True},
    )


@dataclass(frozen=True)
class Case:
    """One fleet and the demand that is asked of it."""

    servers: int
    services: int
    seed: int
    demand: str

    @property
    def name(self) -> str:
        """Return a short name."""
        return f"{self.servers}/{self.services}/{self.seed} {self.demand}"

    def fleet(self) -> Fleet:
        """Return the fleet."""
        return short_of_servers(self.servers, self.services, self.seed)


CASES = tuple(
    Case(servers, services, seed, demand)
    for seed, (servers, services, demand) in enumerate(
        [
            (servers, services, demand)
            for servers in (300, 450, 700)
            for services in (4, 12, 20)
            for demand in ("+15%", "+30%")
        ]
        + [(1000, 12, "+15%"), (1000, 20, "+30%"), (1300, 12, "+30%"), (1300, 20, "+15%")],
        start=1,
    )
)


def short_of_servers(servers: int, services: int, seed: int) -> Fleet:
    """Return a generated fleet whose owners have just what the demand of today takes, and whose other servers are free."""
    usual = Size.of(servers)
    with mock.patch.object(Size, "of", return_value=Size(servers, usual.sites, usual.regions, services)):
        fleet = generate(servers, seed=seed)
    rng = stream(seed, "refine", "targets")
    before = {row.name: row.target_utilisation for row in fleet.services}
    tuned = tuple(_tuned(row, float(rng.choice(TARGETS))) for row in fleet.services)
    target = {row.name: row.target_utilisation for row in tuned}
    groups = []
    for group in fleet.server_groups:
        free = round(group.count * FREE)
        groups.append(group.model_copy(update={"count": group.count - free}))
        if free:
            groups.append(
                group.model_copy(update={"name": f"{group.name}-free", "owner": "free", "count": free})
            )
    keep = 1.0 - FREE
    return fleet.model_copy(
        update={
            "reservations": (*fleet.reservations, Reservation(name="free")),
            "server_groups": tuple(groups),
            "services": tuned,
            "deployments": tuple(
                row.model_copy(
                    update={
                        "replicas": math.ceil(row.replicas * keep * before[row.service] / target[row.service])
                    }
                )
                for row in fleet.deployments
            ),
            "demand": tuple(
                row.model_copy(update={"rate_per_s": row.rate_per_s * keep}) for row in fleet.demand
            ),
            "series": tuple(Series(name=row.name, step_s=3600.0, values=_day()) for row in fleet.series),
        }
    )


def _tuned(row: Service, target: float) -> Service:
    """Return a service that is meant to run so busy, whose replicas take as much more as they are fewer."""
    size = row.replica_rru * target / row.target_utilisation
    return row.model_copy(update={"target_utilisation": target, "replica_rru": float(f"{size / 0.8:.4g}")})


def _day() -> tuple[float, ...]:
    """Return a day by the hour that is quiet from noon, where the plans begin, and busy from late in the evening on."""
    hours = (np.arange(24) - 13) % 24
    values = np.where(hours < QUIET_H, NIGHT, np.where(hours < QUIET_H + BUSY_H, PEAK, 0.8))
    return tuple(float(value) for value in values)
