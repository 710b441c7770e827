"""What the twin finds in one fleet for the capacity report: headroom, stranded power, every single loss, the bill of a day."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np

from twin.evaluate.single import simulate
from twin.graph.analysis_stranded import stranded_power
from twin.graph.dependency import shared_fates, what_is_lost
from twin.graph.levels import Bools, Floats
from twin.model.fleet import SINGULAR, Fleet
from twin.records.capacity_report import Bill, Loss, PowerDomain, State, Tight
from twin.records.headroom import headroom
from twin.records.ledger import Account
from twin.records.snapshot import Snapshot
from twin.sim.snapshot import Snapshots
from twin.sim.state import HOLD_KINDS

Progress = Callable[[int, int, str], None]
# What is lost alone, the most far-reaching first: of large fleets the last kinds are left out, and the report says so.
LOST = ("sites", "shared risks", "power_units", "cooling_plants", "links", "switches", "racks")
KEPT_TIGHT = 60
_SLACK = 1.0 + 1e-9  # dust of the arithmetic
_JOULES_PER_KWH = 3.6e6


@dataclass(frozen=True)
class Study:
    """How to look: the instant at which loads are settled, how many single losses to try at most, whom to tell."""

    at: datetime
    most_losses: int
    progress: Progress


def study(fleet: Fleet, name: str, how: Study) -> State:
    """Return what the twin finds in a fleet. Cost: one settle per loss, linear programs per power domain, one day played."""
    snapshots = Snapshots(fleet, at=how.at)
    now = snapshots.of()
    candidates, _ = single_losses(fleet, how.most_losses)
    judge, losses = _Judge(fleet, now), []

    def each() -> Iterator[Snapshot]:
        for done, (kind, lost) in enumerate(candidates):
            how.progress(done, len(candidates), f"{name}, without {lost}")
            # A site is lost by its name, not as the hundred things that go with it.
            after = replace(snapshots.of(_things(fleet, lost)), lost=(lost,))
            losses.append(judge.loss(kind, lost, after))
            yield after

    rows = headroom(now, each())
    rru = {kind.name: kind.rru for kind in fleet.server_types}
    return State(
        name=name,
        servers=sum(group.count for group in fleet.server_groups),
        rru=float(sum(group.count * rru[group.type] for group in fleet.server_groups)),
        tight=tuple(Tight(**vars(row)) for row in rows[:KEPT_TIGHT]),
        units=len(rows),
        domains=_domains(fleet, now),
        losses=tuple(losses),
        short_now=judge.short_names(judge.short_now),
        over_now=judge.over_names(judge.over_now),
        bills=_bills(fleet, how.at),
    )


def single_losses(fleet: Fleet, most: int) -> tuple[list[tuple[str, str]], tuple[str, ...]]:
    """Return single losses as (kind, name), whole kinds at a time and at most `most`, and the kinds that are left out."""
    risks = [name for name in shared_fates(fleet) if name.startswith("srlg:")]
    found: list[tuple[str, str]] = []
    left: list[str] = []
    for kind in LOST:
        names = risks if kind == "shared risks" else [row.name for row in fleet.rows(kind)]
        if left or len(found) + len(names) > most:
            left += [kind] if names else []
        else:
            found += [("shared risk" if kind == "shared risks" else SINGULAR[kind], name) for name in names]
    return found, tuple(kind.replace("_", " ") for kind in left)


def _things(fleet: Fleet, name: str) -> tuple[str, ...]:
    return tuple(one for one in what_is_lost(fleet, (name,)) if fleet.things[one][0] in HOLD_KINDS)


class _Judge:
    """Holds a snapshot after a loss against the one before it."""

    def __init__(self, fleet: Fleet, now: Snapshot) -> None:
        self._fleet = fleet
        self._now = now
        promised = {service.name: service.slo for service in fleet.services}
        self._error = np.array([1.0 - promised[name].availability for name in now.services])
        self._p99_s = np.array([promised[name].p99_s for name in now.services])
        count = {rack.name: 0 for rack in fleet.racks}
        for group in fleet.server_groups:
            count[group.rack] += group.count
        self._servers = np.array([count[name] for name in now.racks], dtype=np.int64)
        self._names = (*now.units, *now.links)
        self._limit = np.concatenate([now.limit_va, now.link_capacity_bps])
        self.short_now, self.over_now = self._short(now), self._shares(now) > 1.0

    def loss(self, kind: str, name: str, after: Snapshot) -> Loss:
        """Return what one loss does."""
        shares = self._shares(after)
        units = len(after.units)
        short, over = self._short(after) & ~self.short_now, (shares > 1.0) & ~self.over_now
        down = _running(self._now) & ~_running(after)
        unit, unit_share = _most(after.units, shares[:units])
        link, link_share = _most(after.links, shares[units:])
        return Loss(
            name=name,
            kind=kind,
            site=getattr(self._fleet.things[name][1], "site", "") if name in self._fleet.things else "",
            racks=int(down.sum()),
            servers=int(self._servers[down].sum()),
            short=self.short_names(short),
            unit=unit,
            unit_share=unit_share,
            link=link,
            link_share=link_share,
            over=self.over_names(over),
            result="short" if short.any() else "overload" if over.any() else "survived",
        )

    def short_names(self, short: Bools) -> tuple[str, ...]:
        """Return the names of services."""
        return tuple(self._now.services[i] for i in np.flatnonzero(short))

    def over_names(self, over: Bools) -> tuple[str, ...]:
        """Return the names of units and links."""
        return tuple(self._names[i] for i in np.flatnonzero(over))

    def _short(self, snapshot: Snapshot) -> Bools:
        asked = snapshot.service_site_rate > 0
        late = asked.any(axis=1) & (snapshot.service_p99_s > self._p99_s)
        # More work than servers can do fails only once the queue is full, which one instant does not show.
        overrun = (asked & (snapshot.service_site_utilisation > 1.0)).any(axis=1)
        return (snapshot.service_error > self._error * _SLACK) | late | overrun

    def _shares(self, snapshot: Snapshot) -> Floats:
        loads = np.concatenate([snapshot.peak_va, snapshot.link_load_bps])
        return np.divide(loads, self._limit, out=np.zeros_like(loads), where=self._limit > 0)


def _running(snapshot: Snapshot) -> Bools:
    return snapshot.rack_powered & snapshot.rack_reachable


def _most(names: tuple[str, ...], shares: Floats) -> tuple[str, float]:
    if not names:
        return "", 0.0
    most = int(np.argmax(shares))
    return names[most], float(shares[most])


def _domains(fleet: Fleet, now: Snapshot) -> tuple[PowerDomain, ...]:
    """Return stranded power as `fleetwin inspect --stranded` does: present servers as they draw now, with their peaks."""
    swing_va = (now.peak_va - now.load_va).clip(0.0).tolist()
    found = stranded_power(
        fleet,
        rack_w=dict(zip(now.racks, now.rack_w.tolist(), strict=True)),
        swing_va=dict(zip(now.units, swing_va, strict=True)),
    )
    return tuple(
        PowerDomain(
            name=row.name,
            kind=row.kind,
            site=row.site,
            budget_va=row.budget_va,
            load_va=row.load_va,
            headroom_va=row.headroom_va,
            usable_va=row.usable_va,
            fragmentation=row.fragmentation,
            oversubscription_after_loss=row.oversubscription_after_loss,
            reasons=row.reasons,
        )
        for row in found.domains
    )


def _bills(fleet: Fleet, at: datetime) -> tuple[Bill, ...]:
    """Play one day without faults and return what each site is charged."""
    ledger = simulate(fleet, days=1.0, start=at, narrate=False, ledger=True).ledger
    accounts: Mapping[tuple[str, ...], Account] = {account.key: account for account in ledger.by("site")}
    return tuple(_bill(accounts[site.name,]) for site in fleet.sites if (site.name,) in accounts)


def _bill(account: Account) -> Bill:
    return Bill(
        site=account.key[0],
        it_kwh=account.it_j / _JOULES_PER_KWH,
        overhead_kwh=account.overhead_j / _JOULES_PER_KWH,
        carbon_kg=account.carbon_mg / 1e6,
        embodied_kg=account.embodied_mg / 1e6,
        energy_usd=account.energy_microusd / 1e6,
        servers_usd=account.servers_microusd / 1e6,
    )
