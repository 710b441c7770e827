"""Which panel could we least afford to lose right now? Every single loss, settled one by one."""

from scenarios.fleets.example import example_fleet
from twin.sim.snapshot import Snapshots

snapshots = Snapshots(example_fleet())
now = snapshots.of()
rows = []
for unit, kind in zip(now.units, now.unit_kind, strict=True):
    if kind == "panel":
        after = snapshots.of([unit])
        load = after.peak_va / after.limit_va
        worst = int(load.argmax())
        rows.append((float(load[worst]), unit, after.units[worst], int((~after.rack_powered).sum())))

for load, unit, busiest, dark in sorted(rows, reverse=True)[:5]:
    print(f"without {unit:16} {busiest:16} is at {100 * load:5.1f} % of its limit, racks dark: {dark}")
