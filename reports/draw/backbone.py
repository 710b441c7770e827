"""The backbone: sites where they are (or on a circle), joined by what their links can carry."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import networkx as nx
from matplotlib.axes import Axes

from reports.draw.labels import Placer, Point
from reports.draw.layered import INK, LINE, SOFT, ink_on
from reports.draw.paint import Paint
from reports.draw.picture import Panel
from twin.model.fleet import Fleet
from twin.records import text

_BOX, _BRIEF = (1.5, 0.62), (0.9, 0.26)  # inches that a site takes
_ROUNDS = 80
_BENDS = (0.0, 0.45, -0.45, 0.8, -0.8, 1.2, -1.2, 1.8, -1.8, 2.6, -2.6)  # inches aside, best first
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
    brief = len(fleet.sites) > _NAMED
    places, size = _places(fleet, spans, _BRIEF if brief else _BOX)

    def draw(axes: Axes) -> None:
        axes.set_xlim(0, size[0])
        axes.set_ylim(0, size[1])
        axes.set_axis_off()
        placer = Placer()
        for place in places.values():
            placer.take(place, _BRIEF if brief else _BOX)
        curves = {span: _curve(places[span.a], places[span.b], placer) for span in spans}
        for span, curve in curves.items():
            _draw_span(axes, span, curve, paint, placer=None if brief else placer)
        for name, place in places.items():
            _draw_site(axes, name, place, paint, brief=brief)

    return Panel("", size, draw)


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


def _places(fleet: Fleet, spans: list[Span], box: Point) -> tuple[dict[str, Point], Point]:
    """Return each site's place in inches (by coordinates if all are known, else by who is joined), and the size."""
    regions = {region.name: region for region in fleet.regions}
    known: dict[str, Point] = {}
    for site in fleet.sites:
        place = site if site.latitude is not None else regions[site.region]
        if place.latitude is not None and place.longitude is not None:
            known[site.name] = (place.longitude, place.latitude)
    if len(set(known.values())) < len(fleet.sites):
        known = _by_links(fleet, spans)
    area = 7.0 * len(known) * box[0] * box[1]
    size = (max(9.0, math.sqrt(area * 1.8)), max(4.5, math.sqrt(area / 1.8)))
    inner = (size[0] - box[0] - 0.2, size[1] - box[1] - 0.2)
    places = _scaled(known, inner)
    for _ in range(_ROUNDS):
        _push_apart(places, (box[0] * 1.7, box[1] * 1.8))
        places = _scaled(places, inner)
    corner = (box[0] / 2 + 0.1, box[1] / 2 + 0.1)
    return {name: (x + corner[0], y + corner[1]) for name, (x, y) in places.items()}, size


def _by_links(fleet: Fleet, spans: list[Span]) -> dict[str, Point]:
    graph = nx.Graph()
    graph.add_nodes_from(site.name for site in fleet.sites)
    graph.add_edges_from((span.a, span.b) for span in spans)
    found = nx.kamada_kawai_layout(graph) if nx.is_connected(graph) else nx.circular_layout(graph)
    return {name: (float(x), float(y)) for name, (x, y) in found.items()}


def _scaled(places: dict[str, Point], size: Point) -> dict[str, Point]:
    xs, ys = zip(*places.values(), strict=True)
    wide, tall = max(xs) - min(xs) or 1.0, max(ys) - min(ys) or 1.0
    return {
        name: ((x - min(xs)) / wide * size[0], (y - min(ys)) / tall * size[1])
        for name, (x, y) in places.items()
    }


def _push_apart(places: dict[str, Point], least: Point) -> None:
    """Push sites that would cover each other apart, along the axis where that takes less."""
    names = list(places)
    for number, one in enumerate(names):
        for other in names[number + 1 :]:
            (x1, y1), (x2, y2) = places[one], places[other]
            short_x, short_y = least[0] - abs(x2 - x1), least[1] - abs(y2 - y1)
            if short_x <= 0 or short_y <= 0:
                continue
            if short_x / least[0] < short_y / least[1]:
                push = math.copysign(short_x / 2, x2 - x1)
                places[one], places[other] = (x1 - push, y1), (x2 + push, y2)
            else:
                push = math.copysign(short_y / 2, y2 - y1)
                places[one], places[other] = (x1, y1 - push), (x2, y2 + push)


Curve = Callable[[float], Point]


def _curve(start: Point, end: Point, placer: Placer) -> Curve:
    """Return a line between two sites that is as straight as the sites between them allow."""
    (x1, y1), (x2, y2) = start, end
    far = math.hypot(x2 - x1, y2 - y1) or 1.0
    across = (-(y2 - y1) / far, (x2 - x1) / far)
    curves = []
    for bend in _BENDS:
        bent = ((x1 + x2) / 2 + 2 * bend * across[0], (y1 + y2) / 2 + 2 * bend * across[1])
        curves.append(_quadratic(start, bent, end))
    return next((curve for curve in curves if _is_clear(curve, placer)), curves[0])


def _quadratic(start: Point, bent: Point, end: Point) -> Curve:
    def at(share: float) -> Point:
        rest = 1 - share
        weights = (rest**2, 2 * rest * share, share**2)
        corners = (start, bent, end)
        x, y = (sum(w * corner[axis] for w, corner in zip(weights, corners, strict=True)) for axis in (0, 1))
        return x, y

    return at


def _is_clear(curve: Curve, placer: Placer) -> bool:
    """Return whether a line leaves its first site, enters its last, and no other between."""
    inside = [not placer.clear(curve(step / 60)) for step in range(61)]
    return sum(was != now for was, now in pairwise(inside)) <= 2


def _draw_span(axes: Axes, span: Span, curve: Curve, paint: Paint, *, placer: Placer | None) -> None:
    colour = paint.colour(span.links) if paint.values else LINE
    width = 3.0 if placer else 1.5
    xs, ys = zip(*(curve(step / 40) for step in range(41)), strict=True)
    # A pale line would vanish on paper: it gets a darker one beneath.
    axes.plot(xs, ys, color=LINE, lw=width + 1.2, zorder=1, solid_capstyle="round")
    axes.plot(xs, ys, color=colour, lw=width, zorder=1, solid_capstyle="round")
    if placer is not None:
        number = f"{len(span.links)} × " if len(span.links) > 1 else ""
        words = f"{number}{text.quantity(span.capacity_bps / 1e9 / len(span.links), 'Gbit/s')}"
        worst = paint.worst(span.links)
        load = f"\n{100 * worst:.0f} %" if paint.scale == "load" and worst is not None else ""
        place = placer.place(curve, (0.075 * len(words), 0.3 if load else 0.16))
        looks: dict[str, Any] = {"size": 7, "color": SOFT, "ha": "center", "va": "center", "zorder": 2}
        axes.text(*place, words + load, bbox={"fc": "white", "ec": "none", "pad": 1.0}, **looks)


def _draw_site(axes: Axes, name: str, place: tuple[float, float], paint: Paint, *, brief: bool) -> None:
    fill = paint.colour([name])
    words = paint.words.get(name, "").replace(", ", "\n")
    patch = {"boxstyle": "round,pad=0.45", "fc": fill, "ec": INK, "lw": 0.9}
    label = name if brief or not words else f"{name}\n{words}"
    size = 7.5 if not brief else 6
    axes.text(*place, label, size=size, color=ink_on(fill), ha="center", va="center", bbox=patch, zorder=3)
