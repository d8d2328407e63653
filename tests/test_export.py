"""Labels and models for use elsewhere."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import yaml
from PIL import Image

from tests.cli.test_commands import refused, weakft
from tests.conftest import write_project
from tests.test_images import network, new_model
from weakft.config import Config
from weakft.end_model import EndModel
from weakft.errors import ConfigError, DataError
from weakft.interop import onnx_model
from weakft.interop.labels import WeakLabels, export_labels, read_labels
from weakft.labels import SoftLabels
from weakft.runs import RunFolder

CLASSES = ("-bad", "good: 'ü'")
TEXTS = ["=1+1", 'two\nlines, "quoted"', "fine", "both"]
PROBS = np.array([[0.75, 0.25], [0.125, 0.875], [0.3, 0.7], [0.5, 0.5]])


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    """A run of four rows, "c" uncovered, "d" a tie; texts are kept in another order."""
    folder = RunFolder(tmp_path / "run-7")
    folder.make_folders()
    folder.rows("train").parent.mkdir()
    ids = ("a", "b", "c", "d")
    SoftLabels(PROBS, np.array([True, True, False, True]), ids, CLASSES).save(folder.soft_labels)
    rows = pd.DataFrame({"id": ids, "text": TEXTS}).iloc[::-1]
    rows.to_parquet(folder.rows("train"), index=False)
    return folder


@pytest.fixture
def config() -> Config:
    return Config.model_validate(
        {
            "project": {"name": "p", "classes": list(CLASSES)},
            "data": {"train": "train.parquet", "text": "body"},
            "labeling": {"modules": ["rules.py"]},
        }
    )


@pytest.fixture
def labels(folder: RunFolder, config: Config) -> WeakLabels:
    return read_labels(folder, config)


def test_parquet_holds_what_the_label_model_says(labels: WeakLabels, tmp_path: Path) -> None:
    export_labels(labels, tmp_path / "out.parquet")
    frame = pd.read_parquet(tmp_path / "out.parquet")
    names = ["id", "text", "label", "p_-bad", "p_good: 'ü'", "covered"]
    assert list(frame.columns) == names
    assert frame["text"].tolist() == TEXTS
    assert frame["label"].tolist()[:2] == list(CLASSES)
    assert frame["label"].isna().tolist() == [False, False, True, True]
    assert frame[names[3:5]].to_numpy() == pytest.approx(PROBS)
    assert frame["covered"].tolist() == [True, True, False, True]


def test_csv_is_safe_in_a_spreadsheet(labels: WeakLabels, tmp_path: Path) -> None:
    export_labels(labels, tmp_path / "out.csv")
    frame = pd.read_csv(tmp_path / "out.csv", dtype="str", keep_default_na=False)
    assert frame["text"].tolist() == ["'=1+1", *TEXTS[1:]]
    assert frame["label"].tolist() == ["'-bad", CLASSES[1], "", ""]
    assert frame["p_-bad"].tolist() == ["0.750000", "0.125000", "0.300000", "0.500000"]


def test_label_studio_gets_no_prediction_where_there_is_no_label(
    labels: WeakLabels, tmp_path: Path
) -> None:
    export_labels(labels, tmp_path / "out.json")
    tasks = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
    assert [len(task["predictions"]) for task in tasks] == [1, 1, 0, 0]


def test_a_dataset_folder_says_what_is_in_it(labels: WeakLabels, tmp_path: Path) -> None:
    target = tmp_path / "dataset"
    for _ in range(2):  # an earlier export is replaced
        export_labels(labels, target)
    files = {str(p.relative_to(target)) for p in target.rglob("*") if p.is_file()}
    assert files == {"README.md", "data/train-00000-of-00001.parquet"}
    table = pq.read_table(target / "data" / "train-00000-of-00001.parquet")
    assert table["label"].to_pylist() == [0, 1, None, None]
    assert table["text"].to_pylist() == TEXTS
    card = yaml.safe_load((target / "README.md").read_text().split("---\n")[1])
    features = {f["name"]: f["dtype"] for f in card["dataset_info"]["features"]}
    assert list(features) == table.column_names
    assert features.pop("label") == {"class_label": {"names": {"0": CLASSES[0], "1": CLASSES[1]}}}
    arrow = {field.name: str(field.type) for field in table.schema}
    assert {name: arrow[name].replace("double", "float64") for name in features} == features
    (split,) = card["dataset_info"]["splits"]
    assert (split["name"], split["num_examples"]) == ("train", 4)
    described = json.loads(table.schema.metadata[b"huggingface"])["info"]["features"]
    assert described["label"] == {"names": list(CLASSES), "_type": "ClassLabel"}


def test_other_peoples_files_are_left_alone(labels: WeakLabels, tmp_path: Path) -> None:
    target = tmp_path / "mine"
    target.mkdir()
    (target / "thesis.txt").write_text("precious")
    with pytest.raises(DataError, match="holds something else"):
        export_labels(labels, target)
    for wrong in (tmp_path / "out.xlsx", tmp_path / "missing" / "out.csv"):
        with pytest.raises(DataError, match="wanted a file"):
            export_labels(labels, wrong)
    assert [path.name for path in target.iterdir()] == ["thesis.txt"]


def test_hidden_columns_stay_hidden(folder: RunFolder, config: Config, tmp_path: Path) -> None:
    assert list(read_labels(folder, config, ["body"]).frame)[:2] == ["id", "label"]
    assert "id" not in read_labels(folder, config, ["id"]).frame
    was_hidden = config.model_validate(config.model_dump() | {"privacy": {"hidden": ["body"]}})
    labels = read_labels(folder, was_hidden)
    assert "text" not in labels.frame
    for name in ("out.csv", "dataset"):
        export_labels(labels, tmp_path / name)
    with pytest.raises(DataError, match="hides the column 'text'"):
        export_labels(labels, tmp_path / "out.json")
    assert not (tmp_path / "out.json").exists()


@pytest.fixture
def pictures(tmp_path: Path) -> list[str]:
    paths = [str(tmp_path / f"{row}.png") for row in range(3)]
    for row, path in enumerate(paths):
        Image.fromarray(np.full((16, 16, 3), 60 * row, dtype=np.uint8)).save(path)
    return paths


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> Path:
    root = write_project(tmp_path_factory.mktemp("finished") / "project", tiny_model)
    weakft("run", "--project", root)
    return root


def test_the_command_exports_labels(finished: Path, tmp_path: Path) -> None:
    content = weakft("export", "labels", tmp_path / "tasks.json", "--project", finished)
    tasks = json.loads((tmp_path / "tasks.json").read_text())
    train = pd.read_parquet(finished / "data" / "train.parquet")
    assert [task["data"] for task in tasks] == train.to_dict("records")
    assert content["covered"] == sum(bool(task["predictions"]) for task in tasks)
    assert sum(content["labels"].values()) == content["covered"] > 0
    assert 'value="$text"' in content["labeling_interface"]
    assert "wanted a file" in refused(
        "export", "labels", tmp_path / "x.xlsx", "--project", finished, code=3
    )


needs_onnx = pytest.mark.skipif(
    any(onnx_model.find_spec(name) is None for name in onnx_model.PACKAGES),
    reason="the extra onnx is not installed",
)


@needs_onnx
def test_onnxruntime_says_what_pytorch_says(finished: Path, tmp_path: Path) -> None:
    import onnxruntime
    from tokenizers import Tokenizer

    target = tmp_path / "model.onnx"
    content = weakft("export", "model", target, "--project", finished)
    assert {Path(file).name for file in content["files"]} == {
        "model.onnx",
        "tokenizer.json",
        "labels.json",
    }
    assert {path.name for path in tmp_path.iterdir()} == {Path(f).name for f in content["files"]}
    assert content["largest_difference"] <= 1e-4
    tokenizer = Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    running = onnxruntime.InferenceSession(str(target), providers=["CPUExecutionProvider"])
    served = EndModel.load(finished / "runs" / content["run_id"] / "model")
    assert json.loads((tmp_path / "labels.json").read_text()) == list(served.classes)
    for texts in (["great"], ["the camera is great " * 9, "bad"], ["poor it is"] * 5):
        encoded = tokenizer.encode_batch(texts)
        feed = {
            "input_ids": np.array([entry.ids for entry in encoded]),
            "attention_mask": np.array([entry.attention_mask for entry in encoded]),
            "token_type_ids": np.array([entry.type_ids for entry in encoded]),
        }
        names = [entry.name for entry in running.get_inputs()]
        (logits,) = running.run(["logits"], {name: feed[name] for name in names})
        odds = np.exp(logits.astype(float))
        probs = odds / odds.sum(axis=1, keepdims=True)
        assert probs == pytest.approx(served.predict_proba(texts), abs=1e-5)


@needs_onnx
@pytest.mark.parametrize("family", ["ViT", "ResNet"])
def test_models_of_images_go_to_onnx(family: str, pictures: list[str], tmp_path: Path) -> None:
    new_model(network(family, tmp_path)).save(tmp_path / "model")
    out = tmp_path / "out"
    out.mkdir()
    done = onnx_model.export_onnx(tmp_path / "model", out / "model.onnx", pictures)
    assert {path.name for path in out.iterdir()} == {
        "model.onnx",
        "preprocessor_config.json",
        "labels.json",
    }
    assert done.checked == 3


@needs_onnx
def test_a_model_that_differs_is_not_left(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, target = tmp_path / "model", tmp_path / "out" / "model.onnx"
    EndModel.from_pretrained(str(tiny_model), ("a", "b"), max_length=16, seed=0).save(model)
    target.parent.mkdir()
    logits = onnx_model._logits
    monkeypatch.setattr(onnx_model, "_logits", lambda *loaded: logits(*loaded) + 0.01)
    with pytest.raises(DataError, match=r"differ from PyTorch's by up to 0\.01"):
        onnx_model.export_onnx(model, target, ["great", "bad phone"])
    assert not list(target.parent.iterdir())


def test_a_missing_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnx_model, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"pip install 'weakft\[onnx\]'"):
        onnx_model.export_onnx(tmp_path, tmp_path / "model.onnx", ["text"])
