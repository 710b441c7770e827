"""Groups of commands: ``fleetwin fake one`` is found by two words, listed, completed and refused like any other."""

import sys
from collections import Counter
from collections.abc import Callable
from types import ModuleType

import pytest

from twin.cli import overview, table
from twin.cli.table import Command

Run = Callable[..., tuple[int, str, str]]
ROWS = (
    Command("plain", "fake_group:plain", "A command of one word"),
    Command("fake one", "fake_group:one", "The first of its group"),
    Command("fake other", "fake_group:other", "The second of its group"),
    Command("fakery", "fake_group:plain", "Begins like the group, and is none of it"),
)


@pytest.fixture(autouse=True)
def small_table(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("fake_group")
    for name, code in (("plain", 3), ("one", 10), ("other", 11)):
        monkeypatch.setattr(module, name, _command(code), raising=False)
    monkeypatch.setitem(sys.modules, "fake_group", module)
    monkeypatch.setattr(table, "COMMANDS", ROWS)
    monkeypatch.setattr(overview, "COMMANDS", ROWS)
    monkeypatch.setattr(overview, "GROUPS", {"Fake": ROWS})


def _command(code: int) -> Callable[..., int]:
    def run(there: bool = False) -> int:
        """Answer with a code."""
        return code + there

    return run


def ask(cli: Run, monkeypatch: pytest.MonkeyPatch, *words: str) -> list[str]:
    monkeypatch.setenv("_FLEETWIN_COMPLETE", "bash")
    monkeypatch.setenv("_FLEETWIN_WORDS", "\n".join(words))
    return cli().out.splitlines()


def test_two_words_find_their_command_and_pass_the_rest_on(cli: Run) -> None:
    assert [cli(*words).code for words in (["plain"], ["fake", "one"], ["fake", "other"])] == [3, 10, 11]
    assert cli("-v", "fake", "one", "--there").code == 11
    assert "fleetwin fake one" in cli("fake", "one", "--help").out


def test_a_group_lists_its_commands(cli: Run) -> None:
    code, out, err = cli("fake", "--help")
    assert (code, err) == (0, "")
    assert "fleetwin fake COMMAND" in out
    assert "  one   The first of its group" in out
    assert "  other The second of its group" in out
    assert "plain" not in out and "Begins like" not in out
    assert cli("fake") == (2, "", out)


def test_what_a_group_does_not_have_is_refused_with_a_hint(cli: Run) -> None:
    assert cli("fake", "ohter").code == 2
    assert "no such command of fake: ohter (did you mean 'other'?)" in cli("fake", "ohter").err
    assert "see fleetwin fake --help" in cli("fake", "--zzz").err
    assert "no such command: fkae (did you mean 'fake'?)" in cli("fkae").err


def test_completion_goes_word_by_word(cli: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    assert ask(cli, monkeypatch, "") == ["plain", "fake", "fakery"]
    assert ask(cli, monkeypatch, "fake", "") == ["one", "other"]
    assert ask(cli, monkeypatch, "-v", "fake", "o") == ["one", "other"]
    assert ask(cli, monkeypatch, "fake", "ot") == ["other"]
    assert ask(cli, monkeypatch, "fake", "what", "") == []
    assert ask(cli, monkeypatch, "fake", "one", "--th") == ["--there"]


def test_the_overview_shows_both_words(cli: Run) -> None:
    assert "  fake other The second of its group\n" in cli("--help").out


def test_no_word_names_a_group_and_a_command() -> None:
    rows = [command for group in table.GROUPS.values() for command in group]
    names = Counter(command.name for command in rows)
    assert max(names.values()) == 1
    assert not {name.split()[0] for name in names if " " in name} & set(names)
    assert max(len(name.split()) for name in names) <= 2
