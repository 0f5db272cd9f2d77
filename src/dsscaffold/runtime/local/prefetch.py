"""Fetch and install what a later `up` needs, and start nothing."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from dsscaffold.runtime.compose.reader import read_compose
from dsscaffold.runtime.local.provision import Provision, explain
from dsscaffold.runtime.process import Runner
from dsscaffold.runtime.repo import RunFolder
from dsscaffold.runtime.results import FetchResult

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from dsscaffold.runtime.events import OnEvent


async def prefetch(repo: Path | None, environ: Mapping[str, str], emit: OnEvent) -> FetchResult:
    """Return what had to be fetched for the services of `repo`; without one, for any.

    Raises:
        FetchError: something could not be had.
    """
    began = time.monotonic()
    services = list(read_compose(repo, environ).services.values()) if repo else []
    runner = Runner()
    lock = None
    if repo:
        run = RunFolder(repo)
        run.create()
        lock = run.packages_lock
    provision = Provision(runner, environ, emit, lock)
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(provision.fetch(services))
            group.create_task(provision.packages(services))
    except ExceptionGroup as failures:
        raise explain(failures, provision, services) from None
    finally:
        runner.close()
    seconds = time.monotonic() - began
    return FetchResult(provision.cache.folder, provision.fetch_seconds, provision.environment_seconds, seconds)
