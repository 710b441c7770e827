"""Cooling as arrays: plants, zones, and the circuits that join them.

A *circuit* is a set of plants that share the heat of a set of racks: first one per site (its chillers that no zone names,
and all racks that no other circuit cools), then one per set of chillers, or of air handlers and pumps, that zones name.
Shapes: P plants, Z zones, R racks, C circuits, S sites.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from twin.graph.levels import Bools, Floats, Ints, floats, ints
from twin.model.cooling import CoolingPlant, CoolingZone
from twin.model.fleet import Fleet

Index = dict[str, dict[str, int]]


@dataclass(frozen=True)
class CoolingArrays:
    """`plant_circuit` is the circuit that a plant works for, `rack_zone` -1 for a rack of no zone; `rack_carry` and
    `zone_carry` are the circuits of carriers, -1 where air or coolant moves by itself; `columns` hold a value per plant.
    """

    plants: tuple[CoolingPlant, ...]
    zones: tuple[CoolingZone, ...]
    plant_circuit: Ints
    plant_site: Ints
    chills: Bools
    columns: dict[str, Floats]
    tower: Bools
    economizer: Bools
    curve: tuple[str, ...]
    circuit_site: Ints
    has_plant: Bools
    rack_zone: Ints
    rack_circuit: Ints
    rack_carry: Ints
    zone_circuit: Ints
    zone_carry: Ints

    @property
    def circuits(self) -> int:
        """How many circuits there are."""
        return len(self.circuit_site)


COLUMNS = (
    "rated_heat_w",
    "cop_ref",
    "cop_slope_per_k",
    "cop_min",
    "cop_supply_per_k",
    "t_ref_c",
    "chilled_c",
    "approach_k",
    "range_k",
    "cycles",
    "derate_per_k",
    "fixed_w",
    "fan_w",
    "least_flow",
)


def compile_cooling(fleet: Fleet, index: Index) -> CoolingArrays:
    """Compile plants, zones and circuits. Cost: one pass over plants, zones and racks."""
    sites, plants, zones = index["sites"], fleet.cooling_plants, fleet.cooling_zones
    circuit_of, circuit_site = _circuits(fleet, index)
    zone_at = {(zone.site, zone.name): i for i, zone in enumerate(zones)}
    rack_zone = ints(zone_at.get((rack.site, rack.row), -1) for rack in fleet.racks)
    zone_circuit = ints(
        circuit_of[zone.cooled_by[0]] if zone.cooled_by else sites[zone.site] for zone in zones
    )
    zone_carry = ints(circuit_of[zone.carried_by[0]] if zone.carried_by else -1 for zone in zones)
    rack_site = ints(sites[rack.site] for rack in fleet.racks)
    columns = {name: floats(getattr(plant, name) for plant in plants) for name in COLUMNS}
    columns["derate_from_c"] = floats(
        np.inf if plant.derate_from_c is None else plant.derate_from_c for plant in plants
    )
    chills = np.array([plant.kind == "chiller" for plant in plants], dtype=bool)
    plant_circuit = ints(circuit_of.get(plant.name, sites[plant.site]) for plant in plants)
    return CoolingArrays(
        plants=plants,
        zones=zones,
        plant_circuit=plant_circuit,
        plant_site=ints(sites[plant.site] for plant in plants),
        chills=chills,
        columns=columns,
        tower=np.array([plant.heat_rejection == "tower" for plant in plants], dtype=bool),
        economizer=np.array([plant.economizer for plant in plants], dtype=bool),
        curve=tuple(plant.chiller for plant in plants),
        circuit_site=circuit_site,
        has_plant=np.bincount(plant_circuit, minlength=len(circuit_site)) > 0,
        rack_zone=rack_zone,
        rack_circuit=np.where(rack_zone >= 0, np.append(zone_circuit, 0)[rack_zone], rack_site),
        rack_carry=np.where(rack_zone >= 0, np.append(zone_carry, -1)[rack_zone], -1),
        zone_circuit=zone_circuit,
        zone_carry=zone_carry,
    )


def _circuits(fleet: Fleet, index: Index) -> tuple[dict[str, int], Ints]:
    """The circuit of each plant that a zone names, and the site of each circuit."""
    circuit_of: dict[str, int] = {}
    sites = list(range(len(index["sites"])))
    for zone in fleet.cooling_zones:
        for names in (zone.cooled_by, zone.carried_by):
            if names and names[0] not in circuit_of:
                circuit_of.update(dict.fromkeys(names, len(sites)))
                sites.append(index["sites"][zone.site])
    return circuit_of, ints(sites)
