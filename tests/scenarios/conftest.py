"""A small fleet in two regions, with everything that can fail."""

import pytest

from twin.model.checks import check_fleet
from twin.model.fleet import Fleet

YEAR_S = 31557600.0


def small_fleet(racks: int = 4, mtbf_s: float = 30 * 86400.0) -> Fleet:
    """Return two sites with `racks` racks each and ten servers per rack."""
    ends = {"mtbf_s": mtbf_s, "mttr_s": 4 * 3600.0}
    sites = ("ams1", "iad1")
    feeds = [(site, side) for site in sites for side in "ab"]
    names = [(site, f"{site}-r{number:02d}") for site in sites for number in range(1, racks + 1)]
    fleet = Fleet.model_validate(
        {
            "fleet": "small",
            "regions": [{"name": "eu"}, {"name": "us"}],
            "sites": [{"name": "ams1", "region": "eu", "outdoor_c": 20.0}, {"name": "iad1", "region": "us"}],
            "power_units": [
                *(
                    {"name": f"{site}-grid", "kind": "utility", "site": site, "rated_va": 1e6}
                    for site in sites
                ),
                *(
                    {
                        "name": f"{site}-panel-{side}",
                        "kind": "panel",
                        "site": site,
                        "rated_va": 5e5,
                        "fed_by": [f"{site}-grid"],
                        **ends,
                    }
                    for site, side in feeds
                ),
            ],
            "racks": [
                {
                    "name": name,
                    "site": site,
                    "row": f"{site}-row1",
                    "switches": [f"{site}-tor"],
                    "fed_by": [f"{site}-panel-a", f"{site}-panel-b"],
                }
                for site, name in names
            ],
            "switches": [
                {"name": f"{site}-{tier}", "site": site, "tier": tier, "capacity_bps": 1e12}
                for site in sites
                for tier in ("tor", "border")
            ],
            "links": [
                *(
                    {"name": f"{site}-up", "a": f"{site}-tor", "b": f"{site}-border", "capacity_bps": 1e12}
                    for site in sites
                ),
                {
                    "name": "sea",
                    "a": "ams1-border",
                    "b": "iad1-border",
                    "capacity_bps": 1e12,
                    "srlg": ["cable"],
                },
            ],
            "server_types": [{"name": "web", "cores": 32, "idle_w": 100.0, "max_w": 300.0, **ends}],
            "reservations": [{"name": "all"}],
            "server_groups": [
                {"name": f"{name}-g", "rack": name, "type": "web", "owner": "all", "count": 10}
                for _, name in names
            ],
            "services": [{"name": "web", "tier": 0, "reservation": "all", "service_time_s": 0.01}],
            "deployments": [{"service": "web", "site": site, "replicas": 10} for site in sites],
            "demand": [
                {"service": "web", "region": region, "rate_per_s": 100.0, "profile": "day"}
                for region in ("eu", "us")
            ],
            "series": [
                {"name": "day", "step_s": 3600.0, "values": [1.0 + (hour == 14) for hour in range(24)]}
            ],
        }
    )
    assert not check_fleet(fleet)
    return fleet


@pytest.fixture(scope="session")
def fleet() -> Fleet:
    """Return the small fleet."""
    return small_fleet()
