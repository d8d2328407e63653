"""Two processes train what one would have trained."""

import json
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from safetensors.numpy import load_file

from tests.training.test_finetune import SETTINGS, gold_rows, new_model
from weakft.config import TrainConfig
from weakft.errors import ConfigError
from weakft.training import fine_tune


@pytest.fixture
def steady_project(project: Path) -> Path:
    """The tiny project; its model drops nothing out, so that steps can be compared."""
    model = project / "tiny-model"
    shared = model.resolve()
    model.unlink()
    shutil.copytree(shared, model)
    file = model / "config.json"
    config = json.loads(file.read_text())
    config |= {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    file.write_text(json.dumps(config))
    return project


SHARDING = Path(__file__).with_name("sharding_weakft.py")
SHARDED = {
    "ACCELERATE_USE_FSDP": "true",
    "FSDP_VERSION": "2",
    "FSDP_AUTO_WRAP_POLICY": "TRANSFORMER_BASED_WRAP",
    "FSDP_TRANSFORMER_CLS_TO_WRAP": "BertLayer",
    "FSDP_STATE_DICT_TYPE": "SHARDED_STATE_DICT",
    "FSDP_CPU_RAM_EFFICIENT_LOADING": "true",
}
"""What `accelerate launch` makes of a config file that asks for FSDP 2, defaults included."""


def weakft(
    command: str, project: Path, ranks: int, rows: int, *changes: str, sharded: bool = False
) -> Any:  # noqa: ANN401
    launcher = [sys.executable, "-m"]
    if ranks > 1:
        launcher += ["torch.distributed.run", "--nproc-per-node", str(ranks)]
        launcher += ["--master-port", str(free_port())]
        launcher += [str(SHARDING)] if sharded else ["-m", "weakft"]
    else:
        launcher += ["weakft"]
    settings = [f"train.per_device_train_batch_size={rows}", *changes]
    done = subprocess.run(
        [
            *[*launcher, command, "--project", str(project), "--json"],
            *[part for setting in settings for part in ("--set", setting)],
        ],
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1", **(SHARDED if sharded else {})},
        cwd=project,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)  # one object, from one of the ranks


def free_port() -> int:
    with socket.socket() as opened:
        opened.bind(("127.0.0.1", 0))
        return int(opened.getsockname()[1])


@pytest.mark.parametrize("gold", ["none", "mix"])
def test_two_ranks_take_the_steps_of_one(gold: str, steady_project: Path, tmp_path: Path) -> None:
    changes = (
        *("train.max_steps=4", "train.gold_steps=4", "train.bf16=false"),
        *(f"train.gold={gold}", "train.gradient_accumulation_steps=2"),
    )
    other = tmp_path / "other"
    shutil.copytree(steady_project, other)
    alone = Path(weakft("run", steady_project, 1, 4, *changes)["run_dir"])
    together = Path(weakft("run", other, 2, 2, *changes)["run_dir"])
    published = [path.name for path in (other / "runs").iterdir() if path.name[0] != "."]
    assert published == [together.name]
    assert_same_model(alone / "model", together / "model")


@pytest.mark.parametrize(
    "recipe",
    [
        ("train.gold=mix", "train.strategy=lora"),
        ("train.gold=none", "train.gradient_accumulation_steps=2"),
    ],
)
def test_two_ranks_that_share_one_model_take_the_steps_of_one(
    recipe: tuple[str, ...], steady_project: Path, tmp_path: Path
) -> None:
    changes = ("train.max_steps=4", "train.gold_steps=4", "train.bf16=false", *recipe)
    other = tmp_path / "other"
    shutil.copytree(steady_project, other)
    alone = Path(weakft("run", steady_project, 1, 4, *changes)["run_dir"])
    together = Path(weakft("run", other, 2, 2, *changes, sharded=True)["run_dir"])
    assert_same_model(alone / "model", together / "model")


def test_a_single_stage_runs_on_two_ranks(steady_project: Path) -> None:
    changes = ("train.max_steps=2", "train.gold=none", "train.bf16=false")
    for stage in ("apply", "label"):
        weakft(stage, steady_project, 1, 4)
    alone = weakft("train", steady_project, 1, 4, *changes)["model"]
    kept = shutil.copytree(alone, steady_project / "kept")
    together = weakft("train", steady_project, 2, 2, *changes)["model"]
    assert_same_model(kept, Path(together))


def assert_same_model(one: Path, other: Path) -> None:
    weights, theirs = (load_file(folder / "model.safetensors") for folder in (one, other))
    for name, values in weights.items():
        assert theirs[name] == pytest.approx(values, abs=2e-5), name


@pytest.mark.parametrize(
    ("changes", "environment", "told"),
    [
        ({"strategy": "gradual"}, {}, "one process"),
        ({}, {**SHARDED, "FSDP_VERSION": "1"}, "fsdp_version: 2"),
    ],
)
def test_what_ranks_cannot_do_is_refused(
    changes: dict[str, Any],
    environment: dict[str, str],
    told: str,
    tiny_model: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in {"RANK": "0", "WORLD_SIZE": "2", **environment}.items():
        monkeypatch.setenv(name, value)
    settings = TrainConfig.model_validate({**SETTINGS.model_dump(), **changes})
    with pytest.raises(ConfigError, match=told):
        fine_tune(new_model(tiny_model), gold_rows(), settings)
