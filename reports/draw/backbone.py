"""The backbone: sites where they are (or on a circle), joined by what their links can carry."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass

import networkx as nx
from matplotlib.axes import Axes

from reports.draw.layered import INK, SOFT, ink_on
from reports.draw.paint import Paint
from reports.draw.picture import Panel
from twin.model.fleet import Fleet
from twin.records import text

_WIDTH, _TALLEST, _SHORTEST = 11.0, 8.0, 4.0  # inches
_NAMED = 40  # more sites than this are drawn without words on the lines


@dataclass(frozen=True)
class Span:
    """All links between two sites."""

    a: str
    b: str
    links: tuple[str, ...]
    capacity_bps: float


def backbone(fleet: Fleet, paint: Paint) -> Panel:
    """Return the panel of the backbone."""
    spans = _spans(fleet)
    places = _places(fleet, spans)
    height = _height(places)

    def draw(axes: Axes) -> None:
        axes.set_xlim(-0.1, 1.1)
        axes.set_ylim(-0.12, 1.12)
        axes.set_axis_off()
        for span in spans:
            _draw_span(axes, span, places, paint, brief=len(places) > _NAMED)
        for name, place in places.items():
            _draw_site(axes, name, place, paint, brief=len(places) > _NAMED)

    return Panel("", (_WIDTH, height), draw)


def _spans(fleet: Fleet) -> list[Span]:
    site = {switch.name: switch.site for switch in fleet.switches}
    between: dict[tuple[str, str], list[tuple[str, float]]] = defaultdict(list)
    for link in fleet.links:
        a, b = sorted((site[link.a], site[link.b]))
        if a != b:
            between[a, b].append((link.name, link.capacity_bps))
    return [
        Span(a, b, tuple(name for name, _ in rows), sum(bps for _, bps in rows))
        for (a, b), rows in between.items()
    ]


def _places(fleet: Fleet, spans: list[Span]) -> dict[str, tuple[float, float]]:
    """Return each site's place in the unit square: by coordinates if all are known, else by who is joined."""
    regions = {region.name: region for region in fleet.regions}
    known = {}
    for site in fleet.sites:
        place = site if site.latitude is not None else regions[site.region]
        if place.latitude is not None and place.longitude is not None:
            known[site.name] = (place.longitude, place.latitude)
    names = [site.name for site in fleet.sites]
    if len(set(known.values())) == len(names):
        return _apart(_scaled(known))
    graph = nx.Graph()
    graph.add_nodes_from(names)
    graph.add_edges_from((span.a, span.b) for span in spans)
    found = nx.kamada_kawai_layout(graph) if nx.is_connected(graph) else nx.circular_layout(graph)
    return _scaled({name: (float(x), float(y)) for name, (x, y) in found.items()})


def _scaled(places: dict[str, tuple[float, float]]) -> dict[str, tuple[float, float]]:
    xs, ys = zip(*places.values(), strict=True)
    wide, tall = max(xs) - min(xs) or 1.0, max(ys) - min(ys) or 1.0
    return {name: ((x - min(xs)) / wide, (y - min(ys)) / tall) for name, (x, y) in places.items()}


def _apart(places: dict[str, tuple[float, float]]) -> dict[str, tuple[float, float]]:
    """Push sites that would cover each other apart; neighbours on the map stay neighbours."""
    least = min(0.16, 0.75 / math.sqrt(len(places)))
    at = {name: list(place) for name, place in places.items()}
    names = list(at)
    for _ in range(60):
        for number, one in enumerate(names):
            for other in names[number + 1 :]:
                dx, dy = at[other][0] - at[one][0], at[other][1] - at[one][1]
                far = math.hypot(dx, dy)
                if far < least:
                    push = 0.5 * (least - far) / (far or 1.0)
                    dx, dy = (dx, dy) if far else (0.0, 1.0)
                    at[one][0], at[one][1] = at[one][0] - push * dx, at[one][1] - push * dy
                    at[other][0], at[other][1] = at[other][0] + push * dx, at[other][1] + push * dy
    return _scaled({name: (x, y) for name, (x, y) in at.items()})


def _height(places: dict[str, tuple[float, float]]) -> float:
    return min(_TALLEST, max(_SHORTEST, 1.3 * math.sqrt(len(places)) + 1.2))


def _draw_span(
    axes: Axes, span: Span, places: dict[str, tuple[float, float]], paint: Paint, *, brief: bool
) -> None:
    (x1, y1), (x2, y2) = places[span.a], places[span.b]
    colour = paint.colour(span.links) if paint.values else "#9aa4af"
    # A pale line would vanish on paper: it gets a darker one beneath.
    axes.plot(
        [x1, x2], [y1, y2], color="#9aa4af", lw=4.2 if not brief else 2.2, zorder=1, solid_capstyle="round"
    )
    axes.plot([x1, x2], [y1, y2], color=colour, lw=3 if not brief else 1.5, zorder=1, solid_capstyle="round")
    if not brief:
        number = f"{len(span.links)} × " if len(span.links) > 1 else ""
        carried = text.quantity(span.capacity_bps / 1e9 / len(span.links), "Gbit/s")
        worst = paint.worst(span.links)
        load = f"\n{100 * worst:.0f} %" if paint.scale == "load" and worst is not None else ""
        patch = {"fc": "white", "ec": "none", "pad": 1.0, "alpha": 0.85}
        middle = ((x1 + x2) / 2, (y1 + y2) / 2)
        axes.text(
            *middle, f"{number}{carried}{load}", size=7, color=SOFT, ha="center", va="center", bbox=patch
        )


def _draw_site(axes: Axes, name: str, place: tuple[float, float], paint: Paint, *, brief: bool) -> None:
    fill = paint.colour([name])
    words = paint.words.get(name, "").replace(", ", "\n")
    patch = {"boxstyle": "round,pad=0.45", "fc": fill, "ec": INK, "lw": 0.9}
    label = name if brief or not words else f"{name}\n{words}"
    size = 7.5 if not brief else 6
    axes.text(*place, label, size=size, color=ink_on(fill), ha="center", va="center", bbox=patch, zorder=3)
