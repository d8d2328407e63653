"""Which model is meant, and what is no model."""

import hashlib
import json
import shutil
from pathlib import Path

import pytest
import torch
import transformers
from transformers import AutoTokenizer

from weakft.end_model import EndModel, batches_by_length
from weakft.errors import ModelNotFound
from weakft.pretrained import model_source

DEFAULT_WEIGHTS = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"


def test_the_default_model_is_the_hubs_own_file() -> None:
    weights = Path(model_source("default")) / "model.safetensors"
    assert hashlib.sha256(weights.read_bytes()).hexdigest() == DEFAULT_WEIGHTS


def test_a_folder_that_is_no_model_is_refused(tmp_path: Path) -> None:
    for content in (None, "{", '{"model_type": "nothing-known"}'):
        if content is not None:
            (tmp_path / "config.json").write_text(content)
        with pytest.raises(ModelNotFound, match="is no model"):
            EndModel.from_pretrained(str(tmp_path), ["a", "b"], max_length=8, seed=0)


def test_code_in_a_model_folder_is_never_run(tiny_model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "hostile"
    shutil.copytree(tiny_model, folder)
    config = json.loads((folder / "config.json").read_text())
    config["model_type"] = "made_up"
    config["auto_map"] = {"AutoConfig": "evil.Evil", "AutoModelForSequenceClassification": "evil.E"}
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "evil.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w').close()\n")
    with pytest.raises(ModelNotFound):
        EndModel.from_pretrained(str(folder), ["a", "b"], max_length=8, seed=0)
    assert not (tmp_path / "ran").exists()


def test_a_model_without_its_tokenizer_or_weights_is_refused(
    tiny_model: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "model"
    shutil.copytree(tiny_model, folder)
    (folder / "model.safetensors").write_bytes(b"broken")
    with pytest.raises(ModelNotFound):
        EndModel.from_pretrained(str(folder), ["a", "b"], max_length=8, seed=0)
    shutil.copy(tiny_model / "model.safetensors", folder)
    for file in folder.glob("*token*"):
        file.unlink()
    with pytest.raises(ModelNotFound, match="token"):
        EndModel.from_pretrained(str(folder), ["a", "b"], max_length=8, seed=0)


def test_the_head_follows_the_seed_and_the_classes(tiny_model: Path) -> None:
    def head(seed: int) -> list[float]:
        model = EndModel.from_pretrained(str(tiny_model), "abc", max_length=8, seed=seed)
        assert model.classes == ("a", "b", "c")
        return model.model.classifier.weight.flatten().tolist()

    assert head(0) == head(0) != head(1)


def test_a_stored_head_stays_where_its_classes_are_the_same(
    tiny_model: Path, tmp_path: Path
) -> None:
    stored = EndModel.from_pretrained(str(tiny_model), "ab", max_length=8, seed=5)
    stored.model.config.problem_type = "multi_label_classification"
    stored.save(tmp_path)
    for classes, stays in (("ab", True), ("ba", False), ("cd", False), ("abc", False)):
        model = EndModel.from_pretrained(str(tmp_path), classes, max_length=8, seed=0)
        assert model.classes == tuple(classes)
        heads = model.model.classifier.weight, stored.model.classifier.weight
        assert torch.equal(*heads) == stays
        assert torch.equal(*(m.bert.pooler.dense.weight for m in (model.model, stored.model)))
        assert model.model.config.problem_type == "single_label_classification"
    EndModel(stored.model.half(), stored.processor).save(tmp_path / "half")
    half = EndModel.from_pretrained(str(tmp_path / "half"), "cd", max_length=8, seed=0)
    assert {p.dtype for p in half.model.parameters()} == {torch.float32}


TINY = {"vocab_size": 20, "hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2}


def made(kind: str, tiny_model: Path, folder: Path, **config: int) -> str:
    """A folder with a new model of this kind and the tiny tokenizer."""
    shutil.copytree(tiny_model, folder, dirs_exist_ok=True)
    settings = getattr(transformers, f"{kind}Config")(**config)
    getattr(transformers, f"{kind}ForSequenceClassification")(settings).save_pretrained(folder)
    return str(folder)


@pytest.mark.parametrize("kind", ["Roberta", "MPNet"])
def test_positions_that_begin_behind_the_paddings_are_not_counted(
    kind: str, tiny_model: Path, tmp_path: Path
) -> None:
    sizes = {**TINY, "intermediate_size": 8, "max_position_embeddings": 18, "pad_token_id": 1}
    folder = made(kind, tiny_model, tmp_path / "m", **sizes)
    model = EndModel.from_pretrained(folder, "ab", max_length=999, seed=0)
    assert model.processor.max_length == 16
    texts = ["great " * 100, "bad"]
    probs = model.predict_proba(texts)
    model.save(tmp_path / "saved")
    assert (EndModel.load(tmp_path / "saved").predict_proba(texts) == probs).all()


def test_a_model_without_positions_reads_max_length_tokens(
    tiny_model: Path, tmp_path: Path
) -> None:
    sizes = {"vocab_size": 20, "d_model": 8, "n_layer": 1, "n_head": 2, "d_inner": 8}
    folder = made("XLNet", tiny_model, tmp_path / "m", **sizes)
    model = EndModel.from_pretrained(folder, "ab", max_length=40, seed=0)
    assert len(model.processor.encode(["great " * 100])[0]) == 40


@pytest.mark.parametrize("kind", ["Bart", "T5"])
def test_a_model_of_two_halves_is_refused(kind: str, tiny_model: Path, tmp_path: Path) -> None:
    sizes = {"vocab_size": 20, "d_model": 16, "num_layers": 1, "d_ff": 8, "d_kv": 4}
    layers = {"encoder_layers": 1, "decoder_layers": 1}
    folder = made(kind, tiny_model, tmp_path / "m", **sizes, **layers)
    with pytest.raises(ModelNotFound, match=f"encoder and a decoder.*{kind.lower()}.*such as BERT"):
        EndModel.from_pretrained(folder, "ab", max_length=8, seed=0)


def test_a_tokenizer_that_knows_more_than_the_model_is_refused(
    tiny_model: Path, tmp_path: Path
) -> None:
    shutil.copytree(tiny_model, tmp_path / "m")
    tokenizer = AutoTokenizer.from_pretrained(tiny_model)
    tokenizer.add_special_tokens({"pad_token": "<|pad|>"})
    tokenizer.save_pretrained(tmp_path / "m")
    with pytest.raises(
        ModelNotFound, match=r"21 tokens, the model 20.*resize_token_embeddings\(21"
    ):
        EndModel.from_pretrained(str(tmp_path / "m"), "ab", max_length=8, seed=0)


@pytest.mark.parametrize("known", [{}, {"pad_token_id": 7}])
def test_an_answer_does_not_hang_on_the_batch(
    known: dict[str, int], tiny_model: Path, tmp_path: Path
) -> None:
    sizes = {"vocab_size": 20, "n_embd": 8, "n_layer": 1, "n_head": 2}
    folder = made("GPT2", tiny_model, tmp_path / "m", **sizes, **known)
    AutoTokenizer.from_pretrained(folder, padding_side="left").save_pretrained(folder)
    model = EndModel.from_pretrained(folder, "ab", max_length=32, seed=0)
    alone, beside = (model.predict_proba(texts)[0] for texts in (["bad"], ["bad", "it is good"]))
    assert beside == pytest.approx(alone, abs=1e-6)


def test_texts_are_cut_to_what_the_model_takes(tiny_model: Path) -> None:
    model = EndModel.from_pretrained(str(tiny_model), "ab", max_length=999, seed=0)
    assert model.processor.max_length == 32
    assert len(model.processor.encode(["great " * 100])[0]) == 32


def test_batches_hold_every_row_once_and_stay_within_the_budget() -> None:
    lengths = [5, 1, 9, 9, 3, 20, 2, 2]
    batches = batches_by_length(lengths, 18)
    assert sorted(row for batch in batches for row in batch) == list(range(8))
    assert all(len(b) == 1 or len(b) * max(lengths[r] for r in b) <= 18 for b in batches)


def test_a_few_texts_at_a_time_have_the_same_tokens(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = [f"the phone is {word}" for word in ("great", "bad", "poor", "good", "awful")]

    def tokens() -> list[list[int]]:
        model = EndModel.from_pretrained(str(tiny_model), "ab", max_length=16, seed=0)
        return list(model.processor.encode(texts))

    together = tokens()
    monkeypatch.setattr("weakft.processors.TEXTS_AT_ONCE", 2)
    assert tokens() == together


def test_texts_that_are_not_read_to_their_end_are_counted(tiny_model: Path) -> None:
    model = EndModel.from_pretrained(str(tiny_model), ["a", "b"], max_length=6, seed=0)
    texts = ["the phone is great", "the phone is very great", "bad", "it " * 40]
    assert model.processor.cut_off(texts) == 2
    assert model.processor.cut_off(["bad"]) == 0
