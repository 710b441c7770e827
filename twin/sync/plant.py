"""The layout rule, second part: power, cooling and fabric of a site, sized from its loads. All *assumed*.

Power is 2N. Per block two paths, a and b: transfer switch (utility first, a generator stands by),
switchboard, UPS; per row one panel on each path. Every device of a path is the smallest standard size
(Renard R10 series) that carries the whole nameplate load, on the sub-interval peak, at `LOADED` of its
rating when the other path is lost, so that in normal operation no path is above half of that. Cooling is
N+1 plants on the switchboards.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from twin.model.network import Link, Switch
from twin.model.power import CoolingPlant, PowerUnit
from twin.sync.layout import TOR_W, Floor, tor

LOADED = 0.8
R10 = (1.0, 1.25, 1.6, 2.0, 2.5, 3.15, 4.0, 5.0, 6.3, 8.0)
UPS_LOSS = (0.01, 0.015, 0.01)
PLANT_HEAT_W = 1_500_000.0
COP_HOT = 3.0  # of the cooling plants on a day of 35 °C
PLANT_POWER_FACTOR = 0.9
YEAR_S = 31557600.0
HOUR_S = 3600.0
FABRICS = 4
BORDERS = 2


@dataclass(frozen=True)
class Plant:
    """What feeds, cools and joins the racks of a site; `feeds` are the two panels of each row."""

    units: tuple[PowerUnit, ...]
    plants: tuple[CoolingPlant, ...]
    switches: tuple[Switch, ...]
    links: tuple[Link, ...]
    feeds: dict[str, tuple[str, str]]


def build_plant(floor: Floor) -> Plant:
    """Return the power chain, cooling and fabric of a floor."""
    plants = _cooling(floor)
    units, feeds = _power(floor, plants)
    switches, links = _fabric(floor)
    return Plant(tuple(units), tuple(plants), tuple(switches), tuple(links), feeds)


def standard_size(needed: float) -> float:
    """Return the smallest size of the R10 series that is at least *needed*."""
    decade = 10.0 ** math.floor(math.log10(needed))
    return next(decade * step for step in (*R10, 10.0) if decade * step >= needed * (1 - 1e-9))


def _power(floor: Floor, plants: list[CoolingPlant]) -> tuple[list[PowerUnit], dict[str, tuple[str, str]]]:
    site, units, total_va = floor.site, list[PowerUnit](), 0.0
    feeds: dict[str, tuple[str, str]] = {}
    for number, rows in enumerate(floor.blocks, start=1):
        row_va = {row: sum(rack.peak_va for rack in floor.in_row(row)) for row in rows}
        it_va = sum(row_va.values())
        cooling_va = sum(_plant_va(plant) for plant in plants if f"{site}-msb-{number}a" in plant.fed_by)
        board_va = it_va * (1 + sum(UPS_LOSS)) + cooling_va
        total_va += board_va
        for side in "ab":
            units += _path(
                site,
                f"{number}{side}",
                board_va=standard_size(board_va / LOADED),
                ups_va=standard_size(it_va / LOADED),
            )
            units += [
                PowerUnit(
                    name=f"{row}-panel-{side}",
                    kind="panel",
                    site=site,
                    fed_by=(f"{site}-ups-{number}{side}",),
                    rated_va=standard_size(row_va[row] / LOADED),
                )
                for row in rows
            ]
        feeds |= {row: (f"{row}-panel-a", f"{row}-panel-b") for row in rows}
    utility = PowerUnit(
        name=f"{site}-utility",
        kind="utility",
        site=site,
        rated_va=standard_size(total_va / LOADED),
        mtbf_s=YEAR_S / 1.4,
        mttr_s=4 * HOUR_S,
    )
    return [utility, *units], feeds


def _path(site: str, path: str, *, board_va: float, ups_va: float) -> list[PowerUnit]:
    """Return generator, transfer switch, switchboard and UPS of one path of a block."""
    a, b, c = UPS_LOSS
    return [
        PowerUnit(
            name=f"{site}-gen-{path}",
            kind="generator",
            site=site,
            rated_va=board_va,
            mtbf_s=1500 * HOUR_S,
            mttr_s=24 * HOUR_S,
        ),
        PowerUnit(
            name=f"{site}-ats-{path}",
            kind="ats",
            site=site,
            rated_va=board_va,
            fed_by=(f"{site}-utility", f"{site}-gen-{path}"),
            feed_mode="standby",
        ),
        PowerUnit(
            name=f"{site}-msb-{path}",
            kind="switchboard",
            site=site,
            rated_va=board_va,
            fed_by=(f"{site}-ats-{path}",),
            mtbf_s=200 * YEAR_S,
        ),
        PowerUnit(
            name=f"{site}-ups-{path}",
            kind="ups",
            site=site,
            rated_va=ups_va,
            fed_by=(f"{site}-msb-{path}",),
            loss_fixed=a,
            loss_linear=b,
            loss_square=c,
            mtbf_s=27_000 * HOUR_S,
            mttr_s=8 * HOUR_S,
        ),
    ]


def _cooling(floor: Floor) -> list[CoolingPlant]:
    """N+1 plants; each prefers path a or b of one block in turn."""
    heat_w = sum(rack.max_w for rack in floor.racks)
    needed = max(1, math.ceil(heat_w / PLANT_HEAT_W))
    rated_w = standard_size(heat_w / needed / LOADED)
    blocks = len(floor.blocks)
    plants = []
    for index in range(needed + 1):
        block = index % blocks + 1
        sides = "ab" if index // blocks % 2 == 0 else "ba"
        plants.append(
            CoolingPlant(
                name=f"{floor.site}-chiller-{index + 1}",
                site=floor.site,
                rated_heat_w=rated_w,
                fed_by=tuple(f"{floor.site}-msb-{block}{side}" for side in sides),
                fixed_w=0.01 * rated_w,
                power_factor=PLANT_POWER_FACTOR,
                mtbf_s=2 * YEAR_S,
            )
        )
    return plants


def _plant_va(plant: CoolingPlant) -> float:
    return (plant.rated_heat_w / COP_HOT + plant.fixed_w) / PLANT_POWER_FACTOR


def _fabric(floor: Floor) -> tuple[list[Switch], list[Link]]:
    """Top-of-rack switches with two uplinks into one of two pairs of fabric switches, and two borders."""
    site = floor.site
    feeds = (f"{site}-ups-1a", f"{site}-ups-1b")
    fabrics = [f"{site}-fabric-{number + 1}" for number in range(FABRICS)]
    borders = [f"{site}-border-{number + 1}" for number in range(BORDERS)]
    switches = [
        Switch(
            name=tor(rack.name), site=site, tier="tor", capacity_bps=3.2e12, power_w=TOR_W, mtbf_s=20 * YEAR_S
        )
        for rack in floor.racks
    ]
    switches += [
        Switch(
            name=name,
            site=site,
            tier="fabric",
            capacity_bps=25.6e12,
            fed_by=feeds,
            power_w=800.0,
            mtbf_s=10 * YEAR_S,
        )
        for name in fabrics
    ]
    switches += [
        Switch(
            name=name,
            site=site,
            tier="border",
            capacity_bps=12.8e12,
            fed_by=feeds,
            power_w=800.0,
            mtbf_s=10 * YEAR_S,
        )
        for name in borders
    ]
    links = []
    for index, rack in enumerate(floor.racks):
        for fabric in fabrics[index % 2 :: 2]:
            links.append(
                Link(
                    name=f"{tor(rack.name)}--{fabric}",
                    a=tor(rack.name),
                    b=fabric,
                    capacity_bps=100e9,
                    latency_s=2e-6,
                )
            )
    links += [
        Link(name=f"{fabric}--{border}", a=fabric, b=border, capacity_bps=400e9, latency_s=2e-6)
        for fabric in fabrics
        for border in borders
    ]
    return switches, links
