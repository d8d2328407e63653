"""One paragraph says what was chosen for a project, with the numbers it rests on."""

from typing import Any

from weakft.config import Config
from weakft.rationale import rationale

PROJECT = {"project": {"classes": ["ham", "spam"]}, "data": {"train": "train.csv"}}
LABELS = {
    "chosen": "one_coin",
    "reason": "Took one_coin: negative log-likelihood 0.310 per covered gold row.",
    "class_shares": {"ham": 0.9, "spam": 0.1},
}
COMPARED = {"value": 0.7, "low": 0.6, "high": 0.8, "support": 200}
END_MODEL: dict[str, Any] = {
    "weak": {"rows": 1500, "steps": 141, "best_epoch": 2.0, "relabelled": 0.125},
    "gold": {"recipe": "mix", "rows": 60, "reason": "Gold enters by 'mix': right on 0.900."},
    "against_labels": {
        "end_model": COMPARED,
        "labels": {**COMPARED, "value": 0.75},
        "difference": {"value": -0.05, "low": -0.1, "high": 0.01, "support": 200},
    },
}


def told(train: dict[str, Any] | None = None, *, brief: bool = False, **changes: Any) -> str:  # noqa: ANN401
    config = Config.model_validate({**PROJECT, "train": train or {}})
    metrics = {"labels": LABELS, "end_model": {**END_MODEL, **changes}}
    return "\n".join(rationale(config, metrics, brief=brief))


def test_each_choice_stands_with_its_evidence() -> None:
    label_model, targets, weights, gold, steps, valid = told().splitlines()
    assert label_model.startswith("Label model: Took one_coin: negative log-likelihood 0.310")
    assert "12.5% of the covered rows" in targets
    assert "10.0% to 'spam' and 90.0% to 'ham'" in weights
    assert gold == "Gold (60 rows): Gold enters by 'mix': right on 0.900."
    assert steps.startswith("Steps: 141 on 1,500 weak rows")
    assert "epoch 2 was taken" in steps
    assert "scores macro-F1 0.700 and the labels 0.750 (difference -0.050" in valid


def test_why_votes_alone_is_said() -> None:
    weak = {**END_MODEL["weak"], "relabelled": None}
    assert "since train.relabel is false" in told({"relabel": False}, weak=weak)
    assert "fewer than 40" in told(weak=weak)


def test_a_brief_one_leaves_out_what_stands_elsewhere() -> None:
    assert "Label model" not in told(brief=True)
    assert "Gold (" not in told(brief=True)


def test_a_run_of_an_older_weakft_tells_what_it_knows() -> None:
    config = Config.model_validate(PROJECT)
    older = {"labels": LABELS, "end_model": {"train": {"rows": 5}}}
    assert rationale(config, older)[1:] == ["Gold: none was used."]
