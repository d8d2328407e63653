"""Gold and votes that cannot teach a class: a clear sentence, and no class given up in silence."""

import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from tests.cli.test_commands import refused, weakft
from tests.conftest import CONFIG

THREE = CONFIG.replace('["bad", "good"]', '["bad", "good", "odd"]')
NO_GOLD = "\n".join(
    line for line in CONFIG.splitlines() if not line.startswith(("dev", "valid", "test"))
)
SWAPPED = """
from weakft import keyword_lf

praises = keyword_lf("praises", ["great", "love", "perfect", "good"], 0)
blames = keyword_lf("blames", ["bad", "broke", "awful", "poor"], 1)
exclaims = keyword_lf("exclaims", ["love", "great"], 0)
"""
ONE_CLASS = """
from weakft import keyword_lf

praises = keyword_lf("praises", ["great", "love"], 1)
perfect = keyword_lf("perfect", ["perfect"], 1)
good = keyword_lf("good", ["good"], 1)
"""

Make = Callable[..., Path]


def test_classes_with_next_to_no_gold_are_named(make_project: Make) -> None:
    root = make_project(THREE)
    gold = "Gold of dev and valid has no row of 'odd'. So little can neither teach a class nor tell"
    (learned, scored) = weakft("check", "--project", root)["warnings"]
    assert learned.startswith(gold)
    assert scored == "test has no gold row of 'odd': no score there says anything about them."

    rows = pd.read_parquet(root / "data" / "valid.parquet")
    one = pd.DataFrame({"id": ["one"], "text": ["how odd"], "label": ["odd"]})
    pd.concat([rows, one]).to_parquet(root / "data" / "valid.parquet", index=False)
    (learned, _) = weakft("check", "--project", root)["warnings"]
    assert learned.startswith("Gold of dev and valid has one row each of 'odd'.")


def test_too_many_classes_are_refused_without_listing_them(make_project: Make) -> None:
    classes = json.dumps([f"class {k}" for k in range(1001)])
    root = make_project(CONFIG.replace('["bad", "good"]', classes))
    said = refused("run", "--project", root, code=2)
    assert "wanted 2 to 1000 classes, got 1001" in said
    assert "'class 19' and 981 more]" in said
    assert "class 20" not in said


def test_lfs_for_one_class_without_gold_are_refused(make_project: Make) -> None:
    root = make_project(NO_GOLD, ONE_CLASS)
    said = refused("run", "--project", root, code=3)
    assert said.startswith("Every covered row is labelled 'good', and no gold says otherwise")


def test_votes_that_contradict_gold_are_said(make_project: Make) -> None:
    """Of 24 covered gold rows the label model learns it; of fewer it does not, and is wrong."""
    root = make_project(CONFIG, SWAPPED)
    for rows, sentence in [
        (24, "per_class takes every LF for worse than chance. Do LFs and gold number the classes"),
        (16, "The labels contradict gold: right on 0.00 [0.00, 0.1"),
    ]:
        dev = pd.read_parquet(root / "data" / "dev.parquet")
        dev[:rows].to_parquet(root / "data" / "dev.parquet", index=False)
        weakft("apply", "--project", root)
        warnings = weakft("label", "--project", root)["metrics"]["labels"]["warnings"]
        assert any(each.startswith(sentence) for each in warnings), warnings
