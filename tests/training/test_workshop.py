"""What a workshop keeps between nights is what it would compute anew."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from weakft import SoftLabels
from weakft.config import TrainConfig
from weakft.end_model import Embeddings, EndModel
from weakft.errors import DataError
from weakft.pipeline.fitting import _refuse_one_class
from weakft.processors import TextProcessor
from weakft.training.stand_ins import rows_labelled
from weakft.training.workshop import Workshop

TEXTS = ("the phone is great", "bad", "the screen was very poor", "it is good", "bad")


@pytest.fixture
def shop(tiny_model: Path, tmp_path: Path) -> Workshop:
    settings = TrainConfig(model=str(tiny_model), max_length=16)
    n = len(TEXTS)
    soft = SoftLabels(np.full((n, 2), 0.5), np.full(n, True), tuple("abcde"), ("x", "y"))
    votes = np.zeros((n, 1), dtype=np.int8)
    return Workshop(("x", "y"), settings, TEXTS, soft, votes, cache=tmp_path)


@pytest.fixture
def embedded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The texts that a model was run on."""
    seen: list[str] = []
    embed = EndModel.embed

    def told(model: EndModel, texts: Sequence[str], **settings: object) -> Embeddings:
        seen.extend(texts)
        return embed(model, texts, **settings)  # type: ignore[arg-type]

    monkeypatch.setattr(EndModel, "embed", told)
    return seen


def test_a_text_is_embedded_once(shop: Workshop, embedded: list[str]) -> None:
    assert np.allclose(shop.embeddings, shop.fresh_model().embed(TEXTS), atol=1e-6)
    embedded.clear()
    tomorrow = replace(shop, texts=(*TEXTS, "and new"))
    assert np.array_equal(tomorrow.embeddings[:5], shop.embeddings)
    assert embedded == ["and new"]


def test_another_encoder_embeds_anew(shop: Workshop, embedded: list[str], tmp_path: Path) -> None:
    before = shop.embed(TEXTS)
    model = shop.fresh_model()
    next(iter(model.model.base_model.parameters())).data += 1
    model.save(tmp_path / "other")
    embedded.clear()
    settings = shop.settings.model_copy(update={"model": str(tmp_path / "other")})
    other = replace(shop, settings=settings)
    assert not np.allclose(other.embed(TEXTS), before)
    assert set(embedded) == set(TEXTS)


def test_a_text_is_tokenised_once(shop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    tokens = TextProcessor._tokens

    def told(processor: TextProcessor, texts: list[str]) -> list[list[int]]:
        asked.extend(texts)
        return tokens(processor, texts)

    monkeypatch.setattr(TextProcessor, "_tokens", told)
    first, second = shop.fresh_model(), shop.fresh_model()
    assert first.processor.encode(TEXTS) == second.processor.encode(TEXTS)
    assert asked == list(dict.fromkeys(TEXTS))
    monkeypatch.setattr("weakft.processors.MOST_REMEMBERED", 0)
    assert len(first.processor.encode(["beyond", "what", "is kept"])) == 3
    assert asked[-3:] == ["beyond", "what", "is kept"]


def test_rows_labelled_are_of_the_class_and_among_its_surer_half(shop: Workshop) -> None:
    texts = tuple(f"text {row}" for row in range(10))
    yes = np.array([0.9, 0.8, 0.7, 0.6, 0.1, 0.1, 0.1, 0.1, 0.1, 0.99])
    soft = SoftLabels(np.stack([1 - yes, yes], axis=1), np.arange(10) < 9, texts, ("x", "y"))
    votes = np.tile(np.array([0, 1], dtype=np.int8), (10, 1))
    settings = shop.settings.model_copy(update={"relabel": False})
    pool = replace(shop, settings=settings, texts=texts, soft=soft, votes=votes)
    assert rows_labelled(pool, 1, most=5).tolist() == [0, 1]
    assert len(rows_labelled(pool, 0, most=3)) == 3
    ties = SoftLabels(np.full((10, 2), 0.5), np.full(10, True), texts, ("x", "y"))
    assert len(rows_labelled(replace(pool, soft=ties), 0, most=3)) == 0


def test_ties_alone_are_refused() -> None:
    ties = SoftLabels(np.full((2, 2), 0.5), np.full(2, True), ("a", "b"), ("x", "y"))
    with pytest.raises(DataError, match="classes tie"):
        _refuse_one_class(None, ties, None)  # type: ignore[arg-type]
