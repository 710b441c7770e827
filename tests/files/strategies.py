"""Random fleets that pass every check, with values and gaps wherever a record allows them."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta, timezone

from hypothesis import strategies as st

from twin.model.fleet import Fleet, Region, Site
from twin.model.network import Link, Switch, Traffic
from twin.model.power import CoolingPlant, PowerUnit, Rack
from twin.model.series import Note, Series
from twin.model.servers import Reservation, ServerGroup, ServerType
from twin.model.services import Demand, Deployment, Service, Slo, Storage

text = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp"]), max_size=12
) | st.sampled_from(
    ["", "~", "~~", "a;b=c", "[1]", '{"a": 1}', "no", "12:30", "1e5", " x ", 'q"uote', "a,b", "null", "'"]
)
word = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,6}", fullmatch=True)
times = st.datetimes(
    datetime(2000, 1, 1),
    datetime(2100, 1, 1),
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=30)), timezone(timedelta(hours=-8))]),
)


def real(low: float, high: float) -> st.SearchStrategy[float]:
    """Return floats, round ones and any."""
    return st.integers(int(low) + 1, int(high)).map(float) | st.floats(low, high, exclude_min=True)


def maybe(**fields):
    """Return a mapping with any subset of the fields."""
    return st.fixed_dictionaries({}, optional=fields)


def share(high: float = 1.0) -> st.SearchStrategy[float]:
    return st.floats(1e-6, high) | st.sampled_from([0.25, 0.5, 0.2])


failure = {"mtbf_s": st.none() | real(0, 1e9), "mttr_s": real(0, 1e6)}


@st.composite
def fleets(draw: st.DrawFn) -> Fleet:
    """Draw a fleet of one to three sites, each with a short power chain, racks and servers."""
    sites = draw(
        st.lists(word, min_size=1, max_size=2, unique=True).map(lambda names: [f"s-{n}" for n in names])
    )
    count = draw(st.integers(1, 6))
    rows: dict[str, list] = {kind: [] for kind in ("units", "plants", "racks", "switches", "links", "groups")}
    types, owners = (
        draw(st.lists(server_types, min_size=1, max_size=3, unique_by=lambda t: t.name)),
        ("own-a", "own-b"),
    )
    for site in sites:
        draw_site(draw, site, count, rows, types)
    name = draw(st.sampled_from(["ratio", "co2"]))
    reservations = tuple(
        Reservation(
            name=o, **draw(maybe(guaranteed_rru=real(0, 1e9), survives=st.lists(text, max_size=3).map(tuple)))
        )
        for o in owners
    )
    services = tuple(draw(service(f"svc-{n}", n)) for n in range(draw(st.integers(0, 3))))
    regions = (
        Region(
            name="reg",
            **draw(
                maybe(
                    carbon_g_per_kwh=real(0, 900),
                    price_usd_per_mwh=real(-200, 3000),
                    latitude=st.floats(-90, 90),
                    carbon_series=st.just(name),
                )
            ),
        ),
    )
    head = draw(
        maybe(
            as_of=times,
            description=text,
            provenance=st.lists(notes, max_size=2).map(tuple),
            convergence_s=st.none() | real(0, 600),
        )
    )
    return Fleet(
        fleet="f",
        **head,
        regions=regions,
        sites=tuple(Site(name=s, region="reg", **draw(maybe(outdoor_c=st.floats(-90, 70)))) for s in sites),
        power_units=tuple(rows["units"]),
        cooling_plants=tuple(rows["plants"]),
        racks=tuple(rows["racks"]),
        switches=tuple(rows["switches"]),
        links=tuple(rows["links"]),
        server_types=tuple(types),
        reservations=reservations,
        server_groups=tuple(rows["groups"]),
        storage=tuple(
            Storage(
                name="store",
                racks=tuple(r.name for r in rows["racks"]),
                quorum=1,
                **draw(maybe(bytes_stored=real(0, 1e15))),
            )
            for _ in range(draw(st.integers(0, 1)))
        ),
        services=services,
        deployments=tuple(
            Deployment(service=s.name, site=site, replicas=3, **draw(maybe(weight=real(0, 1e6))))
            for s in services
            for site in sites
        ),
        demand=tuple(
            Demand(
                service=s.name,
                region="reg",
                rate_per_s=draw(real(0, 1e9)),
                **draw(maybe(profile=st.just(name), growth_per_year=st.floats(-1, 900))),
            )
            for s in services
        ),
        traffic=tuple(
            Traffic(
                source=a,
                target=b,
                rate_bps=draw(real(0, 1e15)),
                **draw(
                    maybe(tier=st.integers(0, 9), profile=st.just(name), growth_per_year=st.floats(-1, 900))
                ),
            )
            for a, b in itertools.permutations(sites, 2)
        ),
        series=(draw(series(name)),),
    )


def draw_site(draw, site: str, count: int, rows: dict[str, list], types: list[ServerType]) -> None:
    """Add the power chain, the racks and the servers of one site."""

    def unit(name: str, kind: str, **fields):
        optional = draw(
            maybe(
                emergency_va=st.none() | real(0, 1e9),
                continuous=share(),
                loss_fixed=st.floats(0, 1),
                loss_linear=share(),
                feed_mode=st.sampled_from(["shared", "standby"]),
                **failure,
            )
        )
        rows["units"].append(
            PowerUnit(name=name, kind=kind, site=site, rated_va=draw(real(0, 1e9)), **optional, **fields)
        )

    unit(f"{site}-util", "utility")
    pattern = draw(st.sampled_from(["{site}-p{n:02d}", "{site}-p{n}", "{n:03d}.{site}", "{site}_{n}_p"]))
    for n in range(count):
        unit(pattern.format(site=site, n=n), "pdu", fed_by=(f"{site}-util",))
    rows["plants"].append(
        CoolingPlant(
            name=f"{site}-crah",
            site=site,
            fed_by=(f"{site}-util",),
            rated_heat_w=draw(real(0, 1e9)),
            **draw(maybe(cop_slope_per_k=st.floats(0, 1), cop_ref=st.floats(1, 60))),
        )
    )
    rows["switches"].append(
        Switch(
            name=f"{site}-tor",
            site=site,
            tier="tor",
            capacity_bps=draw(real(0, 1e15)),
            **draw(maybe(power_w=real(0, 1e6))),
        )
    )
    rows["switches"].append(
        Switch(name=f"{site}-edge", site=site, tier="border", capacity_bps=draw(real(0, 1e15)))
    )
    rows["links"].append(
        Link(
            name=f"{site}-up",
            a=f"{site}-tor",
            b=f"{site}-edge",
            capacity_bps=draw(real(0, 1e15)),
            **draw(
                maybe(
                    latency_s=real(0, 10),
                    srlg=st.lists(word, max_size=2).map(tuple),
                    buffer_s=st.none() | real(0, 10),
                )
            ),
        )
    )
    for n in range(count):
        feeds = tuple({pattern.format(site=site, n=k): 0 for k in (n, (n + draw(st.integers(0, 2))) % count)})
        optional = draw(
            maybe(
                budget_w=st.none() | real(0, 1e6),
                shares=st.just((1 / len(feeds),) * len(feeds)),
                switches=st.sampled_from([(), (f"{site}-tor",)]),
                space_u=st.just(120),
                **failure,
            )
        )
        rows["racks"].append(Rack(name=f"{site}-r{n:02d}", site=site, row="row", fed_by=feeds, **optional))
        kind = types[n % len(types)].name
        rows["groups"].append(
            ServerGroup(
                name=f"{site}-g{n}",
                rack=f"{site}-r{n:02d}",
                type=kind,
                owner="own-a" if n == 0 else "own-b",
                count=1,
            )
        )


watts = st.lists(real(0, 1e5), min_size=2, max_size=5).map(sorted)
power = watts.map(
    lambda w: {"curve": tuple(zip((0.0, 0.07, 0.5, 0.93)[: len(w) - 1], w, strict=False)) + ((1.0, w[-1]),)}
) | watts.map(lambda w: {"idle_w": w[0], "max_w": w[-1]})
server_types = st.builds(
    lambda name, by, rest: ServerType(name=name, cores=8, **by, **rest),
    word,
    power,
    maybe(
        memory_bytes=real(0, 1e13),
        gpu_kind=text,
        nic_bps=st.none() | real(0, 1e12),
        rru=real(0, 1e6),
        cost_usd=real(0, 1e7),
        power_factor=share(),
        height_u=st.integers(1, 2),
        lifetime_s=real(0, 1e9),
    ),
)
notes = st.builds(
    Note, of=text.filter(bool), is_=st.sampled_from(["measured", "declared", "assumed"]), source=text
)


def service(name: str, number: int) -> st.SearchStrategy[Service]:
    """Return services of which each may call those before it."""
    return st.builds(
        lambda time, rest: Service(name=name, tier=number, reservation="own-a", service_time_s=time, **rest),
        real(0, 86400),
        maybe(
            slo=st.builds(Slo, availability=st.floats(0, 0.9999), p99_s=real(0, 100)) | st.just(Slo()),
            callees=st.just({f"svc-{k}": 1.5 for k in range(number)}),
            locality=st.sampled_from(["any", "region"]),
            max_wait_s=real(0, 60),
            retry_budget=share(),
            request_bytes=real(0, 1e9),
        ),
    )


def series(name: str) -> st.SearchStrategy[Series]:
    return st.builds(
        lambda values, step, rest: Series(name=name, values=tuple(values), step_s=step, **rest),
        st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=5),
        real(0, 1e6),
        maybe(start=times, repeat=st.booleans(), source=text),
    )
