"""A run says when its model is useless."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from weakft.labels import probabilities_frame
from weakft.pipeline.evaluating import _warnings


def told(tmp_path: Path, predicted: list[int], vote: float) -> list[str]:
    ids = ["a", "b", "c"]
    file = tmp_path / "test.parquet"
    frame = probabilities_frame(ids, np.eye(3)[predicted], ("bad", "so so", "good"))
    frame.to_parquet(file, index=False)
    split = SimpleNamespace(ids=ids, gold=np.array([0, 1, 2]))
    project: Any = SimpleNamespace(config=SimpleNamespace(classes=("bad", "so so", "good")))
    folder: Any = SimpleNamespace(predictions=lambda name: file)
    metrics = {
        "rivals": {"majority_vote": {"test": {"macro_f1": {"value": vote}}}},
        "end_model": {"test": {"macro_f1": {"value": 0.5}}},
    }
    data: Any = {"test": split}
    return _warnings(project, data, folder, metrics)


def test_a_class_never_predicted_and_a_better_vote_are_said(tmp_path: Path) -> None:
    dead, worse = told(tmp_path, [0, 2, 2], vote=0.6)
    assert dead.startswith("The end model never predicts 'so so' on test, where 1 rows")
    assert worse.endswith("macro-F1 0.500 against 0.600 on test.")


def test_a_good_model_is_not_warned_about(tmp_path: Path) -> None:
    assert told(tmp_path, [0, 1, 2], vote=0.4) == []
