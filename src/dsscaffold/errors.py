"""The one error that reaches a person: a message, a hint and an exit code."""

from __future__ import annotations

FAILURE = 1
USAGE = 2


class DsscaffoldError(Exception):
    """Stop the command with one message; `cli.main` prints it, nothing else does.

    `hint` says what to do next. `exit_code` is 1 for a failure and 2 for a usage error.
    """

    def __init__(self, message: str, hint: str | None = None, exit_code: int = FAILURE) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.exit_code = exit_code


class UsageError(DsscaffoldError):
    """Refuse what was asked for: an unknown name, a bad value, a file that does not parse."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message, hint, USAGE)
