"""What answers elsewhere answers what weakft scored: pipelines, tokenizers, ONNX, MLflow."""

import json
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch
import transformers
from tokenizers import Tokenizer

from tests.families import FAMILIES, POSITIONS, general, write_pretrained
from weakft.config import Config
from weakft.end_model import EndModel
from weakft.errors import ModelNotFound
from weakft.interop import onnx_model
from weakft.interop.mlflow.facts import Facts
from weakft.interop.mlflow.model import write_mlflow_files
from weakft.interop.mlflow.tracker import quiet_mlflow
from weakft.labels import Probs
from weakft.model_card import model_card
from weakft.runs import RunFolder
from weakft.training.strategies.virtual_tokens import with_virtual_tokens

CLASSES = ("no", "yes")
MAX_LENGTH = 24
TEXTS = [
    "the phone is great",
    "bad",
    "Zebra, xylophone: quest",
    "it is very very zany " * 3,
    "the camera broke and is bad " * POSITIONS,
    "love " * 600,
]
PIPELINES = """
import json, sys
sys.modules["weakft"] = None
from transformers import pipeline

texts, folders = json.load(sys.stdin)
answers = {}
for folder in folders:
    classify = pipeline("text-classification", model=folder, truncation=True)
    found = [classify(texts, top_k=None), [classify(text, top_k=None) for text in texts]]
    if "MobileBert" not in folder:  # which sees the padding of a batch
        found.append(classify(texts, top_k=None, batch_size=4))
    answers[folder] = [[{s["label"]: s["score"] for s in row} for row in each] for each in found]
print(json.dumps(answers))
"""


def trained(kind: str, folder: Path) -> tuple[Path, Probs]:
    """An end model saved as a run saves it, its weights as far apart as if it had learned."""
    base = write_pretrained(kind, folder / "base" / kind)
    model = EndModel.from_pretrained(str(base), CLASSES, max_length=MAX_LENGTH, seed=0)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        for parameter in model.model.parameters():
            parameter.data += 0.3 * torch.randn_like(parameter)
    model.save(folder / kind)
    return folder / kind, model.predict_proba(TEXTS)


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, Probs]]:
    folder = tmp_path_factory.mktemp("saved")
    return {kind: trained(kind, folder) for kind in FAMILIES}


@pytest.fixture(scope="module")
def answers(saved: dict[str, tuple[Path, Probs]]) -> dict[str, list[Probs]]:
    """What pipelines answer in a process without weakft: at once, one by one, in batches."""
    asked = json.dumps([TEXTS, [str(folder) for folder, _ in saved.values()]])
    done = subprocess.run(
        [sys.executable, "-c", PIPELINES], input=asked, capture_output=True, text=True, check=True
    )
    found = json.loads(done.stdout)
    return {
        kind: [
            np.array([[row[name] for name in CLASSES] for row in each])
            for each in found[str(folder)]
        ]
        for kind, (folder, _) in saved.items()
    }


@pytest.mark.parametrize("kind", FAMILIES)
def test_a_pipeline_without_weakft_answers_what_was_scored(
    kind: str, saved: dict[str, tuple[Path, Probs]], answers: dict[str, list[Probs]]
) -> None:
    folder, probs = saved[kind]
    assert len({tuple(row) for row in probs.round(6).tolist()}) == len(TEXTS)
    for each in (*answers[kind], EndModel.load(folder).predict_proba(TEXTS)):
        assert each == pytest.approx(probs, abs=1e-5)


@pytest.mark.parametrize("kind", FAMILIES)
def test_the_saved_tokenizer_gives_what_the_model_was_fed(
    kind: str, saved: dict[str, tuple[Path, Probs]]
) -> None:
    model = EndModel.load(saved[kind][0])
    tokenizer = transformers.AutoTokenizer.from_pretrained(saved[kind][0])
    fed = model.processor.batch(model.processor.encode(TEXTS))
    default = tokenizer(TEXTS, truncation=True, padding=True, return_tensors="pt")
    assert {*default} == {*fed}
    for name, part in fed.items():
        assert torch.equal(part, default[name]), name
    alone = Tokenizer.from_file(str(saved[kind][0] / "tokenizer.json")).encode_batch(TEXTS)
    assert [entry.ids for entry in alone] == fed["input_ids"].tolist()


def test_a_model_fed_with_token_types_learns_with_them(tmp_path: Path) -> None:
    base = write_pretrained("XLNet", tmp_path / "base")
    model = EndModel.from_pretrained(str(base), CLASSES, max_length=MAX_LENGTH, seed=0)
    batch = model.processor.batch(model.processor.encode(["the phone", "bad"]))
    assert batch["token_type_ids"].tolist() == [[0, 0, 0, 2], [0, 0, 0, 2]]
    assert batch["attention_mask"].tolist() == [[1, 1, 1, 1], [0, 1, 1, 1]]
    assert model.embed(["the phone", "bad"]).shape == (2, 16)
    prompted = with_virtual_tokens(model.processor.saved, 2)("the")["token_type_ids"]
    assert prompted == [0, 0, 0, 0, 2]


def test_what_weakft_does_not_feed_is_refused(tmp_path: Path) -> None:
    make = general("<cls> $A <sep>", ["[PAD]", "<unk>", "<cls>", "<sep>"], pad_token="[PAD]")
    sizes = {"hidden_size": 8, "num_hidden_layers": 1, "intermediate_size": 8}
    config = transformers.FNetConfig(vocab_size=60, **sizes)
    transformers.FNetForSequenceClassification(config).save_pretrained(tmp_path)
    make().save_pretrained(tmp_path)
    with pytest.raises(ModelNotFound, match="takes no attention_mask"):
        EndModel.from_pretrained(str(tmp_path), CLASSES, max_length=8, seed=0)


@pytest.mark.skipif(
    any(onnx_model.find_spec(name) is None for name in onnx_model.PACKAGES),
    reason="the extra onnx is not installed",
)
@pytest.mark.parametrize(
    ("kind", "names"),
    [
        ("Bert", {"input_ids", "attention_mask"}),
        ("Ernie", {"input_ids", "attention_mask", "token_type_ids"}),
    ],
)
def test_onnxruntime_answers_what_was_scored(
    kind: str, names: set[str], saved: dict[str, tuple[Path, Probs]], tmp_path: Path
) -> None:
    import onnxruntime

    folder, probs = saved[kind]
    onnx_model.export_onnx(folder, tmp_path / "model.onnx", TEXTS)
    running = onnxruntime.InferenceSession(
        str(tmp_path / "model.onnx"), providers=["CPUExecutionProvider"]
    )
    assert {entry.name for entry in running.get_inputs()} == names
    tokenizer = Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    for rows in (slice(None), slice(0, 1), slice(5, 6)):
        encoded = tokenizer.encode_batch(TEXTS[rows])
        feed = {
            "input_ids": np.array([entry.ids for entry in encoded]),
            "attention_mask": np.array([entry.attention_mask for entry in encoded]),
            "token_type_ids": np.array([entry.type_ids for entry in encoded]),
        }
        (logits,) = running.run(["logits"], {name: feed[name] for name in names})
        odds = np.exp(logits.astype(float))
        assert odds / odds.sum(axis=1, keepdims=True) == pytest.approx(probs[rows], abs=1e-5)


MANIFEST = {
    "created": "2026-11-30T12:00:00+00:00",
    "lfs": ["a"],
    "data": {},
    "lf_files": {},
    "versions": {"weakft": "1", "python": "3.11.7", "transformers": transformers.__version__},
}
LABELS = {"chosen": "majority_vote", "rows": 2, "covered": 1, "warnings": []}


def config_of(task: str) -> Config:
    return Config.model_validate(
        {
            "project": {"name": "p", "classes": list(CLASSES), "task": task},
            "data": {"train": "train.parquet", "image": "file"},
            "labeling": {"modules": ["rules.py"]},
        }
    )


@pytest.mark.parametrize("kind", ["Bert", "XLNet"])
def test_mlflow_serves_what_was_scored(
    kind: str, saved: dict[str, tuple[Path, Probs]], tmp_path: Path
) -> None:
    if find_spec("mlflow") is None:
        pytest.skip("mlflow is not installed")
    with quiet_mlflow():
        import mlflow
    run = RunFolder(tmp_path / "run-1")
    folder, probs = saved[kind]
    shutil.copytree(folder, run.model)
    metrics = {"labels": LABELS, "end_model": {}}
    target = tmp_path / "target"
    target.mkdir()
    with quiet_mlflow():
        write_mlflow_files(Facts(run, config_of("text"), MANIFEST, metrics), target, "m-1")
        shutil.copytree(run.model, target / "model")
        loaded = mlflow.pyfunc.load_model(str(target))
        native = mlflow.transformers.load_model(str(target), truncation=True)
    defaults = {each.name: each.default for each in loaded.metadata.signature.params}
    assert defaults == {"truncation": True, "max_length": MAX_LENGTH}
    for texts, wanted in ((TEXTS, probs), (TEXTS[-1:], probs[-1:])):
        served = loaded.predict(texts)
        assert served["label"].to_list() == [CLASSES[k] for k in wanted.argmax(axis=1)]
        assert served["score"].to_numpy() == pytest.approx(wanted.max(axis=1), abs=1e-5)
    scores = [{s["label"]: s["score"] for s in row} for row in native(TEXTS, top_k=None)]
    assert [score["yes"] for score in scores] == pytest.approx(probs[:, 1].tolist(), abs=1e-5)


def test_the_model_card_says_how_texts_are_cut() -> None:
    metrics = {"labels": LABELS, "end_model": {"max_length": 96}}
    card = model_card(config_of("text"), metrics, MANIFEST)
    assert "reads the first 96 tokens" in card
    assert 'pipeline("text-classification", model="FOLDER", truncation=True)' in card
    assert "truncation" not in model_card(config_of("image"), metrics, MANIFEST)
