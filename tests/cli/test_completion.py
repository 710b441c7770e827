"""Shell completion: what is proposed, and that real shells ask for it."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from twin.cli.table import first_words

Run = Callable[..., tuple[int, str, str]]
BASH_TRIAL = """
source "$HOME/.bashrc"
COMP_WORDS=(fleetwin ne); COMP_CWORD=1; _fleetwin
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.fixture
def ask(cli: Run, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """Return the proposals of bash for words, the last of which is unfinished."""

    def ask(*words: str, shell: str = "bash") -> list[str]:
        monkeypatch.setenv("_FLEETWIN_COMPLETE", shell)
        monkeypatch.setenv("_FLEETWIN_WORDS", "\n".join(words))
        return cli().out.splitlines()

    return ask


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make an empty home folder; ``fleetwin`` of this environment comes first on the path."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    for variable in ("XDG_CONFIG_HOME", "XDG_DATA_HOME"):
        monkeypatch.delenv(variable, raising=False)
    return tmp_path


def test_commands_come_from_the_table(ask: Callable[..., list[str]]) -> None:
    assert ask("") == list(first_words())
    assert ask("new") == ["new", "new-plan"]
    assert ask("-v", "che") == ["check"]


def test_options_come_from_fleetwin_or_from_the_command(ask: Callable[..., list[str]]) -> None:
    assert ask("--v") == ["--verbose", "--version"]
    assert {"--fleet", "--gates", "--help"} <= set(ask("check", "plan.yaml", "--"))


def test_values_are_left_to_the_shell(ask: Callable[..., list[str]]) -> None:
    assert ask("check", "pl") == []


def test_shells_that_can_show_help_get_it(ask: Callable[..., list[str]]) -> None:
    assert ask("val", shell="fish") == ["validate\tRead documents and list everything wrong in them"]
    assert ask("val", shell="zsh") == ["validate:Read documents and list everything wrong in them"]


def test_the_users_shell_is_the_default(cli: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHELL", "/usr/bin/fish")
    assert cli("--show-completion") == cli("--show-completion", "fish")


def test_an_unknown_shell_is_refused(cli: Run) -> None:
    outcome = cli("--show-completion", "tcsh")
    assert outcome.code == 2
    assert "no completion for the shell 'tcsh'" in outcome.err


def test_installing_twice_changes_the_start_up_file_once(cli: Run, home: Path) -> None:
    (home / ".zshrc").write_text("setopt autocd")
    for _ in range(2):
        assert cli("--install-completion", "zsh").code == 0
    lines = (home / ".zshrc").read_text().splitlines()
    assert lines == ["setopt autocd", "fpath+=(~/.zfunc); autoload -Uz compinit; compinit"]


@pytest.mark.parametrize(
    ("shell", "trial", "expected"),
    [
        (["bash", "--norc", "-c"], BASH_TRIAL, ["new", "new-plan"]),
        (["fish", "-c"], "complete -C 'fleetwin ne' | string split -f1 \\t", ["new", "new-plan"]),
        (["zsh", "-c"], "autoload compinit; compinit; . ~/.zshrc; print $_comps[fleetwin]", ["_fleetwin"]),
    ],
    ids=["bash", "fish", "zsh"],
)
def test_a_real_shell_completes(
    shell: list[str], trial: str, expected: list[str], cli: Run, home: Path
) -> None:
    if shutil.which(shell[0]) is None:
        pytest.skip(f"{shell[0]} is not installed")
    assert cli("--install-completion", shell[0]).code == 0
    done = subprocess.run([*shell, trial], capture_output=True, text=True, check=True, cwd=home)
    assert done.stdout.split() == expected
