import pytest

from app.domain.item import MAX_DESCRIPTION, MAX_NAME, Item
from tests.item_fakes import item


@pytest.mark.parametrize("name", ["a", "Lamp", "x" * MAX_NAME])
def test_an_item_has_a_name(name: str) -> None:
    assert item(1, name).name == name


@pytest.mark.parametrize("name", ["", "  ", "x" * (MAX_NAME + 1)])
def test_without_one_it_is_no_item(name: str) -> None:
    with pytest.raises(ValueError, match="name"):
        item(1, name)


def test_a_description_has_an_end() -> None:
    lamp = item(1)
    with pytest.raises(ValueError, match="description"):
        Item(
            id=lamp.id,
            name=lamp.name,
            description="x" * (MAX_DESCRIPTION + 1),
            created_at=lamp.created_at,
        )
