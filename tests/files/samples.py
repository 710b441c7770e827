"""Small real documents, one of each kind, that the tests of this folder read, break and write."""

FLEET = """\
fleet: three-racks
schema: 1
as_of: 2026-11-20T00:00:00Z
provenance:
- {of: power_units.*.rated, is: measured, source: nameplates}
regions:
- {name: eu-west, carbon_series: co2, price: 85 USD/MWh, latitude: 52.3}
sites:
- {name: ams1, region: eu-west, outdoor: 11.5 °C}
power_units:
- {name: util, kind: utility, site: ams1, rated: 2.5 MVA}
- {name: gen, kind: generator, site: ams1, rated: 2 MVA, mtbf: 1 y}
- {name: ats, kind: ats, site: ams1, rated: 2500 kVA, fed_by: [util, gen], feed_mode: standby}
- {name: 'ups-[a-b]', kind: ups, site: ams1, rated: 1 MVA, emergency: 1.2 MVA, fed_by: [ats], loss_fixed: 2 %}
- {name: 'pdu-[01-03]a', kind: pdu, site: ams1, rated: 100 kVA, fed_by: [ups-a]}
- {name: 'pdu-[01-03]b', kind: pdu, site: ams1, rated: 100 kVA, fed_by: [ups-b]}
cooling_plants:
- {name: crah, site: ams1, fed_by: [ats], rated_heat: 300 kW, cop_slope: 2 %/K}
racks:
- name: r[01-03]
  site: ams1
  row: row-a
  fed_by: ['pdu-[01-03]a', 'pdu-[01-03]b']
  shares: [60 %, 40 %]
  switches: [tor1]
  budget: 12 kW
switches:
- {name: tor1, site: ams1, tier: tor, capacity: 3.2 Tbit/s, fed_by: [pdu-01a, pdu-01b], power: 300 W}
- {name: border1, site: ams1, tier: border, capacity: 12.8 Tbit/s}
links:
- {name: up, a: tor1, b: border1, capacity: 400 Gbit/s, latency: 5 us, srlg: [tray-7]}
server_types:
- {name: web-type, cores: 64, memory: 256 GiB, nic: 25 Gbit/s,
   curve: [[0 %, 90 W], [50 %, 210 W], [100 %, 330 W]]}
- {name: gpu-type, cores: 96, gpus: 8, gpu_kind: "H[100]; \\"x\\"", idle: 900 W,
   max: 6.5 kW, height_u: 8, cost: 250 kUSD}
reservations:
- {name: team-web, guaranteed_rru: 40, survives: ["rack:any", "a;b=c"]}
server_groups:
- {name: 'web-[01-03]', rack: 'r[01-03]', type: web-type, owner: team-web, count: 16}
- {name: gpu-1, rack: r01, type: gpu-type, owner: team-web, count: 1}
storage:
- {name: users, racks: ['r[01-03]'], quorum: 2, size: 40 TB}
services:
- {name: web, tier: 0, reservation: team-web, service_time: 20 ms, callees: {db: 1.5},
   slo: {availability: 99.95 %, p99: 300 ms}}
- {name: db, tier: 1, reservation: team-web, service_time: 4 ms, storage: users}
deployments:
- {service: web, site: ams1, replicas: 20}
- {service: db, site: ams1, replicas: 6, weight: 0.5}
demand:
- {service: web, region: eu-west, rate: 1.5 k/s, profile: daily, growth: 20 %}
series:
- {name: daily, step: 6 h, values: [0.4, 0.9, 1.3, 1.0]}
- {name: co2, step: 1 h, values: [310.5, 290], start: 2026-01-01T00:00:00Z,
   repeat: false, source: "entsoe; 2026"}
"""

PLAN = """\
plan: row-a-maintenance
schema: 1
author: {agent: capacity-milp, version: 1.4.0, on_behalf_of: capacity-team}
window: {not_before: 2026-11-21T01:00Z, not_after: 2026-11-21T05:00Z}
scope: {touch: ["r[01-03]", "service:web"], max_racks: 3}
steps:
- {id: drain, do: rack.drain@1, at: 0 min, params: {racks: "r[01-02]", batch: 2}, takes: 20 min ± 5 min}
- {id: back, do: rack.undrain@1, after: [drain], wait: 90 min, params: {racks: "r[01-02]"}, may_fail: 1 %}
success: [{metric: latency_p99_ms, where: {service: web}, limit: "<= +10 % of reference, floor 1 ms"}]
rollback_when: [{metric: error_rate, where: {tier: 0}, limit: "> +5 % of control, floor 0.01 %", for: 2 min}]
claims: [{metric: peak_kw, limit: "<= 9640"}]
"""

GATES = """\
gates: prod-maintenance
schema: 1
suite: n-1-and-peak
replications: {first: 10, max: 640}
rules:
- {id: slo, metric: slo_violation, where: {tier: 0}, estimator: probability, pass: "<= 2 %", fail: "> 5 %"}
- {id: breakers, metric: breaker_trips, estimator: invariant, pass: none new, level: block}
- {id: energy, metric: energy_kwh, pass: "<= +0.5 % of reference, floor 1 kWh", level: warn}
waivers: [{gate: energy, until: 2026-12-31, reason: CHG-1234, by: capacity-lead}]
"""

SUITE = """\
suite: n-1-and-peak
schema: 1
scenarios:
- scenario: calm
- scenario: heat
  hazards: [{heat-wave: {site: ams1, peak: 43 °C}}, {kind: lose, params: {unit: ups-a}}]
"""

DOCUMENTS = {"fleet": FLEET, "plan": PLAN, "gates": GATES, "suite": SUITE}
