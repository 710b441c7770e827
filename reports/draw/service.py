"""Services: who calls whom, where the replicas stand, and how busy they are."""

from __future__ import annotations

import math
from dataclasses import replace

import networkx as nx
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reports.draw.grouping import levels
from reports.draw.layered import INK, SOFT, Box, Edge
from reports.draw.paint import Paint
from reports.draw.picture import Panel, compose, layers, titled
from twin.model.errors import UsageError, did_you_mean
from twin.model.fleet import Fleet
from twin.records import text
from twin.records.snapshot import Snapshot

_ROW = 0.24  # inches
_TALL = 12  # boxes in a column of services that stand alone
_COLUMNS = (("site", 0.0), ("replicas", 1.9), ("requests/s", 3.1), ("busy", 4.2))


def draw_service(
    fleet: Fleet, paint: Paint, *, name: str | None = None, snapshot: Snapshot | None = None
) -> Figure:
    """Return the call graph, callers on the left: of one service with its sites, or of all services.

    With a snapshot, boxes carry the rate and the 99th percentile of that instant.
    """
    known = [service.name for service in fleet.services]
    if name is not None and name not in known:
        hint = did_you_mean(name, known) or f"it has: {', '.join(known[:8])}"
        raise UsageError(f"the fleet {fleet.name} has no service called '{name}' ({hint})")
    if not known:
        raise UsageError(f"the fleet {fleet.name} has no services")
    graph = nx.DiGraph()
    graph.add_nodes_from(known)
    graph.add_edges_from((service.name, callee) for service in fleet.services for callee in service.callees)
    boxes = {service: _box(fleet, service, paint, snapshot, strong=service == name) for service in known}
    if name is not None:
        graph = graph.subgraph({name, *nx.ancestors(graph, name), *nx.descendants(graph, name)})
        panels = [_calls(fleet, graph, boxes), _sites(fleet, name, snapshot)]
    else:
        alone = list(nx.isolates(graph))
        calling = graph.subgraph(set(graph) - set(alone))
        panels = [_calls(fleet, calling, boxes)] if calling else []
        panels += [_alone(alone, boxes)] if alone else []
    what = f"Service {name}" if name else f"Services of {fleet.name}"
    return compose(titled(what, paint), panels, paint=paint)


def _calls(fleet: Fleet, graph: nx.DiGraph, boxes: dict[str, Box]) -> Panel:
    depth = levels({service: tuple(graph.predecessors(service)) for service in graph})
    edges = [
        Edge(service.name, callee, note=f"×{text.figure(calls)}")
        for service in fleet.services
        for callee, calls in service.callees.items()
        if graph.has_edge(service.name, callee)
    ]
    chosen = [replace(box, level=depth[service]) for service, box in boxes.items() if service in depth]
    return layers("calls per request" if edges else "", chosen, edges)


def _alone(services: list[str], boxes: dict[str, Box]) -> Panel:
    """Return the services that call nobody and are called by nobody, in columns of equal length."""
    columns = math.ceil(len(services) / _TALL)
    tall = math.ceil(len(services) / columns)
    placed = [replace(boxes[service], level=number // tall) for number, service in enumerate(services)]
    return layers("on their own", placed, [])


def _box(fleet: Fleet, service: str, paint: Paint, snapshot: Snapshot | None, *, strong: bool) -> Box:
    title, note = _words(fleet, service, paint, snapshot)
    return Box(service, 0, title, note, paint.colour([service]), strong)


def _words(fleet: Fleet, service: str, paint: Paint, snapshot: Snapshot | None) -> tuple[str, str]:
    tier = next(row.tier for row in fleet.services if row.name == service)
    rows = [row for row in fleet.deployments if row.service == service]
    replicas, sites = sum(row.replicas for row in rows), len({row.site for row in rows})
    note = f"{text.count(sites, 'site')}, {replicas:,} replicas"
    if paint.scale == "blast":
        note = paint.words.get(service, note)
    elif snapshot is not None and service in snapshot.services:
        k = snapshot.services.index(service)
        rate, p99_s = float(snapshot.service_site_rate[k].sum()), float(snapshot.service_p99_s[k])
        note = (
            f"{replicas:,} rep., {text.figure(round(rate, 1))}/s, p99 {text.figure(round(1e3 * p99_s, 1))} ms"
        )
    return f"{service} (tier {tier})", note


def _sites(fleet: Fleet, service: str, snapshot: Snapshot | None) -> Panel:
    """Return a table of where the service stands."""
    rows = [row for row in fleet.deployments if row.service == service]
    height = _ROW * (len(rows) + 1) + 0.1

    def draw(axes: Axes) -> None:
        axes.set_xlim(0, 6.0)
        axes.set_ylim(height, 0)
        axes.set_axis_off()
        for title, x in _COLUMNS[: 4 if snapshot is not None else 2]:
            axes.text(x + 0.05, _ROW / 2, title, size=7.5, color=SOFT, va="center")
        for number, row in enumerate(rows, start=1):
            y = (number + 0.5) * _ROW
            cells = [row.site, f"{row.replicas:,}"]
            if snapshot is not None:
                k, s = snapshot.services.index(service), snapshot.sites.index(row.site)
                busy = float(np.nan_to_num(snapshot.service_site_utilisation[k, s]))
                cells += [
                    text.figure(round(float(snapshot.service_site_rate[k, s]), 1)),
                    f"{100 * busy:.0f} %",
                ]
                fill = Paint("", "load", {"x": busy}).colour(["x"])
                axes.barh(
                    y, 1.2 * min(busy, 1.1), height=_ROW * 0.62, left=4.75, color=fill, ec="#9aa4af", lw=0.5
                )
            for (_, x), cell in zip(_COLUMNS, cells, strict=False):
                axes.text(x + 0.05, y, cell, size=7.5, color=INK, va="center")

    return Panel(f"{service} by site", (6.0, height), draw)
