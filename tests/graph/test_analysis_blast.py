"""Blast radius and worst losses, against the hand-written fleet and against recursion over random ones."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twin.graph.analysis_blast import SiteImpact, Weakened, blast_radius, worst_losses
from twin.model.errors import UsageError
from twin.model.fleet import Fleet


def test_one_panel_takes_the_single_corded_rack_and_half_of_the_feeds(two_sites: Fleet) -> None:
    radius = blast_radius(two_sites, "ams-panel-a")
    assert radius.down == {"racks": ("ams-r4",), "server_groups": ("ams-g4",), "services": ("shop", "db")}
    assert radius.servers == 10
    switches = ("ams-tor-1", "ams-tor-2", "ams-fabric-1", "ams-fabric-2", "ams-border")
    assert radius.weakened == (
        Weakened("cooling_plants", "power", ("ams-chiller",)),
        Weakened("racks", "power", ("ams-r1", "ams-r2", "ams-r3")),
        Weakened("switches", "power", switches),
    )


def test_services_lose_a_share_of_their_capacity(two_sites: Fleet) -> None:
    radius = blast_radius(two_sites, "ams-r1", "fra-r2")
    shop, news = radius.services
    assert (shop.service, shop.down, shop.share_lost) == ("shop", False, pytest.approx(1 / 3))
    assert shop.sites == (SiteImpact("ams", 30.0, 10.0), SiteImpact("fra", 30.0, 10.0))
    assert news.service == "news"


def test_a_utility_behind_a_generator_takes_nothing_down(two_sites: Fleet) -> None:
    radius = blast_radius(two_sites, "ams-utility")
    assert radius.down == {} and radius.services == ()
    assert radius.weakened == (Weakened("power_units", "power", ("ams-ats",)),)


def test_a_power_unit_takes_cooling_plants_down_too(two_sites: Fleet) -> None:
    radius = blast_radius(two_sites, "ams-ats")
    assert radius.down["cooling_plants"] == ("ams-chiller",)
    assert len(radius.down["racks"]) == 4 and radius.servers == 40
    assert radius.down["links"][-1] == "ams-fra"
    services = [(row.service, row.down, row.share_lost) for row in radius.services]
    assert services == [("db", True, 1.0), ("shop", True, 0.5), ("news", False, 0.5)]


def test_a_site_takes_everything_there(two_sites: Fleet) -> None:
    radius = blast_radius(two_sites, "site:fra")
    assert radius.servers == 40 and "fra-ats" in radius.lost
    assert set(radius.down) == {"links", "server_groups"}
    assert {row.service: row.down for row in radius.services} == {"shop": False, "news": False}


def test_losing_a_server_group_is_its_own_blast_radius(two_sites: Fleet) -> None:
    radius = blast_radius(two_sites, "ams-g1")
    assert radius.down == {} and radius.servers == 10
    assert [row.service for row in radius.services] == ["shop", "news"]


def test_an_unknown_name_is_refused(two_sites: Fleet) -> None:
    with pytest.raises(UsageError, match="did you mean 'ams-ats'"):
        blast_radius(two_sites, "ams-at")


@settings(max_examples=60)
@given(data=st.data())
def test_down_is_the_difference_of_two_recursions(
    data: st.DataObject,
    random_fleets: st.SearchStrategy[Fleet],
    naive_up: Callable[[Fleet, set[str]], dict[str, bool]],
) -> None:
    fleet = data.draw(random_fleets)
    name = data.draw(st.sampled_from([name for name in fleet.things if name not in ("r", "s0", "s1")]))
    before, after = naive_up(fleet, set()), naive_up(fleet, {name})
    expected = {thing for thing in before if before[thing] and not after[thing] and thing != name}
    radius = blast_radius(fleet, name)
    assert {thing for names in radius.down.values() for thing in names} == expected
    weak = {thing for row in radius.weakened for thing in row.things}
    assert not weak & (expected | {name})


def test_worst_losses_rank_by_services_then_servers(two_sites: Fleet) -> None:
    losses = worst_losses(two_sites, [unit.name for unit in two_sites.power_units])
    assert [(loss.name, loss.racks, loss.servers, loss.services) for loss in losses[:2]] == [
        ("ams-ats", 4, 40, losses[0].services),
        ("ams-ups-a", 1, 10, losses[1].services),
    ]
    assert set(losses[0].services) == {"shop", "db"}
    assert "ams-utility" not in [loss.name for loss in losses]


@settings(max_examples=60)
@given(data=st.data())
def test_worst_losses_agree_with_each_blast_radius(
    data: st.DataObject, random_fleets: st.SearchStrategy[Fleet]
) -> None:
    fleet = data.draw(random_fleets)
    names = [row.name for row in (*fleet.power_units, *fleet.switches, *fleet.racks)]
    for loss in worst_losses(fleet, names, most=len(names)):
        radius = blast_radius(fleet, loss.name)
        assert loss.servers == radius.servers
        assert set(loss.services) == set(radius.down.get("services", ()))
