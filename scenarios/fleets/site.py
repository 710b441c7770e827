"""One site by rule: power 2N with N+1 UPS modules, cooling N+1, a fabric, racks and servers.

Per block of rows two paths, numbered 1 and 2 (3 and 4 in the second block): transfer switch (utility first,
then the generator), main switchboard, UPS modules, output board; per row a panel on each path. Every device
is the smallest standard size that carries the block's design load alone, at `LOADED`, so that one path may be
lost.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from scenarios.fleets import parts
from scenarios.fleets.parts import TYPES, standard_size
from twin.model.cooling import CoolingPlant, CoolingZone
from twin.model.network import Link, Switch
from twin.model.power import PowerUnit, Rack
from twin.model.servers import ServerGroup

LOADED = 0.9
DESIGN_USE = 0.75  # design load over the sum of full loads: nobody runs everything at 100 % at once
MODULES = 2  # N of the N+1 UPS modules of a path
ROWS_PER_BLOCK = 10
COP_HOT = 3.0
POWER_FACTOR = 0.97


@dataclass(frozen=True)
class RowSpec:
    """A row of equal racks: the last `single` of them are single-corded, on path a and b in turn.

    `missing` servers are not there in the last rack.
    """

    name: str
    racks: int
    type: str
    per_rack: int
    owner: str
    single: int = 0
    missing: int = 0

    @property
    def full_w(self) -> float:
        """Power of the row's servers at full load, were no rack less than full."""
        return self.racks * self.per_rack * TYPES[self.type].curve[-1][1]


@dataclass(frozen=True)
class SiteSpec:
    """A site to build; `module_va` overrides the size of the UPS modules."""

    name: str
    rows: Sequence[RowSpec]
    module_va: float | None = None
    uplink_bps: float = 200e9


@dataclass
class Built:
    """The rows of a fleet's tables, site after site."""

    power_units: list[PowerUnit] = field(default_factory=list)
    cooling_plants: list[CoolingPlant] = field(default_factory=list)
    cooling_zones: list[CoolingZone] = field(default_factory=list)
    racks: list[Rack] = field(default_factory=list)
    switches: list[Switch] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    server_groups: list[ServerGroup] = field(default_factory=list)


def build_site(spec: SiteSpec, built: Built) -> None:
    """Add a site to *built*."""
    count = -(-len(spec.rows) // ROWS_PER_BLOCK)
    blocks = [
        spec.rows[first::count] for first in range(count)
    ]  # dealt in turn, so that they are about equal
    cooling_va = _cooling_va(spec, count)
    total_va = sum(_board_va(block, cooling_va) for block in blocks)
    utility_va = standard_size(total_va / LOADED)
    built.power_units.append(
        PowerUnit(
            name=f"{spec.name}-grid", kind="utility", site=spec.name, rated_va=utility_va, **parts.UTILITY
        )
    )
    for number, block in enumerate(blocks):
        for side in (1, 2):
            built.power_units += _path(spec, 2 * number + side, block, cooling_va)
        for row in block:
            _add_row(spec, row, (2 * number + 1, 2 * number + 2), built)
    built.cooling_plants += _cooling(spec, len(blocks))
    _add_fabric(spec, built)


def _path(spec: SiteSpec, path: int, block: Sequence[RowSpec], cooling_va: float) -> Iterator[PowerUnit]:
    site = spec.name
    board_va, it_va = standard_size(_board_va(block, cooling_va) / LOADED), _it_va(block)
    module_va = spec.module_va or standard_size(it_va / MODULES / LOADED)
    yield PowerUnit(
        name=f"{site}-gen-{path}", kind="generator", site=site, rated_va=board_va, **parts.GENERATOR
    )
    yield PowerUnit(
        name=f"{site}-ats-{path}",
        kind="ats",
        site=site,
        rated_va=board_va,
        fed_by=(f"{site}-grid", f"{site}-gen-{path}"),
        feed_mode="standby",
        **parts.ATS,
    )
    yield PowerUnit(
        name=f"{site}-msb-{path}",
        kind="switchboard",
        site=site,
        rated_va=board_va,
        fed_by=(f"{site}-ats-{path}",),
        **parts.BOARD,
    )
    modules = tuple(f"{site}-ups-{path}{letter}" for letter in "abcdefgh"[: MODULES + 1])
    for name in modules:
        yield PowerUnit(
            name=name,
            kind="ups",
            site=site,
            rated_va=module_va,
            fed_by=(f"{site}-msb-{path}",),
            battery_j=module_va * parts.BATTERY_S,
            **parts.UPS_LOSS,
            **parts.UPS,
        )
    yield PowerUnit(
        name=f"{site}-out-{path}",
        kind="switchboard",
        site=site,
        rated_va=standard_size(it_va / LOADED),
        fed_by=modules,
        **parts.BOARD,
    )


def _add_row(spec: SiteSpec, row: RowSpec, paths: tuple[int, int], built: Built) -> None:
    site = spec.name
    panels = (f"{row.name}-panel-a", f"{row.name}-panel-b")
    rated_va = standard_size(row.full_w * DESIGN_USE / POWER_FACTOR / LOADED)
    built.power_units += [
        PowerUnit(
            name=panel,
            kind="panel",
            site=site,
            rated_va=rated_va,
            fed_by=(f"{site}-out-{path}",),
            **parts.PANEL_LOSS,
            **parts.PANEL,
        )
        for panel, path in zip(panels, paths, strict=True)
    ]
    zone = {key: value * row.racks for key, value in parts.ZONE_PER_RACK.items()}
    built.cooling_zones.append(
        CoolingZone(name=row.name, site=site, store_j=round(row.full_w * DESIGN_USE * parts.STORE_S), **zone)
    )
    tors = (f"{row.name}-tor-1", f"{row.name}-tor-2")
    built.switches += [
        Switch(
            name=tor, site=site, tier="tor", capacity_bps=6.4e12, fed_by=panels, power_w=300.0, **parts.TOR
        )
        for tor in tors
    ]
    for number in range(1, row.racks + 1):
        rack = f"{row.name}{'-' if row.name[-1].isdigit() else ''}{number:02d}"
        single = number > row.racks - row.single
        built.racks.append(
            Rack(
                name=rack,
                site=site,
                row=row.name,
                fed_by=panels[number % 2 :][:1] if single else panels,
                switches=tors,
            )
        )
        count = row.per_rack - (row.missing if number == row.racks else 0)
        group = ServerGroup(name=f"{rack}-{row.type}", rack=rack, type=row.type, owner=row.owner, count=count)
        built.server_groups.append(group)


def _cooling(spec: SiteSpec, blocks: int) -> Iterator[CoolingPlant]:
    """N+1 plants, N = 2 per block; they take the main switchboards in turn, the other one as standby."""
    needed = 2 * blocks
    heat_w = standard_size(sum(row.full_w for row in spec.rows) * DESIGN_USE / needed / LOADED)
    for index in range(needed + 1):
        block, swapped = index // 2 % blocks, index % 2
        boards = [f"{spec.name}-msb-{2 * block + 1}", f"{spec.name}-msb-{2 * block + 2}"]
        yield CoolingPlant(
            name=f"{spec.name}-chiller-{index + 1}",
            site=spec.name,
            rated_heat_w=heat_w,
            fed_by=tuple(boards[::-1] if swapped else boards),
            fixed_w=round(0.02 * heat_w),
            **parts.CHILLER,
        )


def _add_fabric(spec: SiteSpec, built: Built) -> None:
    site = spec.name
    feeds = (f"{site}-out-1", f"{site}-out-2")
    fabrics = [f"{site}-fabric-{number}" for number in range(1, 5)]
    borders = [f"{site}-border-{number}" for number in (1, 2)]
    for tier, names, capacity_bps in (("fabric", fabrics, 25.6e12), ("border", borders, 25.6e12)):
        built.switches += [
            Switch(
                name=name,
                site=site,
                tier=tier,
                capacity_bps=capacity_bps,
                fed_by=feeds,
                power_w=800.0,
                **parts.FABRIC,
            )
            for name in names
        ]
    built.links += [
        Link(
            name=f"{row.name}-tor-{tor}-up-{plane}",
            a=f"{row.name}-tor-{tor}",
            b=fabrics[2 * (tor - 1) + plane - 1],
            capacity_bps=spec.uplink_bps,
            latency_s=1e-6,
            **parts.OPTICS,
        )
        for row in spec.rows
        for tor in (1, 2)
        for plane in (1, 2)
    ]
    built.links += [
        Link(
            name=f"{fabric}-up-{number}",
            a=fabric,
            b=border,
            capacity_bps=10 * spec.uplink_bps,
            latency_s=1e-6,
            **parts.OPTICS,
        )
        for fabric in fabrics
        for number, border in enumerate(borders, 1)
    ]


def _it_va(block: Sequence[RowSpec]) -> float:
    return sum(row.full_w for row in block) * DESIGN_USE / POWER_FACTOR


def _board_va(block: Sequence[RowSpec], cooling_va: float) -> float:
    """Design load of a main switchboard: the UPS with its losses, and the chillers that the block feeds."""
    return _it_va(block) * 1.05 + cooling_va


def _cooling_va(spec: SiteSpec, blocks: int) -> float:
    """Design load of the chillers of one block on a hot day: three of the first block, two of the others."""
    heat_w = sum(row.full_w for row in spec.rows) * DESIGN_USE
    return heat_w / COP_HOT / 0.9 * 3 / (2 * blocks + 1)


def backbone(
    ends: Sequence[tuple[str, str]], places: dict[str, tuple[float, float]], *, capacity_bps: float
) -> list[Link]:
    """Return backbone links; the links of a site end at its two border switches in turn."""
    used: dict[str, int] = {}
    links = []
    for one, other in ends:
        borders = []
        for site in (one, other):
            borders.append(f"{site}-border-{used.get(site, 0) % 2 + 1}")
            used[site] = used.get(site, 0) + 1
        links.append(
            Link(
                name=f"{one}-{other}",
                a=borders[0],
                b=borders[1],
                capacity_bps=capacity_bps,
                latency_s=parts.fibre_s(places[one], places[other]),
                srlg=(f"cable-{one}-{other}",),
                **parts.FIBRE,
            )
        )
    return links
