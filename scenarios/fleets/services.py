"""Services of generated fleets: a layered call graph, and reservations that own one type of server each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from scenarios.fleets.parts import TYPES
from twin.model.services import Service, Slo

LAYERS = 4
FULL = 0.8  # of a reservation's units that its replicas ask for
REPLICAS_PER_SERVER = 2.0
_TYPE_SHARES = {"compute": 0.6, "memory": 0.3, "storage": 0.09, "gpu": 0.01}


@dataclass(frozen=True)
class Need:
    """A reservation: its type of server, its share of all servers, its services, and what users ask of these at peak."""

    reservation: str
    type: str
    share: float
    services: tuple[Service, ...]
    users: dict[str, float]


@dataclass
class _Draft:
    name: str
    layer: int
    reservation: int
    service_time_s: float
    slots: int
    target: float
    size_bytes: float
    callees: dict[str, float] = field(default_factory=dict)
    rate_per_s: float = 0.0

    @property
    def replicas(self) -> float:
        return self.rate_per_s * self.service_time_s / self.slots / self.target


def draw_services(count: int, servers: int, rng: np.random.Generator) -> list[Need]:
    """Return reservations with `count` services that together fill `servers` servers at their peak."""
    types = _reservation_types(count)
    drafts = [_draft(index, count, len(types), rng) for index in range(count)]
    _call_each_other(drafts, rng)
    asked = _rates(drafts, rng)
    factor = REPLICAS_PER_SERVER * servers / sum(draft.replicas for draft in drafts)
    for draft in drafts:
        draft.rate_per_s *= factor
    shares = _shares(types, rng)
    return [
        _need(number, kind, shares[number], (drafts, asked, factor, servers))
        for number, kind in enumerate(types)
    ]


def _reservation_types(count: int) -> list[str]:
    """Return the type of each reservation: one per ten services, every type once if there are enough."""
    total = max(2, min(24, count // 10))
    wanted = {kind: max(1, round(total * share)) for kind, share in _TYPE_SHARES.items()}
    return [kind for kind, number in wanted.items() for _ in range(number)][:total]


def _draft(index: int, count: int, reservations: int, rng: np.random.Generator) -> _Draft:
    layer = min(LAYERS - 1, index * LAYERS // count)
    return _Draft(
        name=f"svc{index + 1:03d}",
        layer=layer,
        reservation=index % reservations,
        service_time_s=float(f"{rng.lognormal(np.log(0.012), 0.6):.2g}"),
        slots=int(rng.choice([8, 16, 32])),
        target=float(rng.choice([0.5, 0.55, 0.6])),
        size_bytes=float(f"{rng.lognormal(np.log(4e3), 0.8):.2g}"),
    )


def _call_each_other(drafts: list[_Draft], rng: np.random.Generator) -> None:
    """Let every service be called by one of the layer above, and some by more."""
    layers = [[draft for draft in drafts if draft.layer == layer] for layer in range(LAYERS)]
    for above, below in zip(layers, layers[1:], strict=False):
        for callee in below:
            for caller in rng.choice(
                len(above), size=min(len(above), int(rng.integers(1, 4))), replace=False
            ):
                above[int(caller)].callees[callee.name] = float(f"{rng.lognormal(np.log(0.5), 0.5):.2g}")


def _rates(drafts: list[_Draft], rng: np.random.Generator) -> dict[str, float]:
    """Give every service its rate for some demand on the first layer; return that demand."""
    by_name = {draft.name: draft for draft in drafts}
    asked = {draft.name: float(rng.lognormal(0.0, 0.7)) for draft in drafts if draft.layer == 0}
    for draft in drafts:
        draft.rate_per_s += asked.get(draft.name, 0.0)
        for callee, calls in draft.callees.items():
            by_name[callee].rate_per_s += calls * draft.rate_per_s
    return asked


def _shares(types: Sequence[str], rng: np.random.Generator) -> list[float]:
    """Return each reservation's share of all servers."""
    raw = np.array([_TYPE_SHARES[kind] / types.count(kind) for kind in types]) * rng.uniform(
        0.7, 1.3, len(types)
    )
    return [float(share) for share in raw / raw.sum()]


def _need(
    number: int, kind: str, share: float, all_of: tuple[list[_Draft], dict[str, float], float, int]
) -> Need:
    """Size the replicas of one reservation so that together they ask for `FULL` of its units."""
    drafts, asked, factor, servers = all_of
    own = [draft for draft in drafts if draft.reservation == number]
    units = FULL * share * servers * TYPES[kind].rru
    replica_rru = float(f"{units / sum(draft.replicas for draft in own):.3g}")
    reservation = f"{kind}-{number + 1:02d}"
    services = tuple(_service(draft, reservation, replica_rru) for draft in own)
    users = {draft.name: asked[draft.name] * factor for draft in own if draft.name in asked}
    return Need(reservation, kind, share, services, users)


def _service(draft: _Draft, reservation: str, replica_rru: float) -> Service:
    return Service(
        name=draft.name,
        tier=draft.layer,
        reservation=reservation,
        slots=draft.slots,
        service_time_s=draft.service_time_s,
        replica_rru=replica_rru,
        slo=Slo(availability=0.999, p99_s=float(f"{20 * draft.service_time_s:.2g}")),
        target_utilisation=draft.target,
        callees=draft.callees,
        request_bytes=draft.size_bytes,
        locality="region",
        max_wait_s=float(f"{30 * draft.service_time_s:.2g}"),
    )
