"""Check the graph of dependencies, and sort it."""

from __future__ import annotations

from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING

from dsscaffold.project.names import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dsscaffold.runtime.compose.model import ComposeService


def start_order(services: Mapping[str, ComposeService]) -> tuple[str, ...]:
    """Return the names so that each comes after all it depends on.

    Raises:
        UsageError: a dependency is unknown, or some depend on each other in a circle.
    """
    graph: dict[str, list[str]] = {}
    for service in services.values():
        graph[service.name] = []
        for dependency in service.depends_on:
            if dependency.service in services:
                graph[service.name].append(dependency.service)
            elif dependency.required:
                raise service.error(
                    f"`{service.name}` depends on `{dependency.service}`, which does not run here.",
                    did_you_mean(dependency.service, services),
                )
    try:
        return tuple(TopologicalSorter(graph).static_order())
    except CycleError as error:
        circle: list[str] = list(reversed(error.args[1]))
        message = f"Services depend on each other in a circle: {' -> '.join(circle)}."
        raise services[circle[0]].error(message) from error
