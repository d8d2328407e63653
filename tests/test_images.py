"""Images go the same road as texts: digits from five to nine, by their holes and strokes."""

import json
import shutil
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import transformers
from PIL import Image
from transformers.models.vit.image_processing_pil_vit import ViTImageProcessorPil
from typer.testing import CliRunner

from benchmarks.images import make_project
from weakft import open_image
from weakft.cli.main import app
from weakft.config import Config, TrainConfig
from weakft.dataset import read_dataset
from weakft.end_model import EndModel
from weakft.errors import ConfigError, DataError, ModelNotFound
from weakft.training import TrainingSet, fine_tune
from weakft.training.strategies import Anatomy

CLASSES = ["dark", "light"]
FAMILIES = {
    "ResNet": {"embedding_size": 8, "hidden_sizes": [8, 8], "depths": [1, 1]},
    "ConvNext": {"hidden_sizes": [8, 8], "depths": [1, 1], "num_stages": 2},
    "ViT": {
        "hidden_size": 8,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 8,
        "image_size": 16,
        "patch_size": 8,
    },
}


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Eight dark and eight light images."""
    folder = tmp_path_factory.mktemp("pictures")
    rng = np.random.default_rng(0)
    paths = []
    for row in range(16):
        low = 160 if row % 2 else 0
        path = folder / f"{row}.png"
        Image.fromarray(rng.integers(low, low + 90, (16, 16, 3), dtype=np.uint8)).save(path)
        paths.append(str(path))
    return paths


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project of the benchmark, its CNN hardly trained."""
    folder = tmp_path_factory.mktemp("images") / "digits"
    make_project(folder, epochs=1)
    return folder


def network(family: str, folder: Path) -> Path:
    torch.manual_seed(0)
    config = getattr(transformers, f"{family}Config")(**FAMILIES[family])
    getattr(transformers, f"{family}ForImageClassification")(config).save_pretrained(folder)
    size = {"height": 16, "width": 16}
    ViTImageProcessorPil(size=size).save_pretrained(folder)
    return folder


def new_model(folder: Path) -> EndModel:
    return EndModel.from_pretrained(str(folder), CLASSES, max_length=1, seed=0, task="image")


def rows_of(pictures: list[str]) -> TrainingSet:
    return TrainingSet.from_gold(pictures, np.arange(len(pictures)) % 2, 2)


def state_of(model: EndModel) -> dict[str, torch.Tensor]:
    return {name: values.clone() for name, values in model.model.state_dict().items()}


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize(
    ("family", "strategy"),
    [
        *product(FAMILIES, ["full", "freeze", "head", "gradual", "lora"]),
        ("ViT", "adapter"),
    ],
)
def test_every_strategy_learns_from_images(
    family: str, strategy: str, pictures: list[str], tmp_path: Path
) -> None:
    model = new_model(network(family, tmp_path / "network"))
    before = model.predict_proba(pictures)
    # ResNet has no linear map but its head, which is trained in full
    peft = {"target_modules": ["convolution"]} if (family, strategy) == ("ResNet", "lora") else {}
    settings = TrainConfig(
        strategy=strategy, max_steps=3, warmup_steps=0, learning_rate=1e-2, peft=peft
    )
    tuned = fine_tune(model, rows_of(pictures), settings, valid=rows_of(pictures)).model
    probs = tuned.predict_proba(pictures)
    assert np.abs(probs - before).max() > 1e-6
    tuned.save(tmp_path / "model")
    loaded = EndModel.load(tmp_path / "model").predict_proba(pictures)
    assert loaded == pytest.approx(probs, abs=1e-6)


@pytest.mark.parametrize("family", ["ResNet", "ConvNext"])
def test_freeze_holds_early_stages_and_their_statistics(
    family: str, pictures: list[str], tmp_path: Path
) -> None:
    model = new_model(network(family, tmp_path))
    before = state_of(model)
    settings = TrainConfig(strategy="freeze", freeze_layers=1, max_steps=3, learning_rate=1e-2)
    after = state_of(fine_tune(model, rows_of(pictures), settings).model)
    moved = {name for name in before if not torch.equal(before[name], after[name])}
    assert any("stages.1" in name for name in moved)
    assert not any("embed" in name or "stages.0" in name for name in moved)


def test_a_cnn_has_its_stages_for_layers(tmp_path: Path) -> None:
    anatomy = Anatomy.of(new_model(network("ResNet", tmp_path)).model)
    assert len(anatomy.layers) == 2
    assert all("embedder" in name for name in anatomy.embeddings)
    assert anatomy.head == ("classifier.1.weight", "classifier.1.bias")


def test_batch_size_does_not_change_predictions(pictures: list[str], tmp_path: Path) -> None:
    model = new_model(network("ViT", tmp_path))
    one_by_one = np.concatenate([model.predict_proba([path]) for path in pictures])
    assert model.predict_proba(pictures) == pytest.approx(one_by_one, abs=1e-6)
    embeddings = model.embed(pictures)
    assert np.linalg.norm(embeddings, axis=1) == pytest.approx(np.ones(16), abs=1e-5)


def test_the_whole_road(digits: Path) -> None:
    result = CliRunner().invoke(
        app,
        [
            *["run", "--project", str(digits), "--json"],
            *["--set", "train.num_train_epochs=1", "--set", "train.gold_epochs=1"],
            *["--set", "train.gold_steps=4", "--set", "train.gold_folds=2"],
            *["--set", 'evaluate.rivals=["majority_vote"]', "--set", "evaluate.resamples=100"],
        ],
    )
    assert result.exit_code == 0, result.output
    summary = json.loads(result.stdout)
    assert summary["metrics"]["rivals"]["majority_vote"]["test"]["accuracy"]["value"] > 0.6
    answer = transformers.pipeline("image-classification", model=f"{summary['run_dir']}/model")(
        str(next((digits / "images").iterdir()))
    )
    assert {one["label"] for one in answer} == {"five", "six", "seven", "eight", "nine"}
    output = digits / "predicted.csv"
    predicted = CliRunner().invoke(
        app, ["predict", str(digits / "test.csv"), str(output), "--project", str(digits)]
    )
    assert predicted.exit_code == 0, predicted.output
    assert len(pd.read_csv(output)) == 300


def test_a_replaced_image_is_another_row_to_lfs(digits: Path, tmp_path: Path) -> None:
    project = tmp_path / "digits"
    shutil.copytree(digits, project, ignore=shutil.ignore_patterns("runs"))
    config = Config.load(project / "weakft.toml")
    before = read_dataset(config, project)["train"].frame
    first = Path(before["image"][0])
    Image.new("RGB", (8, 8)).save(first)
    after = read_dataset(config, project)["train"].frame
    changed = (before != after).any(axis=1)
    assert changed.sum() == 1
    assert changed[0]


@pytest.mark.parametrize("content", [None, b"no image", b""])
def test_what_is_no_image_is_refused_by_row(
    digits: Path, tmp_path: Path, content: bytes | None
) -> None:
    project = tmp_path / "digits"
    shutil.copytree(digits, project, ignore=shutil.ignore_patterns("runs"))
    named = pd.read_csv(project / "dev.csv")
    broken = project / named["image"][2]
    broken.unlink()
    if content is not None:
        broken.write_bytes(content)
    with pytest.raises(DataError, match=f"row '{named['id'][2]}' names the image"):
        read_dataset(Config.load(project / "weakft.toml"), project)


def test_an_image_that_ends_early_is_named(pictures: list[str], tmp_path: Path) -> None:
    cut = tmp_path / "cut.png"
    cut.write_bytes(Path(pictures[0]).read_bytes()[:200])
    with pytest.raises(DataError, match=r"cut\.png cannot be read as an image"):
        open_image(cut)


def test_grey_and_transparent_images_have_three_channels(tmp_path: Path) -> None:
    for mode in ("L", "RGBA", "P", "1"):
        Image.new(mode, (5, 4)).save(tmp_path / f"{mode}.png")
        assert open_image(tmp_path / f"{mode}.png").shape == (4, 5, 3)


def test_no_default_model_reads_images(digits: Path) -> None:
    with pytest.raises(ModelNotFound, match="Name a folder or Hub id of an image"):
        EndModel.from_pretrained("default", CLASSES, max_length=1, seed=0, task="image")


@pytest.mark.parametrize(
    ("strategy", "message"),
    [
        ("prefix_tuning", "no place"),
        ("prompt", "before texts, and rows are images"),
        ("adapter", "ResNetForImageClassification has no feed-forward layers"),
        ("magic", "is no strategy"),
    ],
)
def test_what_images_cannot_have_is_said(
    strategy: str, message: str, pictures: list[str], tmp_path: Path
) -> None:
    model = new_model(network("ResNet", tmp_path))
    with pytest.raises(ConfigError, match=message):
        fine_tune(model, rows_of(pictures), TrainConfig(strategy=strategy))
