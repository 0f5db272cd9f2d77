"""Check the graph of dependencies, sort it, and choose from it."""

from __future__ import annotations

from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING

from dsscaffold.errors import UsageError
from dsscaffold.project.names import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

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


def check_names(names: Iterable[str], services: Mapping[str, ComposeService]) -> None:
    """Refuse the name of a service that there is not.

    Raises:
        UsageError: it names the nearest one.
    """
    for name in names:
        if name not in services:
            raise UsageError(f"There is no service {name!r}.", did_you_mean(name, services))


def with_needs(
    names: Iterable[str], services: Mapping[str, ComposeService], settled: Callable[[str], bool] = lambda _: False
) -> tuple[str, ...]:
    """Return `names` and all they depend on, in the order of `services`; what is `settled` is left out."""
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name in found or name not in services or settled(name):
            continue
        found.add(name)
        waiting += [dependency.service for dependency in services[name].depends_on]
    return tuple(name for name in services if name in found)
