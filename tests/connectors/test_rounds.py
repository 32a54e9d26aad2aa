"""That a circle of pages is noticed, whatever its length, and that a long way is none."""

import pytest

from proofwatch.connectors.rounds import Rounds


@pytest.mark.parametrize(
    ("before", "circle"), [(0, 1), (1, 1), (0, 2), (3, 7), (100, 1), (1, 100), (500, 333)]
)
def test_a_circle_is_noticed(before, circle):
    rounds = Rounds()
    for step in range(4 * (before + circle)):
        number = step if step < before else before + (step - before) % circle
        if rounds.again(f"page {number}"):
            assert step >= before + circle
            return
    raise AssertionError("it goes on for ever")


def test_a_long_way_is_no_circle():
    rounds = Rounds()
    assert not any(rounds.again(f"page {number}") for number in range(10_000))


def test_a_page_without_any_words_is_no_circle_by_itself():
    rounds = Rounds()
    assert [rounds.again(""), rounds.again("")] == [False, True]
