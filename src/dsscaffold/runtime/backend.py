"""What a way of running a repository has to offer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dsscaffold.runtime.events import LogLine, OnEvent
    from dsscaffold.runtime.results import ChangeResult, DownResult, StatusResult, UpResult


@dataclass(frozen=True)
class UpOptions:
    """How to start: `port` publishes the gateway elsewhere, `follow` passes log lines on once all is healthy.

    `services` starts these alone, with what they depend on; `watch` starts a service again when its source is edited.
    """

    detach: bool = False
    port: int | None = None
    follow: bool = True
    services: tuple[str, ...] = ()
    watch: bool = False


class Backend(Protocol):
    """Run one repository; `name` is what `status --json` calls it."""

    name: str

    def up(self, options: UpOptions, on_event: OnEvent) -> UpResult:
        """Start everything. In the foreground return only once all is stopped again."""

    def down(self, *, volumes: bool) -> DownResult:
        """Stop everything; with `volumes` remove the data too."""

    def stop(self, services: tuple[str, ...], on_event: OnEvent) -> ChangeResult:
        """Stop these services; all others go on."""

    def restart(self, services: tuple[str, ...], on_event: OnEvent) -> ChangeResult:
        """Stop these services and start them again, as the compose file describes them now."""

    def status(self) -> StatusResult:
        """Return the state of every service."""

    def logs(self, service: str | None, *, follow: bool, tail: int | None) -> Iterator[LogLine]:
        """Yield the log of one service or of all, from `tail` lines before its end (None: from its start)."""
