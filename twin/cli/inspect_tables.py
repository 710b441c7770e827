"""The tables of `fleetwin inspect`, for a person who sees the fleet for the first time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from twin.graph.analysis_blast import BlastRadius, Loss
from twin.graph.analysis_evict import Eviction
from twin.graph.analysis_fit import Fit, Room
from twin.graph.analysis_single import CommonCause, SinglePoints
from twin.model.fleet import SINGULAR
from twin.model.names import compress, natural_key
from twin.records.headroom import Headroom

if TYPE_CHECKING:  # what these know is imported by the questions that need it
    from twin.graph.analysis_stranded import Stranded
    from twin.sim.coordination import Overlap

MOST = 25  # rows of a long table; --json has them all
NAMES = 6  # bracket names of one cell
NUMBERS = {
    "how many", "tier", "capacity lost", "racks", "servers", "points", "limit", "load now", "used", "worst",
    "replicas", "evicted", "homeless", "at nameplate", "as loaded now",
    "budget", "nameplate", "after a loss", "headroom", "usable", "stranded", "fragmented",
}  # fmt: skip
WORDS = {
    "power_units": "power units",
    "cooling_plants": "cooling plants",
    "server_groups": "server groups",
    "server_types": "server types",
}


def counts(fleet: str, found: Mapping[str, int], console: Console) -> None:
    """Say how large the fleet is."""
    shown = ("regions", "sites", "racks", "servers", "power_units", "switches", "links", "services")
    words = [f"{found.get(kind, 0):,} {_noun(kind, found.get(kind, 0))}" for kind in shown if found.get(kind)]
    console.print(f"[bold]{escape(fleet)}[/bold]: {', '.join(words)}")


def blast(radius: BlastRadius, name: str, console: Console) -> None:
    """Show what goes down, what loses redundancy and which services lose capacity."""
    console.print(f"[bold]If {escape(name)} is lost[/bold]")
    if not (radius.down or radius.weakened or radius.services):
        console.print("nothing else goes down and nothing loses redundancy")
        return
    table = _table("", "what", "how many", "which")
    for kind, names in radius.down.items():
        table.add_row("[red]goes down[/red]", _noun(kind), f"{len(names):,}", _names(names))
    if radius.servers:
        table.add_row("[red]goes down[/red]", "servers", f"{radius.servers:,}", "")
    for row in radius.weakened:
        table.add_row(
            "[yellow]loses redundancy[/yellow]",
            f"{row.requirement} of {_noun(row.kind)}",
            f"{len(row.things):,}",
            _names(row.things),
        )
    console.print(table)
    if radius.services:
        table = _table("service", "tier", "capacity lost", "at its sites")
        for impact in radius.services:
            sites = [f"{s.site} {s.lost_rru / s.rru:.0%}" for s in impact.sites if s.lost_rru]
            lost = "[red]down[/red]" if impact.down else f"{impact.share_lost:.1%}"
            table.add_row(escape(impact.service), str(impact.tier), lost, escape(", ".join(sites)))
        console.print(table)


def losses(rows: Sequence[Loss], console: Console) -> None:
    """Show the single losses of power units that take most down."""
    table = _table("power unit", "racks", "servers", "services")
    for row in rows:
        table.add_row(escape(row.name), f"{row.racks:,}", f"{row.servers:,}", _names(row.services) or "none")
    console.print("[bold]Power units whose loss takes most down[/bold]")
    _print(table, console, empty="no power unit takes a rack down alone")


def single_points(rows: Sequence[SinglePoints], console: Console) -> None:
    """Show what takes each service down alone."""
    table = _table("service", "tier", "points", "which")
    for row in rows:
        most = None if len(rows) == 1 else NAMES
        points = [(_noun(kind, len(names)), _names(names, most=most)) for kind, names in row.points.items()]
        # What a service calls it cannot do without, directly or through others.
        lines = [
            f"called {noun}: {names}" if "service" in noun else f"{noun}: {names}" for noun, names in points
        ]
        which = "\n".join(lines) or "[green]none[/green]"
        if row.down:
            which = "[red]down even without a loss[/red]"
        table.add_row(escape(row.service), str(row.tier), str(row.count), which)
    console.print("[bold]Single points of failure[/bold]")
    _print(table, console, empty="no services")


def causes(rows: Sequence[CommonCause], console: Console, *, most: int = MOST) -> None:
    """Show redundancy that one loss upstream takes away."""
    table = _table("redundant", "of", "fails with any one of")
    for row in rows[:most]:
        things = f"{len(row.things):,} {_noun(row.kind, len(row.things))}: {_names(row.things)}"
        table.add_row(row.requirement, things, _names(row.causes, in_order=True))
    console.print("[bold]Redundancy that meets upstream[/bold]")
    _print(table, console, empty="no redundant feeds, uplinks, copies share a cause", left=len(rows) - most)


def headroom(rows: Sequence[Headroom], console: Console, *, after_loss: bool, most: int = MOST) -> None:
    """Show the tightest units and links."""
    columns = ("unit or link", "kind", "site", "limit", "load now", "used")
    table = _table(*columns, *(("worst", "after the loss of") if after_loss else ()))
    for row in rows[:most]:
        sizes = _size(row.limit, row.unit), _size(row.load, row.unit), _used(row.share)
        worst = (_used(row.worst_share), escape(row.loss) or "nothing") if after_loss else ()
        table.add_row(escape(row.name), row.kind, escape(row.site), *sizes, *worst)
    when = (
        "after the worst single loss" if after_loss else "as they are (--headroom: after every single loss)"
    )
    console.print(f"[bold]Tightest units (peak) and links[/bold] {when}")
    _print(table, console, empty="no units and no links", left=len(rows) - most)


def fit(nameplate: Fit, real: Fit, at: datetime, console: Console) -> None:
    """Show how many more servers fit per site and row, at nameplate and as the racks are loaded."""
    table = _table("where", "at nameplate", "as loaded now", "what stops more (as loaded)")
    for kind in ("sites", "rows"):
        both: Iterable[tuple[Room, Room]] = zip(getattr(nameplate, kind), getattr(real, kind), strict=True)
        for plain, loaded in both:
            table.add_row(escape(plain.name), f"{plain.servers:,}", f"{loaded.servers:,}", _limits(loaded))
        table.add_section()
    console.print(f"[bold]How many more servers of type {escape(nameplate.type)} fit[/bold]")
    _print(table, console, empty="no sites")
    console.print(
        f"[dim]As loaded now: as of {at:%Y-%m-%d %H:%M} UTC. {escape(nameplate.assumed)}."
        " Each line stands alone; single racks are in --json.[/dim]"
    )


def evictions(rows: Sequence[Eviction], name: str, console: Console) -> None:
    """Show which replicas lose their place and where they could go."""
    table = _table("service", "tier", "site", "replicas", "evicted", "could go to", "homeless")
    for row in rows:
        moves = ", ".join(f"{site} ({count:,})" for site, count in row.moves) or "nowhere"
        homeless = f"[red]{row.homeless:,}[/red]" if row.homeless else "0"
        sizes = f"{row.replicas:,}", f"{row.evicted:,}"
        table.add_row(escape(row.service), str(row.tier), escape(row.site), *sizes, escape(moves), homeless)
    console.print(f"[bold]Replicas that no longer fit if {escape(name)} is lost[/bold]")
    _print(table, console, empty="every replica still fits")


def stranded(found: Stranded, at: datetime, console: Console) -> None:
    """Show budget, load and nameplate of each power domain, what more of it can be used, and why not all."""
    columns = (
        "budget",
        "load now",
        "nameplate",
        "after a loss",
        "headroom",
        "usable",
        "stranded",
        "fragmented",
    )
    table = _table("power domain", *columns, "stranded by")
    for row in found.domains[:MOST]:
        sizes = (_size(va, "VA") for va in (row.headroom_va, row.usable_va, row.stranded_va))
        table.add_row(
            escape(row.name),
            _size(row.budget_va, "VA"),
            _size(row.load_va, "VA"),
            _used(row.oversubscription),
            _used(row.oversubscription_after_loss),
            *sizes,
            "-" if row.fragmentation is None else f"{row.fragmentation:.0%}",
            escape(
                "\n".join(
                    f"{why} {_size(va, 'VA')}" for why, va in row.reasons[:3] if va > 0.005 * row.headroom_va
                )
            ),
        )
    console.print("[bold]Stranded power[/bold]: headroom that no more servers can use")
    _print(table, console, empty="no power domains", left=len(found.domains) - MOST)
    console.print(
        f"[dim]As loaded at {at:%Y-%m-%d %H:%M} UTC with peaks; nameplate: of what hangs below, over the budget, whole and"
        f" after the worst single loss; fragmented: 1 - largest usable block behind one feed / usable. Assumed:"
        f" {escape(found.assumed)}.[/dim]"
    )


def coordination(found: Sequence[Overlap], console: Console) -> None:
    """Say which breakers may open before the ones below them have."""
    console.print("[bold]Breakers that are not selective[/bold]")
    for row in found[:MOST]:
        console.print(escape(str(row)))
    if not found:
        console.print("no breaker may open before the ones below it")
    if len(found) > MOST:
        console.print(f"[dim]… and {len(found) - MOST:,} more; --json has them all[/dim]")


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for column in columns:
        table.add_column(column, justify="right" if column in NUMBERS else "left", overflow="fold")
    return table


def _print(table: Table, console: Console, *, empty: str, left: int = 0) -> None:
    if not table.row_count:
        console.print(escape(empty))
        return
    console.print(table)
    if left > 0:
        console.print(f"[dim]… and {left:,} more; --json has them all[/dim]")


def _noun(kind: str, count: int = 2) -> str:
    words = WORDS.get(kind, kind)
    return words if count != 1 else SINGULAR.get(kind, words.removesuffix("s"))


def _names(names: Sequence[str], *, in_order: bool = False, most: int | None = NAMES) -> str:
    """Return names in brackets, in natural order unless theirs means something."""
    found = compress(names if in_order else sorted(names, key=natural_key))
    more = f" … and {len(found[most:])} more" if most and found[most:] else ""
    return escape(" ".join(found[:most])) + more


def _limits(room: Room) -> str:
    """Return what stops racks, the most frequent first."""
    words = [f"{text} ({racks:,} {_noun('racks', racks)})" for text, racks in room.limits[:2]]
    more = f" … and {len(room.limits) - 2} more" if len(room.limits) > 2 else ""
    return escape("\n".join(words)) + more


def _size(value: float, unit: str) -> str:
    if unit == "VA":
        return f"{value / 1e6:,.2f} MVA" if value >= 1e6 else f"{value / 1e3:,.1f} kVA"
    return f"{value / 1e12:,.1f} Tbit/s" if value >= 1e12 else f"{value / 1e9:,.1f} Gbit/s"


def _used(share: float) -> str:
    colour = "red" if share > 1.0 else "yellow" if share > 0.9 else ""
    return f"[{colour}]{share:.0%}[/{colour}]" if colour else f"{share:.0%}"
