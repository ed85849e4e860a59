"""A few hundred damaged inputs for each reader; python -m tests.fuzz --inputs 10000 has more."""

from __future__ import annotations

from pathlib import Path

import pytest
from fuzz.feeding import READERS, fuzz


@pytest.mark.parametrize("name", READERS)
def test_damaged_inputs_are_refused_or_read_right(name: str, tmp_path: Path) -> None:
    outcome = fuzz(name, tmp_path, inputs=200, seed=7)
    assert outcome["refused"] > 100
    assert outcome["refused"] + outcome["read"] == 200
