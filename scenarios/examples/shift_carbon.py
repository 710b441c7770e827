"""What does it cost, in latency and in carbon, to send part of the web traffic to the neighbouring site?"""

from datetime import UTC, datetime

from scenarios.fleets.example import example_fleet
from twin import simulate
from twin.model.plan import Plan

fleet = example_fleet()
start = datetime(2026, 11, 23, tzinfo=UTC)
today = simulate(fleet, start=start, days=1)

for share in ("20 %", "40 %"):
    plan = Plan.model_validate(
        {
            "plan": "shift-carbon",
            "window": {"not_before": start, "not_after": datetime(2026, 11, 24, tzinfo=UTC)},
            "scope": {"touch": ["service:web", "site:iad1", "site:cmh1"]},
            "steps": [
                {
                    "id": "shift",
                    "do": "traffic.shift@1",
                    "at": "0 min",
                    "params": {"service": "web", "from": "iad1", "to": "cmh1", "share": share},
                }
            ],
        },
        context={"document": True},
    )
    shifted = simulate(fleet, plan=plan, days=1)
    carbon = shifted.measure("carbon_kg") - today.measure("carbon_kg")
    latency = shifted.measure("latency_p99_ms", service="web") - today.measure(
        "latency_p99_ms", service="web"
    )
    busiest = shifted.measure("utilisation_max", service="web")
    print(
        f"{share}: {carbon:+.1f} kg CO2e per day, p99 {latency:+.1f} ms, busiest replicas at {100 * busiest:.0f} %"
    )
