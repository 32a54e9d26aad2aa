"""That numbers that occur twice are found across sorted runs, and none else."""

import random

import pytest

from proofwatch.snapshots import repeated
from proofwatch.snapshots.repeated import Repeated


@pytest.mark.parametrize("count", [0, 1, 7, 8, 9, 64, 1001])
def test_what_occurs_twice_is_found_across_runs(count, monkeypatch):
    monkeypatch.setattr(repeated, "_RUN", 8)
    monkeypatch.setattr(repeated, "_READ", 4)
    chance = random.Random(count)
    numbers = [chance.randrange(-(2**63), 2**63) for _ in range(count)]
    again = set(numbers[::5])
    with Repeated() as taken:
        for number in [*numbers, *again]:
            taken.append(number)
        assert len(taken) == count + len(again)
        assert taken.twice() == again
