"""Exit codes of the command line. They never change meaning; a new outcome gets a new number."""

from enum import IntEnum


class ExitCode(IntEnum):
    """What an exit code of ``fleetwin`` means."""

    PASS = 0, "pass or warn"
    CRASH = 1, "crash or full disk"
    USAGE = 2, "usage or unreadable input, impossible gate set"
    FAIL = 10, "fail"
    INCONCLUSIVE = 11, "inconclusive: we cannot tell"
    EVALUATION_ERROR = 12, "evaluation error: a world that does not settle, a lost worker"
    REJECTED = 14, "plan rejected statically: unknown action version, overlap, scope"
    STALE = 15, "stale: the plan was written for another snapshot"
    NOT_AUTHORISED = 16, "not authorised"
    LOCKED = 17, "locked"
    ROLLED_BACK = 18, "promotion rolled back"
    ROLLBACK_INCOMPLETE = 19, "rollback incomplete"
    INTERRUPTED = 130, "interrupted"

    meaning: str

    def __new__(cls, number: int, meaning: str) -> "ExitCode":
        """Keep the meaning beside the number."""
        code = int.__new__(cls, number)
        code._value_ = number
        code.meaning = meaning
        return code
