"""What a workshop keeps between nights is what it would compute anew."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from weakft import SoftLabels
from weakft.config import TrainConfig
from weakft.end_model import Embeddings, EndModel
from weakft.processors import TextProcessor
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
    other = shop.changed({"model": str(tmp_path / "other")})
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
