"""The sum tree, raced against a list that is added up anew for each draw."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from replay.sum_tree import SumTree


class NaiveSumTree:
    """The slow truth: exact fractions, searched from the left."""

    def __init__(self, size: int) -> None:
        self.values = [Fraction(0)] * size

    def set(self, indices: np.ndarray, values: np.ndarray) -> None:
        for index, value in zip(indices, values, strict=True):
            self.values[index] = Fraction(value)

    def find(self, target: float) -> int:
        passed = Fraction(0)
        for index, value in enumerate(self.values):
            passed += value
            if passed > target:
                return index
        raise AssertionError("the target is not below the total")


@pytest.mark.parametrize("size", [1, 2, 5, 16, 37])
def test_random_operations_race_the_slow_truth(size: int) -> None:
    tree, naive = SumTree(size), NaiveSumTree(size)
    generator, compared = np.random.default_rng(size), 0
    for _ in range(200):
        count = int(generator.integers(1, 6))
        indices = generator.integers(0, size, count)  # with repetitions
        # Multiples of 1/64 are added up without rounding: targets on a border are exact too.
        values = generator.integers(0, 200, count) * generator.integers(0, 2, count) / 64
        tree.set(indices, values)
        naive.set(indices, values)
        assert tree.total == sum(naive.values)
        assert tree.values.tolist() == naive.values
        if tree.total:
            borders = np.cumsum(tree.values)
            targets = np.concatenate([generator.random(9) * tree.total, borders, [0.0]])
            targets = targets[targets < tree.total]
            found = tree.find(targets)
            assert found.tolist() == [naive.find(target) for target in targets]
            assert np.all(tree.get(found) > 0)
            compared += len(targets)
    assert compared > 1_000


def test_sums_do_not_drift_over_long_use() -> None:
    """After many changes over 16 powers of ten: bit for bit a tree built at once."""
    tree, generator = SumTree(1_000), np.random.default_rng(1)
    for _ in range(20_000):
        tree.set(generator.integers(0, 1_000, 64), 10.0 ** generator.uniform(-8, 8, 64))
    built = SumTree(1_000)
    built.set_all(tree.values)
    np.testing.assert_array_equal(tree._nodes, built._nodes)
    tree.set(np.arange(999), np.zeros(999))
    assert tree.total == tree.values[999]  # what was large has left nothing behind


def test_rounding_never_finds_a_value_of_zero() -> None:
    tree = SumTree(8)
    tree.set(np.array([1, 5]), np.array([0.1, 0.2]))
    # Targets that rounding has lifted to the total, or beyond.
    assert tree.find(np.array([0.0, 0.1, tree.total, 1.0])).tolist() == [1, 5, 5, 5]


@pytest.mark.parametrize("value", [-1.0, float("nan"), float("inf")])
def test_values_that_cannot_be_drawn_by_are_refused(value: float) -> None:
    tree = SumTree(3)
    with pytest.raises(ValueError, match="must be finite and not negative"):
        tree.set(np.array([0, 1]), np.array([1.0, value]))
    with pytest.raises(ValueError, match="must be finite and not negative"):
        tree.set_all(np.array([1.0, value, 1.0]))
    assert tree.total == 0


def test_a_wrong_number_of_values_is_refused() -> None:
    with pytest.raises(ValueError, match=r"\(2,\) values do not fit a sum tree of 3"):
        SumTree(3).set_all(np.ones(2))
    with pytest.raises(ValueError, match="of 0 values cannot be"):
        SumTree(0)
