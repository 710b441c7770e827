"""May we take a switchboard out of service? Also in a heat wave?"""

from pathlib import Path

from scenarios import hazards, suite
from twin import check, read_fleet, read_gates, read_plan

folder = Path(__file__).parent / "three-racks"
fleet = read_fleet(folder / "fleet.yaml")
plan = read_plan(folder / "plans/row-b-maintenance.yaml")
worlds = suite("calm").plus(hazards.HeatWave(site="ams1", peak="43 °C"))

verdict = check(plan, fleet, gates=read_gates(folder / "gates/maintenance.yaml"), suite=worlds)
print(verdict.result, verdict.exit_code)
failed = verdict["breakers"]
print(failed.because)
failed.replay().plot("power_w", "ams1-msb-2").savefig("ams1-msb-2.svg")
