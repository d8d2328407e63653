"""Training and prediction read the same rows from whatever file, or both refuse it."""

import os
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.data.fuzzing import FORMATS, difference

SOAK = 20_000
AT_EASE = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@pytest.mark.parametrize("suffix", FORMATS)
@AT_EASE
@given(seed=st.integers(0, 2**32 - 1))
def test_training_and_prediction_read_the_same_rows(suffix: str, tmp_path: Path, seed: int) -> None:
    found = difference(FORMATS[suffix](Random(seed)), tmp_path / f"rows{suffix}")

    assert found is None


@pytest.mark.skipif("WEAKFT_SOAK" not in os.environ, reason="half an hour")
@pytest.mark.parametrize("suffix", FORMATS)
def test_training_and_prediction_read_the_same_rows_of_many_files(
    suffix: str, tmp_path: Path
) -> None:
    for seed in range(SOAK):
        found = difference(FORMATS[suffix](Random(seed)), tmp_path / f"rows{suffix}")

        assert found is None, f"seed {seed}"
