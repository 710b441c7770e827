"""The ledger of a run as a table for people and as plain data for machines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, fields
from typing import Any

import numpy as np
from rich.table import Table

from twin.records.ledger import Account, Ledger, apportion

MOST_ROWS = 200
# Heading, attribute, and whole units of the books in one unit of the table.
COLUMNS = (
    ("IT\nkWh", "it_j", 3.6e6),
    ("overhead\nkWh", "overhead_j", 3.6e6),
    ("carbon\nkg CO2e", "carbon_mg", 1e6),
    ("embodied\nkg CO2e", "embodied_mg", 1e6),
    ("water\nL", "water_ml", 1e3),
    ("energy\nUSD", "energy_microusd", 1e6),
    ("servers\nUSD", "servers_microusd", 1e6),
)


def ledger_as_dict(ledger: Ledger, domains: Sequence[str]) -> dict[str, Any]:
    """Return the accounts of some domains and their total, in whole units."""
    accounts = [
        {**dict(zip(domains, account.key, strict=True)), **_amounts(account)}
        for account in ledger.by(*domains)
    ]
    return {"by": list(domains), "accounts": accounts, "total": _amounts(ledger.total)}


def ledger_table(ledger: Ledger, domains: Sequence[str]) -> Table:
    """Return a table whose rows, as they are printed, add up to its last row; without columns of which nobody has anything."""
    accounts, total = _biggest(ledger.by(*domains)), ledger.total
    columns = [row for row in COLUMNS if any(getattr(account, row[1]) for account in accounts)]
    table = Table(*domains, box=None, header_style="bold")
    for heading, _, _ in columns:
        table.add_column(heading, justify="right")
    numbers = [_printed(accounts, total, name, units) for _, name, units in columns]
    for account, row in zip(accounts, zip(*numbers, strict=True), strict=False):
        table.add_row(*account.key, *row)
    table.add_section()
    table.add_row("total", *[""] * (len(domains) - 1), *(column[-1] for column in numbers), style="bold")
    return table


def _amounts(account: Account) -> dict[str, int]:
    amounts = {name: amount for name, amount in asdict(account).items() if name != "key"}
    return {"overhead_j": account.overhead_j, **amounts}


def _biggest(accounts: tuple[Account, ...]) -> Sequence[Account]:
    """Return the accounts, in a long list those that draw most and one for all others."""
    if len(accounts) <= MOST_ROWS:
        return accounts
    by_energy = sorted(range(len(accounts)), key=lambda i: -accounts[i].facility_j)
    shown = [accounts[i] for i in sorted(by_energy[:MOST_ROWS])]
    rest = [accounts[i] for i in by_energy[MOST_ROWS:]]
    names = [field.name for field in fields(Account) if field.name != "key"]
    sums = (sum(getattr(account, name) for account in rest) for name in names)
    blank = [""] * (len(accounts[0].key) - 1)
    return [*shown, Account((f"… and {len(rest)} more", *blank), *sums)]


def _printed(accounts: Sequence[Account], total: Account, name: str, units: float) -> list[str]:
    """Return a column with two decimals and its total, rounded together so that the printed numbers add up."""
    cents = units / 100.0
    whole = round(getattr(total, name) / cents)
    values = np.array([getattr(account, name) / cents for account in accounts])
    return [f"{amount / 100:,.2f}" for amount in [*apportion(values, whole).tolist(), whole]]
