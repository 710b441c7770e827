"""The fleet: every noun of the estate in one frozen record."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from fnmatch import fnmatchcase
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import Field

from twin.model.base import Name, Record
from twin.model.cooling import CoolingPlant, CoolingZone
from twin.model.network import Link, Switch, Traffic
from twin.model.power import PowerUnit, Rack
from twin.model.protection import CappingPolicy, SheddingPolicy, TripCurve
from twin.model.series import Note, Series
from twin.model.servers import Reservation, ServerGroup, ServerType
from twin.model.services import Demand, Deployment, Service, Storage
from twin.model.units import Celsius, DollarsPerMwh, GramsPerKwh, PositiveSeconds, Share


class Region(Record):
    """A grid zone and the users near it. Carbon and price are a constant or the name of a series."""

    name: Name
    carbon_g_per_kwh: Annotated[GramsPerKwh | None, Field(alias="carbon")] = None
    carbon_series: Name | None = None
    price_usd_per_mwh: Annotated[DollarsPerMwh | None, Field(alias="price")] = None
    price_series: Name | None = None
    latitude: Annotated[float | None, Field(ge=-90, le=90)] = None
    longitude: Annotated[float | None, Field(ge=-180, le=180)] = None


class Site(Record):
    """A datacenter. Outdoor temperature and relative humidity are constants or the names of series.

    Cooling towers need the humidity, for the wet bulb. Warmer air keeps its moisture: what raises the temperature (a heat
    wave) lowers the relative humidity, and the wet bulb rises by less than the dry one.
    """

    name: Name
    region: Name
    outdoor_c: Annotated[Celsius, Field(alias="outdoor")] = 20.0
    outdoor_series: Name | None = None
    humidity: Annotated[Share | None, Field(description="relative humidity outdoors")] = None
    humidity_series: Name | None = None
    latitude: Annotated[float | None, Field(ge=-90, le=90)] = None
    longitude: Annotated[float | None, Field(ge=-180, le=180)] = None


# File key (= attribute) of each table of a fleet -> record, in reading order.
KINDS: dict[str, type[Record]] = {
    "regions": Region,
    "sites": Site,
    "trip_curves": TripCurve,
    "capping_policies": CappingPolicy,
    "shedding_policies": SheddingPolicy,
    "cooling_zones": CoolingZone,
    "power_units": PowerUnit,
    "cooling_plants": CoolingPlant,
    "racks": Rack,
    "switches": Switch,
    "links": Link,
    "server_types": ServerType,
    "reservations": Reservation,
    "server_groups": ServerGroup,
    "storage": Storage,
    "services": Service,
    "deployments": Deployment,
    "demand": Demand,
    "traffic": Traffic,
    "series": Series,
}
# Kinds whose rows are nodes of the dependency graph and so share one name space.
THINGS = (
    "regions",
    "sites",
    "power_units",
    "cooling_plants",
    "racks",
    "switches",
    "links",
    "server_groups",
    "storage",
    "services",
)
SINGULAR = {
    "regions": "region",
    "sites": "site",
    "trip_curves": "trip curve",
    "capping_policies": "capping policy",
    "shedding_policies": "shedding policy",
    "cooling_zones": "cooling zone",
    "power_units": "unit",
    "cooling_plants": "plant",
    "racks": "rack",
    "switches": "switch",
    "links": "link",
    "server_types": "type",
    "reservations": "reservation",
    "server_groups": "group",
    "storage": "storage",
    "services": "service",
    "deployments": "deployment",
    "demand": "demand",
    "traffic": "traffic",
    "series": "series",
}


class Fleet(Record):
    """A fleet as of one instant. Frozen: a plan never changes it, it is played against it.

    `convergence` is how long routers need to learn that a backbone link or a border switch died or came back; without it
    they know at once. Detection by BFD takes 0.3 s, an interior gateway protocol 0.2-1 s more; BGP with its default timers
    5 s (inside a network) to 30 s per hop, minutes in the worst case. `fail_static` is how long a border switch whose
    control plane is lost forwards as before until its routes are withdrawn; without it, for ever. The default restart time
    of BGP's graceful restart is 2 min with many makers (recalled).
    """

    fleet: Name
    schema_: Annotated[Literal[1], Field(alias="schema")] = 1
    as_of: datetime | None = None
    description: str = ""
    convergence_s: Annotated[PositiveSeconds | None, Field(alias="convergence")] = None
    fail_static_s: Annotated[PositiveSeconds | None, Field(alias="fail_static")] = None
    provenance: tuple[Note, ...] = ()
    regions: tuple[Region, ...] = ()
    sites: tuple[Site, ...] = ()
    trip_curves: tuple[TripCurve, ...] = ()
    capping_policies: tuple[CappingPolicy, ...] = ()
    shedding_policies: tuple[SheddingPolicy, ...] = ()
    cooling_zones: tuple[CoolingZone, ...] = ()
    power_units: tuple[PowerUnit, ...] = ()
    cooling_plants: tuple[CoolingPlant, ...] = ()
    racks: tuple[Rack, ...] = ()
    switches: tuple[Switch, ...] = ()
    links: tuple[Link, ...] = ()
    server_types: tuple[ServerType, ...] = ()
    reservations: tuple[Reservation, ...] = ()
    server_groups: tuple[ServerGroup, ...] = ()
    storage: tuple[Storage, ...] = ()
    services: tuple[Service, ...] = ()
    deployments: tuple[Deployment, ...] = ()
    demand: tuple[Demand, ...] = ()
    traffic: tuple[Traffic, ...] = ()
    series: tuple[Series, ...] = ()

    @property
    def name(self) -> str:
        """The fleet's name (its `fleet:` key)."""
        return self.fleet

    def rows(self, kind: str) -> tuple[Any, ...]:
        """Return the rows of one table ("racks")."""
        return getattr(self, kind)

    @cached_property
    def things(self) -> dict[str, tuple[str, Any]]:
        """Every named thing of the dependency graph: name -> (kind, row). Cost: one pass over the fleet."""
        return {row.name: (kind, row) for kind in THINGS for row in self.rows(kind)}

    def find(self, reference: str) -> tuple[str, Any]:
        """Return (kind, row) of a reference, "ams1-b03" or "rack:ams1-b03"; raise KeyError when there is none."""
        prefix, _, name = reference.rpartition(":")
        kind, row = self.things[name]
        if prefix and prefix not in (kind, SINGULAR[kind]):
            raise KeyError(reference)
        return kind, row

    def site_of(self, name: str) -> str | None:
        """Return the site of a thing, or None when it belongs to several (a backbone link, a service)."""
        kind, row = self.things[name]
        if kind == "sites":
            return str(row.name)
        if kind == "server_groups":
            return str(self.things[row.rack][1].site)
        return getattr(row, "site", None)

    def provenance_of(self, kind: str, row: Record, field: str) -> str:
        """Return measured, declared or assumed for one value."""
        path = f"{kind}.{getattr(row, 'name', '*')}.{field}"
        alias = type(row).model_fields[field].alias or field
        for note in reversed(self.provenance):
            if fnmatchcase(path, note.of) or fnmatchcase(
                f"{kind}.{getattr(row, 'name', '*')}.{alias}", note.of
            ):
                return note.is_
        return "declared" if field in row.model_fields_set else "assumed"

    def tables(self) -> Iterator[tuple[str, tuple[Any, ...]]]:
        """Yield (kind, rows) in reading order."""
        return ((kind, self.rows(kind)) for kind in KINDS)
