"""Labels anew by the texts: rules that err alike are found out, hand labels stay."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from weakft import SoftLabels
from weakft.config import TrainConfig
from weakft.errors import DataError
from weakft.training.relabelling import relabelled
from weakft.training.workshop import Workshop

CLASSES = ("x", "y", "z")
N = 600


def clouds(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Embeddings of three kinds of texts, and which is which."""
    rng = np.random.default_rng(seed)
    gold = rng.integers(3, size=N)
    points = np.eye(3)[gold] + rng.normal(scale=0.3, size=(N, 3))
    return (points / np.linalg.norm(points, axis=1, keepdims=True)).astype(np.float32), gold


def soft_labels(labels: np.ndarray, sure: np.ndarray, covered: np.ndarray) -> SoftLabels:
    probs = np.repeat(((1 - sure) / 2)[:, None], 3, axis=1)
    probs[np.arange(N), labels] = sure
    return SoftLabels(probs, covered, tuple(map(str, range(N))), CLASSES)


def texts() -> tuple[str, ...]:
    return tuple(f"text {row}" for row in range(N))


def test_a_broad_rule_of_one_class_does_not_swallow_the_others() -> None:
    """Most rows of every class are called "x", and the labels are sure of it."""
    embeddings, gold = clouds()
    labels = np.where(np.random.default_rng(1).random(N) < 0.6, 0, gold)
    anew = relabelled(soft_labels(labels, np.full(N, 0.7), np.full(N, True)), texts(), embeddings)
    assert anew is not None
    assert (labels == gold).mean() < 0.65
    assert (anew.probs.argmax(axis=1) == gold).mean() > 0.9


def test_a_model_that_could_learn_every_row_by_heart_does_not_repeat_its_label() -> None:
    embeddings, gold = clouds()
    wrong = np.random.default_rng(1).permutation(N)[:60]
    labels = gold.copy()
    labels[wrong] = (gold[wrong] + 1) % 3
    own = np.hstack([embeddings, 5 * np.eye(N, dtype=np.float32)])
    soft = soft_labels(labels, np.full(N, 0.8), np.full(N, True))
    anew = relabelled(soft, texts(), own)
    assert anew is not None
    assert (anew.probs[wrong].argmax(axis=1) == gold[wrong]).mean() > 0.7


def test_rows_whose_classes_tie_are_labelled_by_their_texts() -> None:
    embeddings, gold = clouds()
    soft = soft_labels(gold, np.full(N, 0.7), np.full(N, True))
    probs = soft.probs.copy()
    tied = np.random.default_rng(1).random(N) < 0.4
    probs[tied] = 1 / 3
    anew = relabelled(replace(soft, probs=probs), texts(), embeddings)
    assert anew is not None
    assert (anew.hard == gold)[tied].mean() > 0.9
    assert relabelled(replace(soft, probs=np.full((N, 3), 1 / 3)), texts(), embeddings) is None


def test_rows_no_lf_covers_are_labelled_too_and_do_not_teach() -> None:
    embeddings, gold = clouds()
    covered = np.arange(N) < 300
    labels = np.where(covered, gold, 2)  # the prior of an uncovered row says nothing
    anew = relabelled(soft_labels(labels, np.full(N, 0.8), covered), texts(), embeddings)
    assert anew is not None and anew.covered.all()
    assert (anew.probs.argmax(axis=1) == gold)[~covered].mean() > 0.9
    other = relabelled(
        soft_labels(np.where(covered, gold, 0), np.full(N, 0.8), covered), texts(), embeddings
    )
    assert other is not None
    assert np.array_equal(anew.probs, other.probs)


def test_no_row_is_told_by_its_own_label_or_by_that_of_its_twin() -> None:
    """Rows of one text carry one wrong label: by others alone it is found out."""
    embeddings, gold = clouds()
    twins = np.flatnonzero(gold == 0)[:20]
    embeddings[twins] = embeddings[twins[0]]
    labels = gold.copy()
    labels[twins] = 1
    same = tuple("the same" if row in twins else text for row, text in enumerate(texts()))
    soft = soft_labels(labels, np.full(N, 0.9), np.full(N, True))
    anew = relabelled(soft, same, embeddings)
    assert anew is not None
    assert (anew.probs[twins].argmax(axis=1) == 0).all()
    assert np.ptp(anew.probs[twins], axis=0).max() < 1e-12


@pytest.mark.parametrize("seed", [1, 2])
def test_embeddings_that_know_little_do_not_outvote_the_votes(seed: int) -> None:
    """The linear model is surer than it is right, and the labels less sure than they are."""
    rng = np.random.default_rng(seed)
    gold = rng.integers(3, size=N)
    embeddings = rng.normal(size=(3, 30))[gold] * 0.3 + rng.normal(size=(N, 30))
    labels = np.where(rng.random(N) < 0.8, gold, (gold + rng.integers(1, 3, N)) % 3)
    soft = soft_labels(labels, np.full(N, 0.5), np.full(N, True))
    anew = relabelled(soft, texts(), embeddings.astype(np.float32))
    assert anew is not None
    assert (anew.probs.argmax(axis=1) == gold).mean() > (labels == gold).mean() + 0.02


def test_a_rare_class_stays_rare() -> None:
    """Three rows of a hundred; equal weight of the classes must not call a tenth of them rare."""
    rng = np.random.default_rng(0)
    gold = (rng.random(N) < 0.03).astype(int)
    points = np.eye(3)[gold] + rng.normal(scale=0.35, size=(N, 3))
    embeddings = (points / np.linalg.norm(points, axis=1, keepdims=True)).astype(np.float32)
    covered = np.arange(N) < 400
    anew = relabelled(soft_labels(gold, np.full(N, 0.85), covered), texts(), embeddings)
    assert anew is not None
    assert (anew.probs.argmax(axis=1) == gold).mean() > 0.97
    assert (anew.probs.argmax(axis=1) == 1).mean() < 0.05


def test_certain_labels_stay() -> None:
    embeddings, gold = clouds()
    labels, sure = gold.copy(), np.full(N, 0.8)
    by_hand = np.flatnonzero(gold == 0)[:5]
    labels[by_hand], sure[by_hand] = 1, 1.0
    anew = relabelled(soft_labels(labels, sure, np.full(N, True)), texts(), embeddings)
    assert anew is not None
    assert anew.probs[by_hand].tolist() == [[0, 1, 0]] * 5


@pytest.mark.parametrize("why", ["few", "one class", "blind"])
def test_where_texts_tell_nothing_the_votes_stand(why: str) -> None:
    embeddings, gold = clouds()
    covered = np.arange(N) < (39 if why == "few" else N)
    labels = np.zeros(N, dtype=int) if why == "one class" else gold
    if why == "blind":
        embeddings = np.random.default_rng(2).permutation(embeddings)
    assert relabelled(soft_labels(labels, np.full(N, 0.8), covered), texts(), embeddings) is None


def shop(tiny_model: Path) -> Workshop:
    words = ("great phone", "poor screen")
    rows = tuple(f"{words[row % 2]} {row}" for row in range(80))
    labels = np.arange(80) % 2
    labels[:6] = 1 - labels[:6]
    covered = np.arange(80) < 60
    soft = SoftLabels(np.eye(2)[labels] * 0.6 + 0.2, covered, rows, ("x", "y"))
    settings = TrainConfig(model=str(tiny_model), max_length=16)
    return Workshop(("x", "y"), settings, rows, soft, np.where(covered, labels, -1)[:, None])


def changed(read: Workshop, *, relabel: bool) -> Workshop:
    return replace(read, settings=read.settings.model_copy(update={"relabel": relabel}))


def test_weak_rows_are_those_read_anew(tiny_model: Path) -> None:
    read = shop(tiny_model)
    assert len(read.weak_rows) == 80
    assert (read.weak_rows.probs.argmax(axis=1) == np.arange(80) % 2)[60:].all()
    assert len(np.unique(read.weak_rows.weights)) > 2
    voted = changed(read, relabel=False).weak_rows
    assert len(voted) == 60
    assert np.array_equal(voted.probs, np.eye(2)[read.votes[:60, 0]])
    for rows in (read.weak_rows, voted):  # classes weigh about the same
        assert rows.weights @ rows.probs == pytest.approx([len(rows) / 2] * 2, rel=0.1)


def test_images_are_relabelled_when_asked(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = replace(shop(tiny_model), task="image")
    assert images.read_anew is None
    embeddings = np.random.default_rng(0).normal(size=(80, 4)) + 3 * (np.arange(80) % 2)[:, None]
    monkeypatch.setattr(Workshop, "embeddings", embeddings.astype(np.float32))
    assert changed(images, relabel=True).read_anew is not None


def test_nothing_covered_is_said_as_ever(tiny_model: Path) -> None:
    bare = shop(tiny_model)
    none = replace(bare.soft, covered=np.full(80, False))
    with pytest.raises(DataError, match="None of the 80 rows is covered"):
        _ = replace(bare, soft=none).weak_rows
