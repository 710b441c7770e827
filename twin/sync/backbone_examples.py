"""Example documents for an imported backbone: gates, link losses, and a plan that drains a link."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import networkx as nx

from twin.model.fleet import Fleet
from twin.model.gateset import Gate, GateSet
from twin.model.network import Link
from twin.model.plan import Plan, Scope, Step, Window
from twin.model.scenario import HazardSpec, Scenario, Suite

SUITE = "links"


def backbone_examples(fleet: Fleet) -> tuple[tuple[GateSet, ...], tuple[Suite, ...], tuple[Plan, ...]]:
    """Return gates, a suite, and the plan (none when the backbone has no link that can be missed)."""
    link = _link_to_drain(fleet)
    return (_gates(fleet),), (_links(),), (_drain(fleet, link),) if link else ()


def _drain(fleet: Fleet, link: Link) -> Plan:
    day = fleet.as_of
    assert day is not None  # every import gives its fleet an as_of
    step = Step(id="drain", do="link.drain@1", params={"link": link.name, "lasts": "45 min"}, at_s=0.0)
    window = Window(not_before=day + timedelta(days=1), not_after=day + timedelta(days=1, hours=2))
    return Plan(
        plan="drain-link",
        description=f"Work on the link {link.name} for 45 minutes.",
        window=window,
        scope=Scope(touch=(f"link:{link.name}",), max_racks=0),
        steps=(step,),
    )


def _link_to_drain(fleet: Fleet) -> Link | None:
    """Return the link that can be missed best: without it, fewest links are the only way to a site."""
    switches = {switch.name: switch for switch in fleet.switches}
    links = [link for link in fleet.links if switches[link.a].site != switches[link.b].site]
    alone = {link.name: _bridges([other for other in links if other is not link]) for link in links}
    joined = _joined(links)
    kept = [link for link in links if _joined([other for other in links if other is not link]) == joined]
    return min(kept, key=lambda link: (alone[link.name], link.name), default=None)


def _bridges(links: Sequence[Link]) -> int:
    """Return how many links are the only way between two parts of the backbone (parallel ones are one)."""
    return sum(1 for _ in nx.bridges(_graph(links)))


def _joined(links: Sequence[Link]) -> int:
    """Return the size of a spanning forest: it shrinks when a link is lost that nothing else replaces."""
    graph = _graph(links)
    return len(graph) - int(nx.number_connected_components(graph))


def _graph(links: Sequence[Link]) -> nx.Graph:
    graph = nx.Graph()
    graph.add_edges_from((link.a, link.b) for link in links)
    return graph


def _gates(fleet: Fleet) -> GateSet:
    lost = "traffic_loss" if fleet.traffic else "error_rate"
    rules = (
        Gate(id="lost", metric=lost, pass_="<= +5 % of reference, floor 0.1 %"),
        Gate(id="links", metric="link_overloads", estimator="invariant", pass_="none new"),
        Gate(id="reachable", metric="unreachable", estimator="invariant", pass_="none new"),
    )
    return GateSet(
        gates_name="backbone",
        suite=SUITE,
        rules=rules,
        description="No new overload and no lost traffic, under the loss of any link.",
    )


def _links() -> Suite:
    lost = HazardSpec(kind="single-losses", params={"kind": ["link"]})
    return Suite(
        suite=SUITE,
        description="A calm day, and every single loss of a link.",
        scenarios=(Scenario(scenario="calm"), Scenario(scenario="lose-link", hazards=(lost,))),
    )
