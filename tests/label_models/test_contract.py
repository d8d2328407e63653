"""What every label model promises."""

from pathlib import Path

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from weakft import LabelMatrix, make_label_model
from weakft.errors import ConfigError, DataError
from weakft.label_models import LABEL_MODELS, load_label_model
from weakft.label_models.registry import save_label_model

NAMES = sorted(LABEL_MODELS)
every_model = pytest.mark.parametrize("name", NAMES)


def simulated(n: int = 600, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Six independent LFs of accuracy .8 and coverage .6 on two classes."""
    rng = np.random.default_rng(seed)
    gold = rng.integers(0, 2, n)
    right = rng.random((n, 6)) < 0.8
    votes = np.where(right, gold[:, None], 1 - gold[:, None])
    return np.where(rng.random((n, 6)) < 0.6, votes, -1).astype(np.int8), gold


@every_model
def test_posteriors_are_distributions_and_recover_the_truth(name: str) -> None:
    L, gold = simulated()
    probs = make_label_model(name, 2).fit(L).predict_proba(L)
    assert probs.shape == (600, 2)
    assert probs.sum(axis=1) == pytest.approx(1)
    covered = (L >= 0).any(axis=1)
    assert (probs.argmax(axis=1) == gold)[covered].mean() > 0.85
    assert probs[~covered] == pytest.approx(0.5)


@every_model
@given(hnp.arrays(np.int8, st.tuples(st.integers(1, 12), st.just(4)), elements=st.integers(-1, 2)))
@settings(max_examples=15, deadline=None)
def test_no_matrix_gives_nan(name: str, L: np.ndarray) -> None:
    if not (L >= 0).any():
        return
    probs = make_label_model(name, 3).fit(L).predict_proba(L)
    assert np.isfinite(probs).all()
    assert probs.sum(axis=1) == pytest.approx(1)


@every_model
def test_the_same_input_gives_the_same_bytes_and_leaves_random_state_alone(name: str) -> None:
    L, _ = simulated()
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    first = make_label_model(name, 2, seed=3).fit(L).predict_proba(L)
    second = make_label_model(name, 2, seed=3).fit(L).predict_proba(L)
    assert first.tobytes() == second.tobytes()
    assert (np.random.get_state()[1] == before).all()  # noqa: NPY002


@every_model
def test_a_model_survives_the_disk(name: str, tmp_path: Path) -> None:
    L, gold = simulated()
    model = make_label_model(name, 2).fit(L, Y_dev=gold[:100], L_dev=L[:100])
    save_label_model(model, tmp_path / "label_model")
    loaded = load_label_model(tmp_path / "label_model")
    assert (loaded.predict_proba(L) == model.predict_proba(L)).all()
    assert not list(tmp_path.rglob("*.pkl"))


@every_model
def test_other_gold_is_learned_without_learning_the_votes_again(name: str) -> None:
    """As `fit` would from the start, and the model that was there stays as it was."""
    L, gold = simulated()
    old = make_label_model(name, 2).fit(L, Y_dev=gold[:100], L_dev=L[:100])
    before = old.predict_proba(L)
    adapted = old.adapted(1 - gold[200:350], L[200:350])
    fitted = make_label_model(name, 2).fit(L, Y_dev=1 - gold[200:350], L_dev=L[200:350])
    assert (adapted.predict_proba(L) == fitted.predict_proba(L)).all()
    assert (old.predict_proba(L) == before).all()


@every_model
def test_other_lfs_than_fitted_are_refused(name: str) -> None:
    L, _ = simulated()
    names = tuple("abcdef")
    ids = tuple(map(str, range(len(L))))
    model = make_label_model(name, 2).fit(LabelMatrix(L, names, ids))
    with pytest.raises(DataError, match="fitted on LFs"):
        model.predict_proba(LabelMatrix(L[:, ::-1].copy(), names[::-1], ids))
    with pytest.raises(DataError, match="fitted on LFs"):
        model.predict_proba(L[:, :5])


@every_model
def test_bad_input_is_refused(name: str) -> None:
    L, gold = simulated(60)
    model = make_label_model(name, 2)
    with pytest.raises(DataError, match="not fitted"):
        model.predict_proba(L)
    with pytest.raises(DataError, match="votes 2"):
        model.fit(np.where(L == 1, 2, L))
    with pytest.raises(DataError, match="No LF voted"):
        model.fit(np.full_like(L, -1))
    with pytest.raises(DataError, match="go together"):
        model.fit(L, Y_dev=gold)
    with pytest.raises(DataError, match="Y_dev"):
        model.fit(L, Y_dev=gold + 1, L_dev=L)


@every_model
def test_permuting_rows_permutes_posteriors(name: str) -> None:
    L, _ = simulated(200)
    order = np.random.default_rng(1).permutation(len(L))
    model = make_label_model(name, 2).fit(L)
    assert (model.predict_proba(L[order]) == model.predict_proba(L)[order]).all()


@every_model
def test_an_explanation_adds_up_to_the_posterior(name: str) -> None:
    L, gold = simulated()
    L[:, 1] = L[:, 0]  # a copy: its group is discounted
    model = make_label_model(name, 2).fit(L, Y_dev=gold[:100], L_dev=L[:100])
    for row in (*L[:20], np.full(6, -1, dtype=np.int8)):
        why = model.explain(row)
        total = np.array(why.prior) + sum(np.array(term.adds) for term in why.terms)
        if why.unit == "log_odds":
            total = np.exp(total - total.max())
            total /= total.sum()
        assert total == pytest.approx(np.array(why.probs), abs=1e-12)
        assert why.probs == pytest.approx(model.predict_proba(row[None, :])[0], abs=1e-12)
        assert [term.vote for term in why.terms] == [int(vote) for vote in row if vote >= 0]


@every_model
def test_a_row_to_explain_is_checked(name: str) -> None:
    L, _ = simulated()
    model = make_label_model(name, 2).fit(L)
    with pytest.raises(DataError, match="one row"):
        model.explain(L[:2])
    with pytest.raises(DataError, match="fitted on LFs"):
        model.explain(L[0, :3])
    with pytest.raises(DataError, match="votes 2"):
        model.explain([2, -1, -1, -1, -1, -1])


@every_model
def test_the_class_balance_is_the_prior(name: str) -> None:
    L, _ = simulated()
    model = make_label_model(name, 2, class_balance=[0.9, 0.1]).fit(L)
    assert model.predict_proba(np.full((1, 6), -1))[0] == pytest.approx([0.9, 0.1])
    for balance in ([0.9, 0.2], [1.0, 0.0], [0.5, 0.3, 0.2]):
        with pytest.raises(ConfigError, match="class_balance"):
            make_label_model(name, 2, class_balance=balance)


@every_model
def test_a_class_never_seen_and_an_lf_never_seen_do_no_harm(name: str) -> None:
    L, gold = simulated()
    L[:, 3] = -1
    model = make_label_model(name, 3).fit(L, Y_dev=gold[:100], L_dev=L[:100])
    unseen = np.full((1, 6), -1)
    unseen[0, 3] = 2
    assert np.isfinite(model.predict_proba(unseen)).all()
    assert (model.predict_proba(L).argmax(axis=1) == gold)[(L >= 0).any(axis=1)].mean() > 0.85


def test_learning_in_parts_is_learning_at_once() -> None:
    L, gold = simulated()
    whole = make_label_model("snorkel", 2).fit(L, Y_dev=gold[:60], L_dev=L[:60])
    parts = make_label_model("snorkel", 2).fit(L[:400])
    parts.partial_fit(L[400:], Y_dev=gold[:60], L_dev=L[:60])
    assert (parts.predict_proba(L) == whole.predict_proba(L)).all()


@pytest.mark.parametrize("name", ["majority_vote", "one_coin", "auto"])
def test_others_say_that_they_cannot_learn_in_parts(name: str) -> None:
    L, _ = simulated()
    model = make_label_model(name, 2).fit(L)
    with pytest.raises(ConfigError, match="all rows at once"):
        model.partial_fit(L)


@every_model
def test_a_gold_row_that_no_lf_covers_teaches_nothing(name: str) -> None:
    L, _ = simulated()
    bare = make_label_model(name, 2).fit(L).predict_proba(L)
    silent = np.full((1, 6), -1, dtype=np.int8)
    told = make_label_model(name, 2).fit(L, Y_dev=[0], L_dev=silent).predict_proba(L)
    assert (told == bare).all()


@every_model
def test_a_saved_model_keeps_its_class_balance(name: str, tmp_path: Path) -> None:
    L, gold = simulated()
    model = make_label_model(name, 2, class_balance=[0.8, 0.2])
    model.fit(L, Y_dev=gold[:100], L_dev=L[:100])
    save_label_model(model, tmp_path)
    loaded = load_label_model(tmp_path)
    silent = np.full((1, 6), -1, dtype=np.int8)
    assert loaded.predict_proba(silent)[0] == pytest.approx([0.8, 0.2])
    assert model.predict_proba(silent)[0] == pytest.approx([0.8, 0.2])


@every_model
def test_a_fit_that_fails_leaves_no_fitted_model(name: str) -> None:
    L, gold = simulated()
    model = make_label_model(name, 2)
    with pytest.raises(DataError):
        model.fit(L, Y_dev=gold[:5], L_dev=L[:4])
    with pytest.raises(DataError, match="not fitted"):
        model.predict_proba(L)


def test_a_loaded_model_learns_on_as_the_original(tmp_path: Path) -> None:
    L, _ = simulated()
    model = make_label_model("snorkel", 2).fit(L[:301])
    save_label_model(model, tmp_path)
    loaded = load_label_model(tmp_path).partial_fit(L[301:])
    assert (loaded.predict_proba(L) == model.partial_fit(L[301:]).predict_proba(L)).all()
    assert (model.predict_proba(L) == make_label_model("snorkel", 2).fit(L).predict_proba(L)).all()


def test_a_model_of_a_kind_that_is_gone_is_refused_as_data(tmp_path: Path) -> None:
    save_label_model(make_label_model("snorkel", 2).fit(simulated()[0]), tmp_path)
    about = tmp_path / "label_model.json"
    about.write_text(about.read_text().replace('"name": "snorkel"', '"name": "flying_squid"'))
    with pytest.raises(DataError, match="'flying_squid', made by another version"):
        load_label_model(tmp_path)


def test_unknown_names_and_one_class_are_refused() -> None:
    with pytest.raises(ConfigError, match="majority_vote"):
        make_label_model("majorityvote", 2)
    with pytest.raises(ConfigError, match=r"'flying_squid'\. It is no longer there: .*one_coin"):
        make_label_model("flying_squid", 2)
    with pytest.raises(ConfigError, match="at least 2 classes"):
        make_label_model("auto", 1)
