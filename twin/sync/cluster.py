"""From nodes, types and workload of one site to a fleet: what openb and the 2026 inventory have in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from twin.model.fleet import Fleet, Region, Site
from twin.model.series import Note
from twin.model.servers import ServerType
from twin.sync.account import Account
from twin.sync.layout import RACK_BUDGET_W, Floor, Node, lay_out, racks_and_groups
from twin.sync.options import Options
from twin.sync.plant import LOADED, Plant, build_plant
from twin.sync.surroundings import Surroundings
from twin.sync.workload import Workload

SITE = "dc1"
REGION = "home"


@dataclass(frozen=True)
class Estate:
    """The servers of an inventory: nodes and types, and the notes on which of their values the files hold."""

    name: str
    description: str
    nodes: Sequence[Node]
    types: dict[str, ServerType]
    notes: tuple[Note, ...]

    @property
    def owners(self) -> tuple[str, ...]:
        """The reservations that own servers, sorted."""
        return tuple(sorted({node.owner for node in self.nodes}))


def build_fleet(
    estate: Estate, workload: Workload, around: Surroundings, *, options: Options, account: Account
) -> tuple[Fleet, Floor]:
    """Return the fleet of a one-site inventory and its floor; the layout goes into the account as assumed."""
    floor = lay_out(SITE, estate.nodes, estate.types, options)
    plant = build_plant(floor)
    racks, groups = racks_and_groups(floor, plant.feeds)
    fleet = Fleet(
        fleet=estate.name,
        as_of=options.start,
        description=estate.description,
        provenance=(
            Note(of="*", is_="assumed", source="layout rule of the importer (twin/sync/README.md)"),
            *estate.notes,
            *around.notes,
        ),
        regions=(Region(name=REGION, **around.region),),
        sites=(Site(name=SITE, region=REGION, **around.site),),
        power_units=plant.units,
        cooling_plants=plant.plants,
        racks=tuple(racks),
        switches=plant.switches,
        links=plant.links,
        server_types=tuple(estate.types[name] for name in sorted(estate.types)),
        reservations=workload.reservations,
        server_groups=tuple(groups),
        services=workload.services,
        deployments=workload.deployments,
        demand=workload.demand,
        series=around.series,
    )
    _tell(fleet, floor, plant, account)
    return fleet, floor


def _tell(fleet: Fleet, floor: Floor, plant: Plant, account: Account) -> None:
    """Write the layout into the account."""
    account.assumed(
        len(floor.racks), "racks", f"one owner per rack, {RACK_BUDGET_W / 1e3:g} kW and 42 U each"
    )
    account.assumed(len(floor.rows), "rows", "racks in order")
    account.assumed(len(floor.blocks), "power blocks", "rows in order, 2N, each path carries its block alone")
    account.assumed(
        len(plant.units),
        "power units",
        f"smallest R10 size that is {LOADED:.0%} loaded at nameplate peak after the loss of the other path",
    )
    account.assumed(len(plant.plants), "cooling plants", "N+1 for the nameplate heat")
    account.assumed(len(plant.switches), "switches", "a top-of-rack switch per rack, 4 fabric, 2 border")
    account.assumed(len(plant.links), "links", "two 100 Gbit/s uplinks per rack, 400 Gbit/s above")
    account.assumed(
        len(fleet.server_types), "power curves", "chassis, threads, memory and GPUs by rule (hardware.py)"
    )
    account.assumed(
        len(fleet.services),
        "service times, SLOs and demands",
        "constants per quality of service (workload.py)",
    )
