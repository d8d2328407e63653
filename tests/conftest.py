"""What tests share: a tiny transformer, a tiny project, a clean environment."""

import os
import signal
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pandas as pd
import pytest

POSITIVE = ["great", "love", "perfect", "good"]
NEGATIVE = ["bad", "broke", "awful", "poor"]
FILLER = ["the", "phone", "camera", "is", "was", "very", "screen", "it"]

LF_FILE = '''
"""Rules of thumb for the tiny project."""

from weakft import ABSTAIN, keyword_lf, labeling_function

praises = keyword_lf("praises", ["great", "love", "perfect"], 1)
blames = keyword_lf("blames", ["bad", "broke", "awful"], 0)


@labeling_function()
def mentions_good(x):
    """Good is good."""
    return 1 if "good" in x.text else ABSTAIN


@labeling_function()
def mentions_poor(x):
    """Poor is bad."""
    return 0 if "poor" in x.text else ABSTAIN
'''

TINY_TRAIN = """[train]
model = "tiny-model"
max_length = 16
num_train_epochs = 1
gold_epochs = 1
gold_steps = 3
gold_folds = 2
"""
CONFIG = f"""
[project]
name = "tiny"
classes = ["bad", "good"]

[data]
train = "data/train.parquet"
dev = "data/dev.parquet"
valid = "data/valid.parquet"
test = "data/test.parquet"

[labeling]
modules = ["labeling/tiny.py"]

{TINY_TRAIN}learning_rate = 1e-3

[retrain]
first = "promote"

[evaluate]
resamples = 100
"""


@pytest.fixture(scope="session", autouse=True)
def heard_ctrl_c() -> None:
    """Started in the background pytest ignores Ctrl-C, and so would all that it starts."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No WEAKFT_ variable of the developer leaks into a test."""
    for name in list(os.environ):
        if name.startswith("WEAKFT_"):
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A two-layer BERT of a few thousand weights, with its own word tokenizer."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    specials = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
    words = [*specials, *POSITIVE, *NEGATIVE, *FILLER]
    tokenizer = Tokenizer(models.WordLevel({w: i for i, w in enumerate(words)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        model_max_length=32,
    )
    config = BertConfig(
        vocab_size=len(words),
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=32,
    )
    folder = tmp_path_factory.mktemp("models") / "tiny-model"
    state = torch.get_rng_state()
    torch.manual_seed(0)
    BertModel(config).save_pretrained(folder)
    torch.set_rng_state(state)
    fast.save_pretrained(folder)
    return folder


def tiny_rows(name: str, count: int) -> pd.DataFrame:
    """Rows whose opinion word decides the class; every fourth uses a word no LF knows well."""
    rows = []
    for i in range(count):
        good = i % 2 == 0
        word = (POSITIVE if good else NEGATIVE)[(i // 2) % 4]
        text = f"{name} {i} the {FILLER[i % 8]} is {word}"
        rows.append({"id": f"{name}-{i}", "text": text, "label": "good" if good else "bad"})
    return pd.DataFrame(rows)


def write_project(root: Path, model: Path, config: str = CONFIG, lfs: str = LF_FILE) -> Path:
    """Write a tiny project: weakft.toml, one LF file, four splits, a link to the model."""
    (root / "data").mkdir(parents=True)
    (root / "labeling").mkdir()
    (root / "weakft.toml").write_text(config)
    (root / "labeling" / "tiny.py").write_text(lfs)
    (root / "tiny-model").symlink_to(model)
    for split, count in {"train": 48, "dev": 24, "valid": 24, "test": 20}.items():
        rows = tiny_rows(split, count)
        rows = rows.drop(columns="label") if split == "train" else rows
        rows.to_parquet(root / "data" / f"{split}.parquet", index=False)
    return root


@pytest.fixture
def make_project(tmp_path: Path, tiny_model: Path) -> Callable[..., Path]:
    """Write a tiny project; `config` replaces weakft.toml, `lfs` the LF file."""
    return partial(write_project, tmp_path / "project", tiny_model)


@pytest.fixture
def project(make_project: Callable[..., Path]) -> Path:
    """The tiny project as it stands."""
    return make_project()
