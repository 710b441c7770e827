"""What would be evicted: by hand on two sites, and conserved on random fleets."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from twin.graph.analysis_evict import Eviction, what_would_be_evicted
from twin.model.fleet import Fleet


def changed(fleet: Fleet, **tables: Any) -> Fleet:
    """Return a fleet with other tables."""
    return Fleet(**{name: getattr(fleet, name) for name in Fleet.model_fields} | tables)


def test_the_lowest_tier_goes_first_and_moves_where_there_is_room(two_sites: Fleet) -> None:
    # 30 servers at each site; shop has 20 + 15 replicas, news 8 + 10: 5 places are left at fra.
    assert what_would_be_evicted(two_sites, "ams-r1") == (Eviction("news", 2, "ams", 8, 8, (("fra", 5),)),)
    assert what_would_be_evicted(two_sites, "ams-r1")[0].homeless == 3


def test_the_important_ones_choose_their_new_home_first(two_sites: Fleet) -> None:
    evictions = what_would_be_evicted(two_sites, "ams")
    assert evictions == (
        Eviction("shop", 0, "ams", 20, 20, (("fra", 5),)),
        Eviction("db", 0, "ams", 6, 6, (("fra", 6),)),
        Eviction("news", 2, "ams", 8, 8, ()),
    )


def test_a_service_bound_to_its_region_stays_in_it(two_sites: Fleet) -> None:
    services = tuple(row.model_copy(update={"locality": "region"}) for row in two_sites.services)
    regions = ({"name": "eu"}, {"name": "de"})
    sites = ({"name": "ams", "region": "eu"}, {"name": "fra", "region": "de"})
    fleet = changed(two_sites, services=services, regions=regions, sites=sites)
    assert [row.homeless for row in what_would_be_evicted(fleet, "ams-r1")] == [8]


def test_what_did_not_fit_before_is_not_evicted(two_sites: Fleet) -> None:
    deployments = tuple(
        row.model_copy(update={"replicas": 1000}) if (row.service, row.site) == ("news", "ams") else row
        for row in two_sites.deployments
    )
    evictions = what_would_be_evicted(changed(two_sites, deployments=deployments), "ams-r1")
    assert evictions == (Eviction("news", 2, "ams", 1000, 10, (("fra", 5),)),)


def test_nothing_is_evicted_by_a_lost_redundancy(two_sites: Fleet) -> None:
    assert what_would_be_evicted(two_sites, "ams-panel-b", "fra-utility") == ()


@settings(max_examples=60)
@given(data=st.data())
def test_moves_never_exceed_the_room_and_lower_tiers_go_first(
    data: st.DataObject, random_fleets: st.SearchStrategy[Fleet]
) -> None:
    fleet = data.draw(random_fleets)
    name = data.draw(st.sampled_from([name for name in fleet.things if name != "r"]))
    evictions = what_would_be_evicted(fleet, name)
    wanted = {(d.service, d.site): d.replicas for d in fleet.deployments}
    owned = {service.name: service.reservation for service in fleet.services}
    rack_site = {rack.name: rack.site for rack in fleet.racks}
    gone = {(row.service, row.site): row.evicted for row in evictions}
    for row in evictions:
        assert 0 < row.evicted <= row.replicas and row.homeless >= 0
        assert row.site not in [site for site, _ in row.moves]
        for other, place in (
            (o, (o.name, row.site)) for o in fleet.services if o.reservation == owned[row.service]
        ):
            if other.tier > row.tier and place in wanted:
                assert (
                    gone.get(place, 0) > 0
                    or wanted[place] == 0
                    or not _fitted(fleet, place, owned, rack_site)
                )
    for site in {site for row in evictions for site, _ in row.moves}:
        for reservation in set(owned.values()):
            servers = sum(
                g.count for g in fleet.server_groups if g.owner == reservation and rack_site[g.rack] == site
            )
            moves = [row.moves for row in evictions if owned[row.service] == reservation]
            arrived = sum(count for rows in moves for other, count in rows if other == site)
            assert arrived <= servers


def _fitted(fleet: Fleet, place: tuple[str, str], owned: dict[str, str], rack_site: dict[str, str]) -> bool:
    """Say whether any replica of a place fitted before the loss, after all more important ones."""
    servers = sum(
        g.count for g in fleet.server_groups if g.owner == owned[place[0]] and rack_site[g.rack] == place[1]
    )
    tier = next(s.tier for s in fleet.services if s.name == place[0])
    ahead = sum(
        d.replicas
        for d in fleet.deployments
        for s in fleet.services
        if s.name == d.service and d.site == place[1] and s.reservation == owned[place[0]] and s.tier < tier
    )
    return servers > ahead
