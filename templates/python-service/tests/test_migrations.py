from pathlib import Path

from app.adapters.migrations import MIGRATIONS, pending


def test_files_are_applied_in_the_order_of_their_numbers_and_once(tmp_path: Path) -> None:
    for name in ("003_c.sql", "001_a.sql", "002_b.sql", "notes.txt"):
        (tmp_path / name).touch()
    assert [file.name for file in pending(tmp_path, {"001_a.sql"})] == ["002_b.sql", "003_c.sql"]


def test_every_migration_has_a_number_of_its_own() -> None:
    numbers = [file.name.split("_")[0] for file in MIGRATIONS.glob("*.sql")]
    assert sorted(numbers) == [f"{n:03}" for n in range(1, len(numbers) + 1)]
