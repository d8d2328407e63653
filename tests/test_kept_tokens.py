"""A text is tokenised once, in whichever process."""

from pathlib import Path

import pytest

from weakft import kept_tokens
from weakft.end_model import EndModel
from weakft.kept_tensors import Ids
from weakft.kept_tokens import KeptTokens, tokens_file
from weakft.processors import TextProcessor

TEXTS = ["the phone is great", "", "bad \ud800", "the phone is great", "it is good"]


class Counted:
    """Takes letters for tokens, and counts the texts."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __call__(self, texts: list[str]) -> list[Ids]:
        self.asked += texts
        return [[ord(letter) for letter in text] for text in texts]


def processor_of(tiny_model: Path, max_length: int) -> TextProcessor:
    model = EndModel.from_pretrained(str(tiny_model), ["a", "b"], max_length=max_length, seed=0)
    assert isinstance(model.processor, TextProcessor)
    return model.processor


def test_a_text_is_tokenised_once(tmp_path: Path) -> None:
    file, made = tmp_path / "deep" / "tokens.safetensors", Counted()
    first = KeptTokens(file).of(TEXTS, made)
    again = KeptTokens(file).of([*TEXTS[::-1], "new"], made)
    assert made.asked == [*dict.fromkeys(TEXTS), "new"]
    assert first == Counted()(TEXTS)
    assert again == [*first[::-1], [ord(letter) for letter in "new"]]


def test_too_many_are_cut_to_those_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_tokens, "MOST_KEPT", 3)
    file, made = tmp_path / "tokens.safetensors", Counted()
    KeptTokens(file).of(["a", "b", "c"], made)
    KeptTokens(file).of(["d", "a"], made)
    KeptTokens(file).of(["a", "d"], made)
    assert made.asked == ["a", "b", "c", "d"]
    KeptTokens(file).of(["b"], made)
    assert made.asked[-1] == "b"


def test_a_broken_file_is_made_anew(tmp_path: Path) -> None:
    file, made = tmp_path / "tokens.safetensors", Counted()
    KeptTokens(file).of(["a"], made)
    file.write_bytes(file.read_bytes()[:20])
    assert KeptTokens(file).of(["a"], made) == [[97]]
    assert made.asked == ["a", "a"]


def test_a_processor_that_remembers_says_the_same(tiny_model: Path, tmp_path: Path) -> None:
    texts = [text for text in TEXTS if text.isascii()]
    plain = processor_of(tiny_model, 8).encode(texts)
    for _ in range(2):
        remembering = processor_of(tiny_model, 8)
        remembering.keep_in(tmp_path)
        assert remembering.encode(texts) == plain
    assert len(list(tmp_path.iterdir())) == 1


def test_what_is_read_otherwise_is_another_file(tiny_model: Path, tmp_path: Path) -> None:
    short, long = processor_of(tiny_model, 4), processor_of(tiny_model, 8)
    names = {tokens_file(short.saved, 4, tmp_path), tokens_file(long.saved, 8, tmp_path)}
    long.saved.add_tokens(["phone-like"])
    names.add(tokens_file(long.saved, 8, tmp_path))
    assert len(names) == 3
