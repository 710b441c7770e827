"""How much may demand grow before something is over its limit - and what is it?"""

from scenarios import hazards
from scenarios.fleets.example import example_fleet
from twin import simulate
from twin.model.scenario import Scenario

fleet = example_fleet()
for growth in (0, 20, 40, 60, 80, 100):
    hazard = (hazards.Growth(by=growth / 100).spec(),) if growth else ()
    run = simulate(fleet, scenario=Scenario(scenario="growth", hazards=hazard), days=1, narrate=False)
    over = {
        "power": run.violators("overloads"),
        "SLO": run.violators("slo_violations"),
        "network": run.violators("link_overloads"),
    }
    told = ", ".join(f"{kind}: {', '.join(names[:3])}" for kind, names in over.items() if names)
    print(f"+{growth:3d} %  peak {run.measure('peak_kw'):5.0f} kW  {told or 'all within limits'}")
