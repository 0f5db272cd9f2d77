"""Print what `new` is going to make, what it made, and how to go on."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from rich.text import Text
from rich.tree import Tree

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from dsscaffold.commands.doctor import Finding
    from dsscaffold.commands.first_order import FirstOrder
    from dsscaffold.commands.new import NewResult
    from dsscaffold.project.manifest import Manifest
    from dsscaffold.render import Printer
    from dsscaffold.runtime.results import UpResult

_MB = 1_000_000


def confirm_new(
    printer: Printer, manifest: Manifest, destination: Path, outer: Path | None, port: int, missing: Sequence[Finding]
) -> None:
    """Show what `new` is going to make, run and fetch (`missing`), and ask once.

    Raises:
        KeyboardInterrupt: the answer is no.
    """
    import questionary

    tree = _plan_tree(manifest, destination)
    _add_processes(tree, manifest, port)
    _add_fetched(tree, missing)
    printer.console.print()
    printer.table(tree)
    if outer:
        printer.note(f"it lies inside the git repository {outer}; it becomes a repository of its own (--no-git: none).")
    if not questionary.confirm("Make it?").unsafe_ask():
        raise KeyboardInterrupt


def print_new(printer: Printer, result: NewResult, *, starting: bool, shown: bool) -> None:
    """Show what `new` made; `shown` tells that the person has seen the plan."""
    if not starting and printer.document(result):
        return
    if not shown:
        printer.table(_plan_tree(result.manifest, result.path))
    if result.dry_run:
        for path in result.files:
            printer.console.print(str(path), markup=False)
        printer.say(f"{len(result.files)} files would be written. Nothing was.")
        return
    git = ", committed to git" if result.committed else ""
    printer.say(f"{len(result.files)} files in {result.path}{git}.")
    if not starting:
        with printer.panel(f"{result.manifest.name} is made") as framed:
            steps = [
                (f"cd {result.path}", "its README.md has the map"),
                ("dsscaffold up", "start everything"),
                ("dsscaffold open", "its API docs, once it runs"),
            ]
            printer.next_steps(steps, heading=not framed)


def print_order_placed(printer: Printer, started: UpResult) -> None:
    """Say that everything is up, and that the first order is on its way."""
    printer.say(f"Everything is healthy after {started.timings.total:.1f} s.")
    printer.console.print(f"\nPOST {started.url('gateway')}/api/orders")


def print_order_status(printer: Printer, status: str) -> None:
    """Show a status that the first order came into."""
    colour = {"completed": "green", "failed": "red"}.get(status, "yellow")
    printer.console.print(Text.assemble(("  → ", "dim"), (status, colour)))


def print_started(printer: Printer, made: NewResult, started: UpResult, order: FirstOrder | None) -> None:
    """Show the end of `new --up`: addresses, calls to try, commands to go on with."""
    if printer.json:
        document = {**made.to_json(), "up": started.to_json(), "order": order.to_json() if order else None}
        printer.write_json(document)
        return
    if order:
        printer.console.print(f"  in {order.seconds * 1000:.0f} ms, order {order.order_id}")
    print_running(printer, started, made.manifest, [(f"cd {made.path}", "it runs in the background")])


def print_running(
    printer: Printer, started: UpResult, manifest: Manifest | None, first: Sequence[tuple[str, str]] = ()
) -> None:
    """Show what one can do with a system that runs: addresses, calls to try, commands."""
    gateway = (started.url("gateway") or "").replace("127.0.0.1", "localhost")
    console = printer.console
    name = manifest.name if manifest else started.status.repo.name
    with printer.panel(f"{name} runs") as framed:
        if not framed:
            console.print()
        if gateway:
            console.print(Text.assemble(("Gateway   ", "bold"), gateway))
            console.print(Text.assemble(("API docs  ", "bold"), f"{gateway}/docs"))
            console.print(Text("\nTry:", "bold"))
            for call in _calls(gateway, manifest):
                console.print(call, markup=False)
        printer.next_steps([*first, *_steps(started, manifest)])


def _steps(started: UpResult, manifest: Manifest | None) -> list[tuple[str, str]]:
    steps = [("dsscaffold status", "what runs where"), ("dsscaffold logs -f", "what the services say")]
    if manifest is not None:
        steps.append(("dsscaffold open", "the API docs in a browser"))
    if not started.detached:
        return steps
    return [*steps, ("dsscaffold down", "stop it; the data stays")]


def _calls(gateway: str, manifest: Manifest | None) -> list[str]:
    """Return calls that a new repository answers with something to see, each broken so that it fits 40 columns."""
    if manifest is None:
        return [f"curl {gateway}/health/ready"]
    blank = [f"/api/{service.name}/items" for service in manifest.services if service.is_blank]
    users = ["/api/users/u1"] if manifest.with_role("profiles") else []
    calls = [f"curl {gateway}{path}" for path in [*users, *blank] or ["/health/ready"]]
    if "orders" in manifest.patterns:
        item = json.dumps({"sku": "book-2", "quantity": 1})
        calls.append(
            f"curl {gateway}/api/orders \\\n"
            "  -H 'content-type: application/json' \\\n"
            f'  -d \'{{"userId": "u2", "items": [\n    {item}]}}\''
        )
    return calls


def _plan_tree(manifest: Manifest, destination: Path) -> Tree:
    tree = Tree(Text(str(destination), "bold"), guide_style="dim")
    tree.add(Text.assemble("gateway", ("  Node.js", "dim")))
    for service in manifest.services:
        role = f", {service.role}" if service.role and service.role != service.name else ""
        tree.add(Text.assemble(f"services/{service.name}", (f"  {service.lang}{role}", "dim")))
    tree.add(Text.assemble("patterns", (f"  {', '.join(manifest.patterns) or 'none'}", "dim")))
    if manifest.license:
        tree.add(Text.assemble("LICENSE", (f"  {manifest.license}, {manifest.copyright}", "dim")))
    return tree


def _add_processes(tree: Tree, manifest: Manifest, port: int) -> None:
    branch = tree.add(Text("it will run", "bold"))
    branch.add(Text.assemble("gateway", (f"  http://localhost:{port}", "dim")))
    for service in manifest.services:
        branch.add(Text(service.name))
    branch.add(Text.assemble(manifest.broker, ("  events", "dim")))
    branch.add(Text.assemble("postgres", ("  a database for each", "dim")))


def _add_fetched(tree: Tree, missing: Sequence[Finding]) -> None:
    if not missing:
        tree.add(Text.assemble(("it will fetch", "bold"), ("  packages only: this machine has the tools", "dim")))
        return
    total = sum(finding.size for finding in missing) / _MB
    branch = tree.add(Text.assemble(("it will fetch", "bold"), (f"  {total:.0f} MB, once for this machine", "dim")))
    for finding in missing:
        branch.add(Text.assemble(finding.name, (f"  {finding.size / _MB:.0f} MB", "dim")))
