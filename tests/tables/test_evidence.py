"""No number goes without its evidence, and what has none is not given any."""

import numpy as np
import pandas as pd
import pytest

from weakft.intervals import jeffreys
from weakft.label_models import make_label_model
from weakft.labels import TIE, hard_labels
from weakft.tables.evidence import (
    class_scores,
    estimates_against_dev,
    label_models_compared,
    ways_compared,
    what_to_do,
)


@pytest.mark.parametrize(
    ("estimate", "beside"),
    [(0.49, "too low"), (0.5, "within"), (0.7, "within"), (0.71, "too high"), (None, None)],
)
def test_an_estimate_is_held_against_dev(estimate: float | None, beside: str | None) -> None:
    lfs = pd.DataFrame(
        {"estimated_accuracy": [estimate], "accuracy_low": [0.5], "accuracy_high": [0.7]}
    )
    assert estimates_against_dev(lfs) == [beside]


def test_without_dev_nothing_is_held_against_it() -> None:
    lfs = pd.DataFrame(
        {"estimated_accuracy": [0.9], "accuracy_low": [None], "accuracy_high": [None]}
    )
    assert estimates_against_dev(lfs) == [None]


def test_label_models_are_judged_on_the_covered_gold_rows() -> None:
    rng = np.random.default_rng(0)
    gold = rng.integers(0, 2, 80)
    L = np.where(rng.random((80, 4)) < 0.7, gold[:, None], 1 - gold[:, None])
    L[rng.random(L.shape) < 0.6] = -1
    covered = int((L >= 0).any(axis=1).sum())
    assert 30 <= covered < 80
    auto = make_label_model("auto", 2).fit(L, Y_dev=gold, L_dev=L)
    table = label_models_compared(auto.details()["candidates"])
    assert len(table) == 6
    for row in table.to_dict("records"):
        hits = round(row["accuracy"] * covered)
        share = jeffreys(hits, covered)
        assert share is not None
        assert row["accuracy_support"] == covered
        assert (row["accuracy_low"], row["accuracy_high"]) == (share.low, share.high)
    vote = table.set_index("name").loc["majority_vote"]
    predicted = hard_labels(make_label_model("majority_vote", 2).fit(L).predict_proba(L))
    assert (predicted[(L >= 0).any(axis=1)] == TIE).any(), "which is not right"
    assert vote["accuracy"] == pytest.approx((predicted == gold)[(L >= 0).any(axis=1)].mean())


def test_label_models_without_gold_have_no_evidence() -> None:
    L = np.random.default_rng(0).integers(-1, 2, (50, 4))
    table = label_models_compared(make_label_model("auto", 2).fit(L).details()["candidates"])
    assert (table["accuracy_support"] == 0).all()
    assert table[["accuracy", "accuracy_low", "negative_log_likelihood_low"]].isna().all(axis=None)


def test_label_models_of_an_older_run_have_no_interval() -> None:
    old = {"name": "one_coin", "negative_log_likelihood": 0.5, "standard_error": 0.1}
    (row,) = label_models_compared([{**old, "accuracy": 0.8, "note": ""}]).to_dict("records")
    assert (row["accuracy"], row["accuracy_support"]) == (0.8, 0)
    assert np.isnan(row["accuracy_low"])
    assert row["negative_log_likelihood_low"] == pytest.approx(0.5 - 1.96 * 0.1)
    assert row["negative_log_likelihood_high"] == pytest.approx(0.5 + 1.96 * 0.1)


def test_ways_to_use_gold_are_counted_on_the_rows_they_were_judged_on() -> None:
    told = {"recipe": "mix", "accuracy": 3 / 7, "rows": 7, "negative_log_likelihood": 0.6}
    mix, bare = ways_compared([told, {"recipe": "only", "rows": 7}]).to_dict("records")
    share = jeffreys(3, 7)
    assert share is not None
    assert (mix["accuracy"], mix["accuracy_support"]) == (3 / 7, 7)
    assert (mix["accuracy_low"], mix["accuracy_high"]) == (share.low, share.high)
    assert bare["accuracy_support"] == 0
    assert np.isnan(bare["accuracy_low"])


def test_f1_has_an_interval_and_a_class_nobody_met_has_none() -> None:
    """Of a there are 50 rows and 60 said to be, 50 of both kinds: J = 50 / 60, F1 = 100 / 110."""
    scores = [("a", 60, 50), ("b", 40, 50), ("never right", 3, 0), ("c", 0, 0)]
    told = {
        "confusion": [[50, 0, 0, 0], [10, 40, 3, 0], [0, 0, 0, 0], [0, 0, 0, 0]],
        "classes": [
            {"class": name, "f1": 0.5, "precision_support": said, "recall_support": gold}
            for name, said, gold in scores
        ],
    }
    a, b, wrong, c = class_scores(told).to_dict("records")
    assert (a["f1"], a["f1_support"]) == (pytest.approx(100 / 110), 60)
    share = jeffreys(50, 60)
    assert share is not None
    assert a["f1_low"] == pytest.approx(2 * share.low / (1 + share.low))
    assert a["f1_high"] == pytest.approx(2 * share.high / (1 + share.high))
    assert (b["f1"], b["f1_support"]) == (pytest.approx(80 / 93), 53)
    assert (wrong["f1"], wrong["f1_low"], wrong["f1_support"]) == (0, 0, 3)
    assert wrong["f1_high"] > 0.5, "three rows prove little"
    assert c["f1_support"] == 0
    assert np.isnan([c["f1"], c["f1_low"], c["f1_high"]]).all()


def test_copies_that_the_label_model_sees_through_count_once() -> None:
    pair = {"first": "a", "second": "b", "votes_first": 30, "votes_second": 40}
    groups = [{"lfs": ["c", "a"]}, {"lfs": ["b", "x", "a"]}]
    (twice,) = what_to_do([pair], groups[:1])
    assert twice == "Merge them, or drop a: they count twice."
    (once,) = what_to_do([pair], groups)
    assert once.endswith(": they count as little more than one already.")
    (other,) = what_to_do([{**pair, "votes_first": 41}], [])
    assert "drop b" in other
