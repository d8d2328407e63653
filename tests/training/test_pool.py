"""Which rows of a large pool are read."""

import numpy as np
import pytest

from weakft.training import pool
from weakft.training.pool import rows_to_read

COVERED = np.arange(1000) % 100 == 7


@pytest.mark.parametrize("most", [0, 1, 50, 2000, None])
def test_every_covered_row_is_read_and_of_the_others_no_more_than_asked(most: int | None) -> None:
    rows = rows_to_read(COVERED, most)
    assert np.array_equal(rows, np.unique(rows))
    assert COVERED[rows].sum() == 10
    assert (~COVERED[rows]).sum() == min(990, 990 if most is None else most)


def test_a_large_pool_of_narrow_rules_is_read_in_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "ALWAYS_READ", 20)
    assert len(rows_to_read(COVERED)) == 10 + 4 * 10
    monkeypatch.setattr(pool, "ALWAYS_READ", 200)
    assert len(rows_to_read(COVERED)) == 10 + 200


def test_an_edited_rule_changes_the_sample_by_no_more_than_its_rows() -> None:
    edited = COVERED.copy()
    edited[:5] = True
    before, after = set(rows_to_read(COVERED, 100)), set(rows_to_read(edited, 100))
    assert len(before - after) <= 5
    assert rows_to_read(COVERED, 100, seed=1).tolist() != rows_to_read(COVERED, 100).tolist()
