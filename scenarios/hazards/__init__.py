"""Hazards: what can befall a fleet. Each is a record: `hazards.HeatWave(site="ams1", peak="43 °C")`."""

from __future__ import annotations

from scenarios.hazards.bad_config import BadConfig
from scenarios.hazards.base import Hazard
from scenarios.hazards.breaker_misset import BreakerMisset
from scenarios.hazards.capacity_loss import CapacityLoss
from scenarios.hazards.capping_fault import CappingFault
from scenarios.hazards.common_cause import CommonCause
from scenarios.hazards.control_plane_loss import ControlPlaneLoss
from scenarios.hazards.cooling_trip import CoolingTrip
from scenarios.hazards.demand_surge import DemandSurge
from scenarios.hazards.grid_outage import GridOutage
from scenarios.hazards.growth import Growth
from scenarios.hazards.heat_wave import HeatWave
from scenarios.hazards.independent_failures import IndependentFailures
from scenarios.hazards.link_flapping import LinkFlapping
from scenarios.hazards.loss import Loss
from scenarios.hazards.maintenance_calendar import MaintenanceCalendar
from scenarios.hazards.repair_crews import RepairCrews
from scenarios.hazards.replay_outages import ReplayOutages
from scenarios.hazards.shedding_fault import SheddingFault
from scenarios.hazards.single_losses import SingleLosses
from scenarios.hazards.standby_faults import StandbyFaults
from scenarios.hazards.utility_sag import UtilitySag

# The registry: to add a hazard, a file in this folder, a line here, a test.
HAZARDS: tuple[type[Hazard], ...] = (
    IndependentFailures,
    CommonCause,
    Loss,
    SingleLosses,
    GridOutage,
    DemandSurge,
    Growth,
    MaintenanceCalendar,
    BadConfig,
    ControlPlaneLoss,
    RepairCrews,
    ReplayOutages,
    HeatWave,
    CoolingTrip,
    LinkFlapping,
    CapacityLoss,
    BreakerMisset,
    CappingFault,
    SheddingFault,
    StandbyFaults,
    UtilitySag,
)
BY_KIND: dict[str, type[Hazard]] = {hazard.kind: hazard for hazard in HAZARDS}

__all__ = [
    "BY_KIND",
    "HAZARDS",
    "BadConfig",
    "BreakerMisset",
    "CapacityLoss",
    "CappingFault",
    "CommonCause",
    "ControlPlaneLoss",
    "CoolingTrip",
    "DemandSurge",
    "GridOutage",
    "Growth",
    "Hazard",
    "HeatWave",
    "IndependentFailures",
    "LinkFlapping",
    "Loss",
    "MaintenanceCalendar",
    "RepairCrews",
    "ReplayOutages",
    "SheddingFault",
    "SingleLosses",
    "StandbyFaults",
    "UtilitySag",
]
