import pytest

from app.domain.recommendation import Candidate, Item, Recommendation, recommend


def test_what_the_user_does_not_own_comes_first_and_then_what_sells_best() -> None:
    ranked = recommend(
        [
            Candidate("owned-hit", sold=9, owned=True),
            Candidate("new-flop", sold=1, owned=False),
            Candidate("new-hit", sold=5, owned=False),
            Candidate("owned-flop", sold=2, owned=True),
        ]
    )
    assert ranked == [
        Recommendation("new-hit", 5),
        Recommendation("new-flop", 1),
        Recommendation("owned-hit", 9),
        Recommendation("owned-flop", 2),
    ]


def test_equal_sales_are_ranked_the_same_way_every_time() -> None:
    skus = ["c", "a", "b"]
    ranked = recommend(Candidate(sku, sold=1, owned=False) for sku in skus)
    assert [r.sku for r in ranked] == ["a", "b", "c"]


def test_the_list_has_an_end() -> None:
    assert len(recommend([Candidate(str(n), n, False) for n in range(30)], length=3)) == 3


def test_nothing_is_no_item() -> None:
    with pytest.raises(ValueError, match="quantity"):
        Item("book-1", 0)
