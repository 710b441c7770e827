"""Shell completion: commands come from the table, options from the command being typed, the rest is files.

The scripts ask ``fleetwin`` itself, through the variables ``_FLEETWIN_COMPLETE`` (the shell) and
``_FLEETWIN_WORDS`` (the words up to the cursor, one per line, the last one unfinished).
"""

import os
from pathlib import Path

from twin.cli.overview import OPTIONS
from twin.cli.table import Command, find, first_words, members, second
from twin.model.errors import UsageError

_BASH = """\
_fleetwin() {
    local IFS=$'\\n'
    local words="${COMP_WORDS[*]:1:COMP_CWORD}"
    COMPREPLY=($(_FLEETWIN_COMPLETE=bash _FLEETWIN_WORDS="$words" fleetwin 2>/dev/null))
}
complete -o default -F _fleetwin fleetwin
"""

_ZSH = """\
#compdef fleetwin
_fleetwin() {
    local -a answers
    answers=(${(f)"$(_FLEETWIN_COMPLETE=zsh _FLEETWIN_WORDS="${(F)words[2,CURRENT]}" fleetwin 2>/dev/null)"})
    if (( $#answers )); then
        _describe fleetwin answers
    else
        _files
    fi
}
if [[ $funcstack[1] == _fleetwin ]]; then
    _fleetwin "$@"
else
    compdef _fleetwin fleetwin
fi
"""

_FISH = """\
function __fleetwin
    set -l words (commandline -opc)[2..] (commandline -ct)
    _FLEETWIN_COMPLETE=fish _FLEETWIN_WORDS=(string join \\n -- $words | string collect --allow-empty) \\
        fleetwin 2>/dev/null
end
complete -c fleetwin -a '(__fleetwin)'
"""

_SCRIPTS = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH}
# Where the script goes below the home folder, and the line that the start-up file of the shell needs for it.
_PLACES = {
    "bash": (".bash_completions/fleetwin.sh", ".bashrc", "source ~/.bash_completions/fleetwin.sh"),
    "zsh": (".zfunc/_fleetwin", ".zshrc", "fpath+=(~/.zfunc); autoload -Uz compinit; compinit"),
    "fish": (".config/fish/completions/fleetwin.fish",),
}
_SEPARATORS = {"zsh": ":", "fish": "\t"}


def show(shell: str | None) -> str:
    """Return the completion script of a shell, by default the user's own."""
    return _SCRIPTS[_known(shell)].rstrip()


def install(shell: str | None) -> str:
    """Write the completion script where the shell will find it; return what was done."""
    shell = _known(shell)
    place, *start_up = _PLACES[shell]
    script = Path.home() / place
    script.parent.mkdir(parents=True, exist_ok=True)
    script.write_text(_SCRIPTS[shell], encoding="utf-8")
    if start_up:
        file, line = start_up
        _append_once(Path.home() / file, line)
    return f"completion for {shell} is in {script}; it works in the next shell"


def answer(shell: str, words: str) -> int:
    """Print one completion per line, with its help where the shell can show it."""
    separator = _SEPARATORS.get(shell)
    for word, help_line in _completions(words.split("\n")):
        print(f"{word}{separator}{help_line}" if separator and help_line else word)
    return 0


def _completions(words: list[str]) -> list[tuple[str, str]]:
    *before, unfinished = words
    typed = [word for word in before if not word.startswith("-")]
    command = find(" ".join(typed[:1])) or find(" ".join(typed[:2]))
    if command is None and typed and members(typed[0]):
        known = [(second(row), row.help) for row in members(typed[0])] if len(typed) == 1 else []
    elif command is None:
        known = list(first_words().items())
        known += [(word, row.help) for row in OPTIONS for word in row.words if unfinished.startswith("-")]
    elif unfinished.startswith("-"):
        known = _options(command)
    else:
        # Values are mostly files, which the shell completes best.
        known = []
    return [(word, text) for word, text in known if word.startswith(unfinished)]


def _options(command: Command) -> list[tuple[str, str]]:
    from twin.cli.command import build

    parameters = [row for row in build(command).params if row.param_type_name == "option"]
    known = [(word, row.help or "") for row in parameters for word in (*row.opts, *row.secondary_opts)]
    return [*known, ("--help", "Show this page")]


def _known(shell: str | None) -> str:
    name = shell or Path(os.environ.get("SHELL", "")).name
    if name not in _SCRIPTS:
        raise UsageError(f"no completion for the shell '{name}': name one of {', '.join(_SCRIPTS)}")
    return name


def _append_once(path: Path, line: str) -> None:
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    if line not in text.splitlines():
        with path.open("a", encoding="utf-8") as file:
            file.write(f"{'' if not text or text.endswith(chr(10)) else chr(10)}{line}\n")
