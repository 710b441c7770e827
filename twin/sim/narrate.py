"""The narrator: watches the settles of one run and tells what happened, and because of what.

It compares each settled state with the one before. Every happening points at the happening that caused it: a plan
step or a fault at the root, then units that lose power, load that moves to sister feeds, racks that go dark, replicas
that are lost, traffic that moves, and at the end the violation. Used in replays only: it costs far more than the run.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from twin.graph.compile import Compiled
from twin.graph.levels import Floats
from twin.model.change import TimedChange
from twin.model.names import compress, natural_key
from twin.records.run import Run, Trace
from twin.records.verdict import Happening
from twin.sim.engine import Engine
from twin.sim.movers.zones import Zones
from twin.sim.power import W
from twin.sim.recorder import Recorder
from twin.sim.watch import Before, nodes_of

MAX_HAPPENINGS = 5_000
MAX_POINTS = 20_000
MOVED_SHARE = 0.01
ITS_NAME = "\0"


class Narrator:
    """An observer of settles (`simulate(observe=narrator)`); `told(run)` adds what it saw to the run."""

    def __init__(self, compiled: Compiled, *, watch: Sequence[tuple[str, str]] = ()) -> None:
        self._compiled = compiled
        self._before: Before | None = None
        self.happenings: list[Happening] = []
        self._root: dict[str, int] = {}
        self._about: dict[str, int] = {}
        self._dead: dict[int, int] = {}
        self._moved: dict[int, list[int]] = {}
        self._site: dict[int, int] = {}
        self._dark: dict[int, int] = {}
        self._service: dict[int, int] = {}
        self._last_demand = self._last_link = -1
        self._open: dict[int, int] = {}
        self._node_name = nodes_of(compiled)
        self._watch = tuple(watch)
        self._points: dict[tuple[str, str], list[tuple[float, float]]] = {key: [] for key in self._watch}

    def told(self, run: Run) -> Run:
        """Return the run with happenings and traces."""
        traces = tuple(
            Trace(
                quantity,
                thing,
                np.array([t for t, _ in points]),
                np.array([v for _, v in points]),
                self._limit(quantity, thing),
            )
            for (quantity, thing), points in self._points.items()
        )
        return replace(run, happenings=tuple(self.happenings), traces=traces)

    def __call__(self, now: float, engine: Engine, recorder: Recorder, recent: Sequence[TimedChange]) -> None:
        """Take note of one settle."""
        before, self._before = self._before, Before.of(engine, recorder)
        self._sample(now, engine)
        if before is None:
            before = Before.blank(engine, recorder)
        if len(self.happenings) >= MAX_HAPPENINGS:
            return
        self._roots(now, recent)
        self._power(now, engine, before)
        self._racks(now, engine, before)
        self._replicas(now, engine, before)
        self._traffic(now, engine, before)
        self._violations(now, engine, recorder, before.flags, before)

    def _tell(self, now: float, kind: str, thing: str, text: str, *causes: int) -> int:
        """Add a happening; the latest of its causes is the cause, the others it needed also."""
        known = sorted({cause for cause in causes if cause >= 0})
        if kind != "end":
            self._about[thing] = len(self.happenings)
        self.happenings.append(
            Happening(
                at_s=now,
                kind=kind,
                thing=thing,
                text=text,
                cause=known[-1] if known else -1,
                also=tuple(known[:-1]),
            )
        )
        return len(self.happenings) - 1

    def _roots(self, now: float, recent: Sequence[TimedChange]) -> None:
        """Tell plan steps, events of the world and acts of physics: changes of the same words and origin are one happening.

        What physics does to several devices in the same words, but for their own names, is told of all of them together.
        """
        together: dict[tuple[str, str], list[TimedChange]] = {}
        counted = {timed.text for timed in recent if timed.event}
        for timed in recent:
            words = _words_of(timed, alone=timed.text in counted)
            together.setdefault((timed.origin, words), []).append(timed)
        for (origin, words), group in together.items():
            kind, first = _kind_of(origin), group[0]
            causes = [self._about.get(name, -1) for timed in group for name in timed.because]
            things = list(dict.fromkeys(timed.change.target for timed in group))
            if first.event == "breaker_trips":
                causes += self._moved_onto(first.change.target)
            text = f"plan: {words}" if kind == "plan" else words.replace(ITS_NAME, _several(things))
            told = self._tell(first.at_s, first.event or kind, first.change.target, text, *causes)
            for thing in things:
                self._root[thing] = self._about[thing] = told
            if any(timed.change.kind in ("demand", "outdoor") for timed in group):
                self._last_demand = told
            if any(thing in self._compiled.index[kind] for thing in things for kind in ("links", "switches")):
                self._last_link = told

    def _moved_onto(self, unit: str) -> list[int]:
        """The transfers of load onto a unit or onto what it feeds."""
        levels = self._compiled.power.levels
        below = {int(self._compiled.power.unit_node[self._compiled.index["power_units"][unit]])}
        ahead = list(below)
        while ahead:
            fed = set(levels.child[levels.parent == ahead.pop()].tolist()) - below
            below |= fed
            ahead += fed
        return [told for node in sorted(below) for told in self._moved.get(node, [])]

    def _power(self, now: float, engine: Engine, before: Before) -> None:
        """Units that lose or regain power, and load that moves to other feeds."""
        levels = engine.compiled.power.levels
        for node in np.flatnonzero(before.alive != engine.alive)[::-1].tolist():
            name = self._node_name[node]
            if name is None or name[0] == "racks":
                continue
            if engine.alive[node]:
                self._dead.pop(node, None)
                self._tell(
                    now, "recovery", name[1], f"{name[1]} is powered again", self._root.get(name[1], -1)
                )
            else:
                self._dead[node] = self._unit_lost(now, node, name[1], levels, engine)
        self._transfers(now, engine, before)

    def _unit_lost(self, now: float, node: int, name: str, levels: object, engine: Engine) -> int:
        own = self._root.get(name, -1)
        if own >= 0 and self.happenings[own].at_s == now:
            return own
        feeders = engine.compiled.power.levels.parent[engine.compiled.power.levels.child == node].tolist()
        lost = [self._name(p) for p in feeders if p in self._dead]
        with_whom = f" with {_several(lost)}" if lost else ""
        return self._tell(
            now, "loss", name, f"{name} loses power{with_whom}", own, *self._dead_parents(engine, node)
        )

    def _dead_parents(self, engine: Engine, node: int) -> tuple[int, ...]:
        """The happenings in which the feeders of a node were lost, or a generator that stood still was taken away."""
        levels, units = engine.compiled.power.levels, self._compiled.index["power_units"]
        parents = levels.parent[levels.child == node].tolist()
        lost = [self._dead[p] for p in parents if p in self._dead]
        for name in (self._name(p) for p in parents if p not in self._dead):
            if name in units and engine.state.holds["power_units"][units[name]] > 1:
                lost.append(self._root.get(name, -1))
        return tuple(lost)

    def _copies_lost(self, engine: Engine, storage: int) -> tuple[int, ...]:
        """The happenings in which racks of a stateful set were lost that are still away."""
        starts = [*engine.compiled.storage_starts.tolist(), len(engine.compiled.storage_racks)]
        racks = engine.compiled.storage_racks[starts[storage] : starts[storage + 1]].tolist()
        away = [r for r in racks if not (engine.rack_powered[r] and engine.rack_reachable[r])]
        return tuple(self._dark[r] for r in away if r in self._dark)

    def _transfers(self, now: float, engine: Engine, before: Before) -> None:
        """Tell for each unit how much load came over from feeds that are gone."""
        levels = engine.compiled.power.levels
        grown = (engine.share > before.share + MOVED_SHARE) & (before.share > 0) | (
            engine.share > before.share + MOVED_SHARE
        ) & before.alive[levels.child]
        moved: dict[int, tuple[float, set[int]]] = {}
        for edge in np.flatnonzero(grown).tolist():
            child, parent = int(levels.child[edge]), int(levels.parent[edge])
            watts, sources = moved.get(parent, (0.0, set()))
            lost = {int(p) for p in levels.parent[levels.child == child] if not engine.alive[p]}
            told = self._told_now(now, child)
            if told >= 0 and not lost:  # a UPS that walks in has said so
                self._moved.setdefault(parent, []).append(told)
                continue
            moved[parent] = (
                watts + float((engine.share[edge] - before.share[edge]) * engine.load[child, W]),
                sources | lost,
            )
        for parent, (watts, sources) in sorted(moved.items()):
            if watts < 1.0:
                continue
            causes = [self._dead[s] for s in sorted(sources) if s in self._dead]
            names = _several([self._name(s) for s in sources])
            told = self._tell(
                now,
                "transfer",
                self._name(parent),
                f"{_kw(watts)} moves to {self._name(parent)}" + (f" from {names}" if names else ""),
                *causes,
            )
            self._moved.setdefault(parent, []).append(told)

    def _told_now(self, now: float, node: int) -> int:
        """What physics told about a node at this very instant (-1: nothing)."""
        found = self._root.get(self._name(node), -1)
        told = found >= 0 and self.happenings[found].kind == "physics" and self.happenings[found].at_s == now
        return found if told else -1

    def _racks(self, now: float, engine: Engine, before: Before) -> None:
        """Racks that go dark, are cut off or drained, told together where they share a cause."""
        names, site = engine.compiled.names, engine.compiled.rack_site
        lost = before.rack_ok & ~engine.rack_ok
        if not lost.any():
            return
        together: dict[tuple[int, tuple[int, ...], str], list[int]] = {}
        for rack in np.flatnonzero(lost).tolist():
            node = int(engine.compiled.power.rack_node[rack])
            own = self._root.get(names["racks"][rack], -1)
            if not engine.rack_powered[rack]:
                causes, words = (own, *self._dead_parents(engine, node)), "lose power"
            elif not engine.rack_reachable[rack]:
                causes, words = (own, self._switch_cause(engine, rack)), "are cut off from the network"
            else:
                causes, words = (own,), "take no more work"
            together.setdefault((int(site[rack]), causes, words), []).append(rack)
        for (place, causes, words), racks in together.items():
            who = _several([names["racks"][r] for r in racks])
            told = self._tell(now, "racks", names["racks"][racks[0]], f"{who} {words}", *causes)
            self._site[place] = told
            self._dark.update(dict.fromkeys(racks, told))

    def _switch_cause(self, engine: Engine, rack: int) -> int:
        network, names = engine.compiled.network, engine.compiled.names
        site = engine.compiled.rack_site[rack]
        here = [names["switches"][s] for s in np.flatnonzero(network.switch_site == site)]
        links = [names["links"][i] for i in np.flatnonzero(network.link_site == site)]
        return max((self._root.get(name, -1) for name in (*here, *links)), default=-1)

    def _replicas(self, now: float, engine: Engine, before: Before) -> None:
        """Services that lose running replicas at a site."""
        names = engine.compiled.names
        lost = before.running - engine.running
        for k, s in np.argwhere(lost > 1e-6 + 1e-6 * before.running).tolist():
            service, site = names["services"][k], names["sites"][s]
            causes = [self._site.get(s, -1), self._root.get(service, -1), self._group_root(s)]
            if max(causes) < 0:  # nobody is down, so they were held back: capped or throttled
                causes = [self._rack_root(s)]
            words = f"{service} at {site}: {before.running[k, s]:.4g} -> {engine.running[k, s]:.4g} replicas"
            self._service[k] = self._tell(now, "capacity", service, words, *causes)

    def _rack_root(self, site: int) -> int:
        at, rack_site = self._compiled.index["racks"], self._compiled.rack_site
        return max(
            (i for name, i in self._root.items() if name in at and rack_site[at[name]] == site), default=-1
        )

    def _group_root(self, site: int) -> int:
        rack_site, servers = self._compiled.rack_site, self._compiled.servers
        at = {name: i for name, i in self._compiled.index["server_groups"].items()}
        return max(
            (
                i
                for name, i in self._root.items()
                if name in at and rack_site[servers.group_rack[at[name]]] == site
            ),
            default=-1,
        )

    def _traffic(self, now: float, engine: Engine, before: Before) -> None:
        """Services whose traffic moves between sites."""
        names = engine.compiled.names
        assert engine.flows is not None
        share = _share(engine.flows.arrivals)
        moved = share - before.traffic
        for k in np.flatnonzero(np.abs(moved).max(axis=1, initial=0.0) > MOVED_SHARE).tolist():
            gone, come = int(moved[k].argmin()), int(moved[k].argmax())
            service = names["services"][k]
            cause = max(self._service.get(k, -1), self._root.get(service, -1))
            if cause < 0 or self.happenings[cause].kind == "traffic":
                # Nothing came between: where people are awake moves it, too.
                continue
            left, came = 100 * -moved[k, gone], 100 * moved[k, come]
            words = [f"{left:.0f} % of the traffic leaves {names['sites'][gone]}"] if left > 0.5 else []
            words += [f"{came:.0f} % of the traffic comes to {names['sites'][come]}"] if came > 0.5 else []
            self._service[k] = self._tell(now, "traffic", service, f"{service}: {', '.join(words)}", cause)

    def _violations(
        self, now: float, engine: Engine, recorder: Recorder, flags: np.ndarray, before: Before
    ) -> None:
        """Violations that begin or end now, each with its nearest cause."""
        current = recorder.flags
        for flag in np.flatnonzero(current != flags).tolist():
            kind, thing = recorder.thing(flag)
            if not current[flag]:
                self._tell(now, "end", thing, f"{thing}: {_WORDS[kind]} ends", self._open.pop(flag, -1))
                continue
            words, causes = self._explain(now, engine, before, kind, thing)
            self._open[flag] = self._tell(now, kind, thing, words, *causes)

    def _explain(
        self, now: float, engine: Engine, before: Before, kind: str, thing: str
    ) -> tuple[str, Sequence[int]]:
        index = self._compiled.index
        if kind == "overloads":
            unit = index["power_units"][thing]
            ratio = engine.unit_peak_va[unit] / self._compiled.power.limit_va[unit]
            words = f"{thing} is at {100 * ratio:.1f} % of its limit on the peak ({_kw(engine.unit_peak_va[unit], 'VA')})"
            return words, self._overload_causes(
                now, engine, before, int(self._compiled.power.unit_node[unit])
            )
        if kind == "slo_violations":
            k = index["services"][thing]
            assert engine.flows is not None
            error = engine.flows.errors[k] / max(engine.flows.requests[k], 1e-12)
            words = f"{thing} misses its SLO: {100 * error:.3g} % errors, p99 {1e3 * engine.p99_s[k]:.4g} ms"
            lost = self._network_causes(engine) if engine.network_failing[k] > 0 else ()
            return words, lost or (self._service_cause(now, k),)
        if kind in ("unpowered", "unreachable"):
            place = index["racks"].get(thing)
            cause = self._site.get(int(self._compiled.rack_site[place]), -1) if place is not None else -1
            return f"{thing} {_WORDS[kind]}", (cause, self._root.get(thing, -1))
        if kind == "cooling_short":
            site = index["sites"][thing]
            return (
                f"{thing}: {_kw(engine.cooling_short_w[site])} of heat cannot be removed",
                (self._last_demand, *self._dead.values()),
            )
        if kind == "link_overloads" and thing in index["links"]:
            i = index["links"][thing]
            left = float(np.clip(engine.state.bandwidth[i], 0.0, 1.0))
            ratio = engine.link_load[i] / max(self._compiled.network.link_capacity_bps[i] * left, 1.0)
            words = f"{thing} is offered {100 * ratio:.1f} % of what it can carry"
            return words, (self._root.get(thing, -1), self._last_link, self._last_demand)
        if kind == "quorum_lost":
            return f"{thing} has lost its quorum", self._copies_lost(engine, index["storage"][thing])
        return f"{thing} {_WORDS[kind]}", (
            self._root.get(thing, -1),
            max([-1, *self._service.values()]),
            self._last_demand,
        )

    def _overload_causes(self, now: float, engine: Engine, before: Before, node: int) -> Sequence[int]:
        """Walk down to the child whose flow rose most; every transfer on the way had its part, else a plan step or demand."""
        levels = engine.compiled.power.levels
        moved: list[int] = []
        for _ in range(64):
            moved += self._moved.get(node, [])
            edges = np.flatnonzero(levels.parent == node)
            if not len(edges):
                break
            children = levels.child[edges]
            rise = (
                engine.share[edges] * engine.load[children, W]
                - before.share[edges] * before.load[children, W]
            )
            if rise.max() <= 0:
                break
            node = int(children[int(rise.argmax())])
        if moved:
            return [*moved, self._last_demand]
        name = self._node_name[node]
        if name is not None and name[1] in self._root:
            return (self._root[name[1]],)
        if name is not None and name[0] == "racks":
            site = int(self._compiled.rack_site[self._compiled.index["racks"][name[1]]])
            near = [i for i in self._service.values() if self.happenings[i].at_s <= now]
            if near or site in self._site:
                return (max([-1, *near]), self._site.get(site, -1))
        if self._last_demand >= 0:
            return (self._last_demand,)
        return (self._tell(now, "demand", "", "demand grows by the time of day"),)

    def _network_causes(self, engine: Engine) -> Sequence[int]:
        """What makes the network lose requests now: links and switches that routers do not know to be dead, and full links."""
        routers, links = engine.routers, self._compiled.index["links"]
        unknown = [routers.things[i] for i in np.flatnonzero(routers.known & ~routers.up).tolist()]
        full = [
            cause
            for cause in self._open.values()
            if self.happenings[cause].kind == "link_overloads" and self.happenings[cause].thing in links
        ]
        return [*(self._about.get(name, -1) for name in unknown), *full]

    def _service_cause(self, now: float, service: int) -> int:
        services = self._compiled.services
        callees = services.edge_callee[services.edge_caller == service].tolist()
        name = self._compiled.names["services"][service]
        candidates = [
            self._service.get(service, -1),
            self._root.get(name, -1),
            self._root.get("*", -1),
            *(self._service.get(k, -1) for k in callees),
            *self._site.values(),
            self._last_demand,
        ]
        cause = max(candidates)
        return (
            cause
            if cause >= 0
            else self._tell(now, "demand", name, f"demand for {name} grows by the time of day")
        )

    def _sample(self, now: float, engine: Engine) -> None:
        for quantity, thing in self._watch:
            points = self._points[quantity, thing]
            if len(points) < MAX_POINTS:
                points.append((now, sample(engine, quantity, thing)))

    def _limit(self, quantity: str, thing: str) -> float | None:
        unit = self._compiled.index["power_units"].get(thing)
        if unit is not None and quantity in ("power_va", "peak_va"):
            return float(self._compiled.power.limit_va[unit])
        if quantity == "inlet_c":
            return next(zone.shutdown_c for zone in self._compiled.cooling.zones if zone.name == thing)
        service = self._compiled.index["services"].get(thing)
        return (
            float(1e3 * self._compiled.services.slo_p99_s[service])
            if service is not None and quantity == "p99_ms"
            else None
        )

    def _name(self, node: int) -> str:
        name = self._node_name[node]
        return name[1] if name else "?"


QUANTITIES = {
    "power_w": "real power of a unit or rack [W]",
    "power_va": "apparent power of a unit [VA]",
    "peak_va": "sub-interval peak of a unit [VA]",
    "p99_ms": "p99 of a service [ms]",
    "error_rate": "failed share of a service [1]",
    "facility_w": "facility power of a site [W]",
    "inlet_c": "what the racks of a cooling zone are supplied with [°C]",
}


def sample(engine: Engine, quantity: str, thing: str) -> float:
    """Return one quantity of one thing in the settled state; raise KeyError when the thing does not have it."""
    index, power = engine.compiled.index, engine.compiled.power
    assert engine.flows is not None
    if quantity == "power_w":
        node = (
            power.unit_node[index["power_units"][thing]]
            if thing in index["power_units"]
            else power.rack_node[index["racks"][thing]]
        )
        return float(engine.load[node, W])
    if quantity == "facility_w":
        return float(engine.facility_w[index["sites"][thing]])
    if quantity in ("power_va", "peak_va"):
        values = engine.unit_va if quantity == "power_va" else engine.unit_peak_va
        return float(values[index["power_units"][thing]])
    if quantity == "inlet_c":
        return _inlet_c(engine, thing)
    k = index["services"][thing]
    if quantity == "p99_ms":
        return float(1e3 * engine.p99_s[k])
    if quantity == "error_rate":
        return (
            float(engine.flows.errors[k] / engine.flows.requests[k]) if engine.flows.requests[k] > 0 else 0.0
        )
    raise KeyError(quantity)


def _inlet_c(engine: Engine, zone: str) -> float:
    for mover in engine.movers:
        if isinstance(mover, Zones):
            return mover.inlet_c(zone)
    raise KeyError(zone)


def _words_of(timed: TimedChange, *, alone: bool) -> str:
    """What a change is called; the name of the device itself is left open where physics speaks of many."""
    change = timed.change
    if timed.text:
        many = timed.origin.startswith("physics") and not alone
        return timed.text.replace(change.target, ITS_NAME) if many else timed.text
    return f"{change.kind} {change.target} {change.key} {change.value:+g}".replace("  ", " ")


def _kind_of(origin: str) -> str:
    """plan, world or physics: who made a change."""
    if origin.startswith(("plan", "rollback")):
        return "plan"
    return "physics" if origin.startswith("physics") else "world"


_WORDS = {
    "overloads": "overload",
    "unpowered": "is without power",
    "unreachable": "is cut off",
    "link_overloads": "carries more than it can",
    "quorum_lost": "lost quorum",
    "cooling_short": "lack of cooling",
    "slo_violations": "missed SLO",
}


def _share(arrivals: Floats) -> Floats:
    total = arrivals.sum(axis=1, keepdims=True)
    return np.divide(arrivals, total, out=np.zeros_like(arrivals), where=total > 0)


def _kw(watts: float, unit: str = "W") -> str:
    return f"{watts / 1e6:.3g} M{unit}" if watts >= 1e6 else f"{watts / 1e3:.3g} k{unit}"


def _several(names: Sequence[str]) -> str:
    short = compress(sorted(names, key=natural_key))
    return ", ".join(short[:3]) + (f" and {len(short) - 3} more" if len(short) > 3 else "")
