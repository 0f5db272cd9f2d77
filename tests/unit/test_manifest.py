"""The manifest and the catalogue: what is accepted, and what every mistake is answered with."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dsscaffold.errors import UsageError
from dsscaffold.project.catalogue import Catalogue, load_catalogue
from dsscaffold.project.manifest import Manifest, Service, load_manifest, load_preset
from dsscaffold.project.names import RESERVED, check_name, check_service_name, did_you_mean, env_name
from dsscaffold.project.plan import make_plan

VALID = """\
version: 1
name: demo
broker: kafka
patterns: [orders]
services:
  orders: {lang: python, role: orders}
  profiles:
    lang: python
    role: profiles
"""


@pytest.fixture
def catalogue(templates: Path) -> Catalogue:
    return load_catalogue(templates)


@pytest.fixture
def manifest_file(tmp_path: Path) -> Path:
    return tmp_path / "dsscaffold.yaml"


def test_a_valid_manifest_is_read_sorted(catalogue: Catalogue, manifest_file: Path) -> None:
    manifest_file.write_text(VALID)
    manifest = load_manifest(manifest_file, catalogue)
    assert manifest == Manifest(
        "demo", "kafka", ("orders",), (Service("orders", "python", "orders"), Service("profiles", "python", "profiles"))
    )


def test_what_new_writes_is_read_back_the_same(catalogue: Catalogue, manifest_file: Path) -> None:
    manifest = load_preset("shop", "demo", catalogue)
    manifest_file.write_text(manifest.to_yaml())
    assert load_manifest(manifest_file, catalogue) == manifest


@pytest.mark.parametrize(
    ("old", "new", "line", "message", "hint"),
    [
        ("version: 1", "version: 2", 1, "version must be 1", ""),
        ("name: demo", "nmae: demo", 2, "Unknown key 'nmae'", "'name'"),
        ("name: demo", "name: My_Team", 2, "'My_Team' cannot be the name", "my-team"),
        ("name: demo", "name: [a]", 2, "name must be a word", ""),
        ("broker: kafka", "broker: kafak", 3, "no broker 'kafak'", "'kafka'"),
        ("[orders]", "[ordres]", 4, "no pattern 'ordres'", "'orders'"),
        ("[orders]", "orders", 4, "patterns must be a list", ""),
        ("[orders]", "[orders, orders]", 4, "stands twice", ""),
        ("[orders]", "[orders, hub]", 4, "exclude each other", "Keep one"),
        ("[orders]", "[]", 6, "The role 'orders' needs the pattern 'orders'", "or take orders out"),
        ("orders: {lang: python, role: orders}", "x: {lang: python}", 4, "needs a service with the role", "orders:"),
        ("  profiles:", "  Profiles:", 7, "'Profiles' cannot be the name", "profiles"),
        ("  profiles:", "  gateway:", 7, "uses itself", "gateway-service"),
        ("  profiles:", "  template1:", 7, "or its database uses itself", "template1-service"),
        ("  profiles:", "  orders:", 7, "stands twice", ""),
        ("name: demo", "name: 'off'", 2, "'off' cannot be the name of a project", "off-project"),
        ("  profiles:", "  'null':", 7, "'null' cannot be the name of a service", "null-service"),
        (
            "  profiles:",
            "  users: {lang: python}\n  profiles:",
            7,
            "/api/users belongs to 'profiles'",
            "rename-service users users-service",
        ),
        ("    lang: python", "    lang: pyhton", 8, "no language 'pyhton'", "'python'"),
        ("    lang: python", "    langg: python", 8, "Unknown key 'langg'", "'lang'"),
        ("    role: profiles", "    role: profile", 9, "no role 'profile'", "'profiles'"),
        ("    role: profiles", "    role: 7", 9, "must be a word", ""),
        ("patterns: [orders]", "patterns: [orders", 5, "not YAML", ""),
    ],
)
def test_a_mistake_names_file_line_and_the_nearest_word(
    catalogue: Catalogue, manifest_file: Path, old: str, new: str, line: int, message: str, hint: str
) -> None:
    assert old in VALID
    manifest_file.write_text(VALID.replace(old, new))
    with pytest.raises(UsageError) as caught:
        load_manifest(manifest_file, catalogue)
    assert caught.value.message.startswith(f"{manifest_file}:{line}: ")
    assert message in caught.value.message
    assert hint in (caught.value.hint or "")
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("content", [b"", b"- 1\n", b"just text\n", b"\xff\xfe\x00", b"a: &x [*x]\n", b"? [a]\n: b\n"])
def test_what_is_no_manifest_at_all_is_a_usage_error(catalogue: Catalogue, manifest_file: Path, content: bytes) -> None:
    manifest_file.write_bytes(content)
    with pytest.raises(UsageError):
        load_manifest(manifest_file, catalogue)


@settings(max_examples=300)
@given(
    cut=st.integers(0, len(VALID)),
    length=st.integers(0, 12),
    inserted=st.text(st.sampled_from("abc:{}[],- \n\"'#&*!|>%@\t01é\u2028\0"), max_size=8),
)
def test_any_damage_is_read_or_refused_with_a_usage_error(
    catalogue: Catalogue, manifest_file: Path, cut: int, length: int, inserted: str
) -> None:
    manifest_file.write_text(VALID[:cut] + inserted + VALID[cut + length :], encoding="utf-8")
    try:
        manifest = load_manifest(manifest_file, catalogue)
    except UsageError:
        return
    manifest_file.write_text(manifest.to_yaml())
    assert load_manifest(manifest_file, catalogue) == manifest


@example("TRUE")
@given(st.text(max_size=60))
def test_a_refused_name_comes_with_an_example_that_is_accepted(name: str) -> None:
    hint = _hint_for(name)
    if hint and "e.g. " in hint:
        example = hint.split("e.g. ")[1].removesuffix(".")
        assert check_name(example, "project") == example


def _hint_for(name: str) -> str | None:
    try:
        check_name(name, "project")
    except UsageError as error:
        return error.hint
    return None


def test_every_reserved_name_is_refused() -> None:
    for name in RESERVED:
        with pytest.raises(UsageError):
            check_service_name(name)


def test_hints_name_the_nearest_word_or_all_of_them() -> None:
    assert did_you_mean("ordrs", ["orders", "saga"]) == "Did you mean 'orders'?"
    assert did_you_mean("zzz", ["saga", "orders"]) == "Known: orders, saga."


def test_environment_names() -> None:
    assert env_name("user-profiles") == "USER_PROFILES"


def test_the_plan_orders_layers_base_broker_role_pattern(catalogue: Catalogue) -> None:
    plan = make_plan(load_preset("shop", "demo", catalogue), catalogue, "1.2.3")
    layers = {
        str(part.folder): [str(layer.relative_to(catalogue.root)) for layer in part.layers] for part in plan.parts
    }
    assert layers == {
        ".": ["repo", "compose"],
        "gateway": ["gateway", "patterns/orders/gateway"],
        "services/orders": ["python-service", "brokers/kafka/python-service", "roles/orders/python-service"],
        "services/profiles": ["python-service", "brokers/kafka/python-service", "roles/profiles/python-service"],
    }
    assert plan.context["role_services"] == {"orders": ["orders"], "profiles": ["profiles"]}


def test_a_service_without_a_role_is_a_blank_one(templates: Path) -> None:
    role = templates / "roles/blank"
    (role / "python-service").mkdir(parents=True)
    (role / "role.yaml").write_text("title: Blank\nsummary: A start\n")
    catalogue = load_catalogue(templates)
    manifests = [Manifest("demo", "kafka", (), (Service("notes", "python", role),)) for role in (None, "blank")]
    plans = [make_plan(manifest, catalogue, "1.2.3") for manifest in manifests]
    assert plans[0] == plans[1]
    assert plans[0].parts[-1].layers[-1] == role / "python-service"
    assert plans[0].context["role_services"] == {"blank": ["notes"]}


def test_a_catalogue_without_a_blank_role_leaves_a_service_without_one(catalogue: Catalogue) -> None:
    plan = make_plan(Manifest("demo", "kafka", (), (Service("notes", "python"),)), catalogue, "1.2.3")
    assert [layer.name for layer in plan.parts[-1].layers] == ["python-service", "python-service"]
    assert plan.context["role_services"] == {}


def test_a_broker_says_where_it_is(templates: Path) -> None:
    broker = templates / "brokers/kafka/broker.yaml"
    manifest = Manifest("demo", "kafka", (), ())
    assert "broker_url" not in make_plan(manifest, load_catalogue(templates), "1").context

    broker.write_text("title: Kafka\nsummary: A log\nurl: kafka:9092\n")
    assert make_plan(manifest, load_catalogue(templates), "1").context["broker_url"] == "kafka:9092"

    broker.write_text("title: Kafka\nsummary: A log\nurl: [kafka, 9092]\n")
    with pytest.raises(UsageError, match=r"broker\.yaml:3"):
        load_catalogue(templates)


def test_only_a_broker_has_an_address(templates: Path) -> None:
    (templates / "roles/orders/role.yaml").write_text("title: Orders\nsummary: Orders\nurl: orders:8000\n")
    with pytest.raises(UsageError, match="url"):
        load_catalogue(templates)
