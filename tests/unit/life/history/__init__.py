"""Two releases of the templates, and a team between them: see README.md beside this file."""

from __future__ import annotations

import lzma
import re
import subprocess
from pathlib import Path

from dsscaffold.commands.new import run_new
from dsscaffold.project.catalogue import load_catalogue
from dsscaffold.project.manifest import load_preset
from dsscaffold.templating.archive import unpack_templates

#: Who commits, on a machine where nobody is set up.
PERSON = ("-c", "user.name=A", "-c", "user.email=a@example.com")

_HERE = Path(__file__).parent

#: Each thing that the team did, as text and where it has to be after the update.
EDITS = {
    "a call of the gateway": ("gateway/src/routes/greet.ts", 'app.get("/api/greetings/:name"'),
    "its test": ("gateway/test/greet.test.ts", 'test("somebody is greeted"'),
    "its place in the application": ("gateway/src/app.ts", "await app.register(greet, {"),
    "what it needs, in the test of the application": ("gateway/test/app.test.ts", 'greeting: "Hello",'),
    "what it needs, where the process starts": ("gateway/src/server.ts", "greeting: config.GREETING,"),
    "a setting": ("gateway/src/config.ts", 'GREETING: Type.String({ default: "Hello" })'),
    "its variable in compose": ("gateway/compose.yaml", "GREETING: ${GREETING:-Hello}"),
    "its line in .env.example": (".env.example", "# How people are greeted\nGREETING=Hello\n"),
    "a file in a folder that is renamed": ("gateway/src/calls/cities.ts", 'grace: "New York"'),
    "a handler": ("gateway/src/routes/get-user.ts", '"a page without a part"'),
    "the description of a call": ("gateway/src/routes/create-order.ts", "what becomes of it is told at Location."),
    "a file renamed, which the templates change": ("gateway/src/try-again.ts", "10_000"),
    "its importers": ("gateway/src/background.ts", 'from "./try-again.ts"'),
    "a package of npm": ("gateway/package.json", '"ms": "2.1.3"'),
    "a package of npm for development": ("gateway/package.json", '"@types/ms": "2.1.0"'),
    "both in the lock": ("gateway/package-lock.json", '"node_modules/@types/ms"'),
    "a way to the outside": ("gateway/upstreams.env", "DIRECTORY_ROUTE=/api/directory\n"),
    "a fragment of a service, by hand": ("services/profiles/directory.yaml", "SERVICE_NAME: directory"),
    "its line in compose.yaml": ("compose.yaml", "  - services/profiles/directory.yaml\n"),
    "a rule of the business": ("services/orders/app/domain/order.py", '"too much at once: call sales"'),
    "its test in Python": ("services/orders/tests/test_order.py", "def test_a_truckload_is_for_sales()"),
    "a call of a service": ("services/profiles/app/entrypoints/routes.py", '@router.get("/{user_id}/card")'),
    "the test of that call": ("services/profiles/tests/test_routes.py", "def test_gives_a_card("),
    "a package of Python": ("services/profiles/pyproject.toml", '"humanize>=4.12,<5"'),
    "its lock": ("services/profiles/requirements.txt", "humanize==4."),
    "its lock for development": ("services/profiles/requirements-dev.txt", "humanize==4."),
    "a migration": ("services/profiles/migrations/003_nicknames.sql", "ADD COLUMN nickname text"),
    "another handler": ("services/recommendations/app/entrypoints/routes.py", "candidates(user_id))[:3]"),
    "a filter of the log": ("services/orders/app/logs.py", 'for path in ("/health/", "/orders?")'),
    "a sentence of the README": ("README.md", "Team Blue keeps it; we are in room 4."),
    "a section of the README": ("README.md", "## On call\n\nThe week's name is on the board."),
    "a rule in AGENTS.md": ("AGENTS.md", "- Ask Team Blue before a contract changes.\n"),
    "a decision": ("docs/adr/0005-greetings.md", "Status: accepted"),
    "a word in the list of decisions": ("docs/adr/README.md", "Ours begin with 0005."),
    "a link": ("docs/latest.md", "adr/0005-greetings.md"),
    "a file of another alphabet": ("docs/équipe.md", "# Équipe"),
    "lines of .gitignore": (".gitignore", "# Ours\n/notes/\n*.sqlite\n"),
    "a job of CI": (".github/workflows/ci.yaml", "- name: Every decision has a status"),
    "the owners": (".github/CODEOWNERS", "@example/blue"),
    "a script": ("scripts/greet.sh", "exec curl -fsS"),
    "a target of make": ("Makefile", "greet:\n\tscripts/greet.sh\n"),
    "a system test": ("tests/system/test_greetings.py", "def test_somebody_is_greeted("),
    "the memory of the broker": ("compose/kafka.yaml", "KAFKA_HEAP_OPTS: -Xms64m -Xmx320m"),
}
#: Files that the team made runnable, and one that it deleted.
RUNNABLE = ("scripts/greet.sh", "tests/system/stack.py")
DELETED = "docs/adr/0002-plain-sql.md"
#: Where both changed the same thing, so that only a person can say what is meant.
INEVITABLE = {".env.example", ".github/CODEOWNERS", "services/orders/app/domain/order.py"}
#: What both changed and a package manager puts in order, if it can reach a registry.
LOCKS = {
    "gateway/package-lock.json",
    "services/profiles/requirements.txt",
    "services/profiles/requirements-dev.txt",
}


def make_releases(folder: Path) -> tuple[Path, Path]:
    """Unpack both releases of the templates below `folder`."""
    first, second = folder / "v1", folder / "v2"
    raw = lzma.decompress((_HERE / "v1.tar.xz").read_bytes())
    for templates in (first, second):
        unpack_templates(raw, templates)
    _git(second, "apply", str(_HERE / "v2.patch"))
    return first, second


def make_repository(folder: Path, templates: Path) -> None:
    """Render the preset `shop` into the new folder `folder`, and commit what the team did since."""
    catalogue = load_catalogue(templates)
    run_new(load_preset("shop", "demo", catalogue), catalogue, folder)
    _git(folder, "apply", "--index", str(_HERE / "team.patch"))
    _git(folder, *PERSON, "commit", "--quiet", "--message", "The team's work")


def added_lines() -> set[str]:
    """Return every line that the team wrote."""
    patch = (_HERE / "team.patch").read_text()
    return {line[1:] for line in patch.splitlines() if re.match(r"\+(?!\+\+ )", line)} - {""}


def resolve(repo: Path) -> None:
    """Do what a person does with the conflicts, and with what the compiler and the tests say then."""
    example = repo / ".env.example"
    example.write_text(re.sub(r"^(<{7}|={7}|>{7}).*\n", "", example.read_text(), flags=re.MULTILINE))
    # The owners' file stays as it is. The templates split the orders: the team's rule goes where the rules are now.
    _git(repo, "checkout", "--quiet", "--theirs", "services/orders/app/domain/order.py")
    rules = repo / "services/orders/app/domain/refusals.py"
    _replace(rules, "no_funds, nowhere)", "no_funds, nowhere, too_much)")
    _replace(rules, "RULES: tuple", f"{_RULE}RULES: tuple")
    tests = repo / "services/orders/tests/test_order.py"
    _replace(tests, 'Order(uuid4(), "u1", items).decide()', 'decide(Order(uuid4(), "u1", items))')
    # A module and a folder have other names; and two migrations have one number, of which one has run already.
    greet = repo / "gateway/src/routes/greet.ts"
    _replace(greet, "../clients/cities.ts", "../calls/cities.ts")
    _replace(greet, "../problem.ts", "../problems.ts")
    migrations = repo / "services/profiles/migrations"
    (migrations / "003_profiles_by_city.sql").rename(migrations / "004_profiles_by_city.sql")


_RULE = """def too_much(order: Order) -> str | None:
    refused = sum(item.quantity for item in order.items) > 5000
    return "too much at once: call sales" if refused else None


"""


def _replace(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text, (path, old)
    path.write_text(text.replace(old, new))


def _git(folder: Path, *arguments: str) -> None:
    done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"git {arguments}: {done.stderr}{done.stdout}"
