"""The power and heat of a fleet by plain recursion over its authored units: the reference of the rows of power.

What lives draws from what lives, standby from the first; a unit takes what it gives, (b + c) of that (the safe side of c) and its
no-load loss, and its rating is compared with that; live chillers share the heat by what they can remove.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from twin.model.fleet import Fleet
from twin.model.servers import ServerType

Draw = dict[str, tuple[float, float]]  # VA and W of each rack


def server_w(kind: ServerType, u: float) -> float:
    """Return the power of a server by its curve or its exponent, what is above idle with the excursions all make together."""
    if kind.curve:
        points = list(kind.curve)
        idle = points[0][1]
        for (low, at_low), (high, at_high) in zip(points, points[1:], strict=False):
            if low <= u <= high:
                mean = at_low + (u - low) / (high - low) * (at_high - at_low)
                break
    else:
        assert kind.idle_w is not None and kind.max_w is not None
        idle = kind.idle_w
        mean = idle + (kind.max_w - idle) * (2 * u - u**kind.exponent)
    return idle + (mean - idle) * (1 + (kind.peak_factor - 1) * kind.peak_correlation)


def rack_draw(fleet: Fleet, busy: Mapping[str, float]) -> Draw:
    """Return what each rack draws when the servers of an owner are so busy."""
    kinds = {kind.name: kind for kind in fleet.server_types}
    draw = {rack.name: (0.0, 0.0) for rack in fleet.racks}
    for group in fleet.server_groups:
        watts = group.count * server_w(kinds[group.type], busy[group.owner])
        va, real = draw[group.rack]
        draw[group.rack] = (va + watts / kinds[group.type].power_factor, real + watts)
    for switch in fleet.switches:
        homes = [rack.name for rack in fleet.racks if switch.name in rack.switches and not switch.fed_by]
        for home in homes:
            va, real = draw[home]
            draw[home] = (va + switch.power_w / len(homes), real + switch.power_w / len(homes))
    return draw


class RollUp:
    """The state of a site's plant with some units gone."""

    def __init__(self, fleet: Fleet, site: str, draw: Draw, lost: Sequence[str] = ()) -> None:
        self.units = {unit.name: unit for unit in fleet.power_units if unit.site == site}
        self.lost = set(lost)
        self._known: dict[str, bool] = {}
        self.va = dict.fromkeys(self.units, 0.0)
        self.heat_w = 0.0
        self.dark: list[str] = []
        for unit in self.units.values():
            if self.lives(unit.name):
                self._take(unit.name, unit.loss_fixed * unit.rated_va)
        for rack in (rack for rack in fleet.racks if rack.site == site):
            va, watts = draw[rack.name]
            if self._draw(rack.fed_by, rack.shares or None, va):
                self.heat_w += watts
            else:
                self.dark.append(rack.name)
        for switch in (row for row in fleet.switches if row.site == site and row.fed_by):
            self._draw(switch.fed_by, None, switch.power_w)
        self._cool(fleet, site)

    def lives(self, name: str) -> bool:
        """Tell whether a unit lives."""
        if name not in self._known:
            unit = self.units[name]
            fed = not unit.fed_by or sum(map(self.lives, unit.fed_by)) >= unit.needs
            self._known[name] = fed and name not in self.lost
        return self._known[name]

    def _carry(self, name: str, va: float) -> None:
        unit = self.units[name]
        self._take(name, va * (1 + unit.loss_linear + unit.loss_square))

    def _take(self, name: str, va: float) -> None:
        unit = self.units[name]
        self.va[name] += va
        self._draw(unit.fed_by, unit.shares or None, va, standby=unit.feed_mode == "standby")

    def _draw(
        self, feeds: Sequence[str], shares: Sequence[float] | None, va: float, *, standby: bool = False
    ) -> bool:
        parts = shares or [1 / max(len(feeds), 1)] * len(feeds)
        live = [(feed, part) for feed, part in zip(feeds, parts, strict=True) if self.lives(feed)]
        if standby:
            live = [(feed, 1.0) for feed, _ in live[:1]]
        for feed, part in live:
            self._carry(feed, va * part / sum(part for _, part in live))
        return bool(live)

    def _cool(self, fleet: Fleet, site: str) -> None:
        outdoor = next(row.outdoor_c for row in fleet.sites if row.name == site)
        able = []
        for plant in (row for row in fleet.cooling_plants if row.site == site):
            standby = plant.feed_mode == "standby"
            if self._draw(
                plant.fed_by, None, (plant.fixed_w + plant.fan_w) / plant.power_factor, standby=standby
            ):
                warm = max(outdoor - plant.derate_from_c, 0.0) if plant.derate_from_c is not None else 0.0
                share = max(0.0, 1 - plant.derate_per_k * warm) * (plant.kind == "chiller")
                able.append((plant, plant.rated_heat_w * share))
        most = sum(heat for _, heat in able)
        self.room_w = most - self.heat_w
        for plant, heat in able:
            cop = plant.cop_ref * (1 - plant.cop_slope_per_k * (outdoor - plant.t_ref_c))
            part = self.heat_w * heat / most if heat else 0.0
            power = part / max(cop, plant.cop_min) / plant.power_factor
            self._draw(plant.fed_by, None, power, standby=plant.feed_mode == "standby")


def with_counts(fleet: Fleet, counts: Mapping[tuple[str, str, str], int]) -> Fleet:
    """Return the fleet with these servers of (rack, type, owner) instead of its own."""
    from twin.model.servers import ServerGroup

    groups = tuple(
        ServerGroup(name=f"g{i}", rack=rack, type=kind, owner=owner, count=count)
        for i, ((rack, kind, owner), count) in enumerate(counts.items())
    )
    return fleet.model_copy(update={"server_groups": groups})
