"""Texts whose words a model does not know are named before and after training."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from tokenizers import Tokenizer, models, pre_tokenizers

from tests.cli.test_commands import weakft
from weakft.advice import next_steps
from weakft.unknown_tokens import Unread, unread_texts

EMOJI = ["😀😁", "🎉 🎉 !!", "👍🏽", "🤷‍♀️ 2"]
THAI = ["สวัสดีครับ", "ขอบคุณมาก", "ไม่ดีเลย", "โทรศัพท์ ดี"]
AMHARIC = ["ሰላም ለዓለም", "በጣም ጥሩ ነው", "አልወደድኩትም", "ስልክ"]
RUSSIAN = ["очень плохой телефон", "мне понравилось", "не советую никому"]
ENGLISH = ["the camera is great", "I love it!", "bad", "a b", "42 !!", "№ 7", "I", "ok 👍"]
HERE = Path()


@pytest.mark.parametrize("texts", [EMOJI, AMHARIC, THAI])
def test_texts_of_unknown_tokens_are_counted(texts: list[str]) -> None:
    found = unread_texts("default", HERE, texts)
    assert found is not None
    assert found.unknown + found.spelled == len(texts)
    assert found.example == 0


def test_texts_that_are_spelled_are_counted() -> None:
    assert unread_texts("default", HERE, RUSSIAN) == Unread(3, 0, 3, 0)


def test_a_known_language_is_no_matter() -> None:
    assert unread_texts("default", HERE, ENGLISH) is None
    assert unread_texts("default", HERE, [*ENGLISH * 10, *EMOJI[:1]]) is None
    half = unread_texts("default", HERE, [*ENGLISH, *EMOJI])
    assert half is not None
    assert (half.texts, half.unknown, half.example) == (12, 4, 8)


def saved(tokenizer: Tokenizer, folder: Path) -> str:
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder.name


def test_bytes_of_letters_are_spelled_too(tmp_path: Path) -> None:
    letters = pre_tokenizers.ByteLevel.alphabet()
    vocab = {letter: place for place, letter in enumerate(sorted(letters))}
    vocab |= {"th": 300, "the": 301, "gr": 302, "ea": 303}
    merges = [("t", "h"), ("th", "e"), ("g", "r"), ("e", "a")]
    tokenizer = Tokenizer(models.BPE(vocab, merges))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    (tmp_path / "m").mkdir()
    model = saved(tokenizer, tmp_path / "m")
    found = unread_texts(model, tmp_path, [*THAI, "the great the"])
    assert found is not None
    assert (found.unknown, found.spelled) == (0, 4)


def test_a_character_a_token_is_how_chinese_is_read(tmp_path: Path) -> None:
    words = ["[UNK]", *"很好的手机不喜欢"]
    tokenizer = Tokenizer(models.WordPiece({w: i for i, w in enumerate(words)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    (tmp_path / "m").mkdir()
    model = saved(tokenizer, tmp_path / "m")
    assert unread_texts(model, tmp_path, ["很好的手机", "不喜欢的手机"]) is None


def test_without_a_tokenizer_at_hand_nothing_is_said(tmp_path: Path) -> None:
    assert unread_texts("nobody/nothing-of-this-name", tmp_path, THAI) is None
    (tmp_path / "empty").mkdir()
    assert unread_texts("empty", tmp_path, THAI) is None


@pytest.fixture
def foreign(make_project: Callable[..., Path]) -> Path:
    """The tiny project, with no word in it that the tiny model knows."""
    lfs = (
        "from weakft import keyword_lf\n"
        "praises = keyword_lf('praises', ['ሰላም'], 1)\nblames = keyword_lf('blames', ['አይ'], 0)\n"
    )
    root = make_project(lfs=lfs)
    for number, split in enumerate(("train", "dev", "valid", "test")):
        file = root / "data" / f"{split}.parquet"
        rows = pd.read_parquet(file)
        rows["text"] = [
            f"{'ሰላም' if place % 2 == 0 else 'አይ'} ስልክ{chr(0x1200 + place) * (number + 1)}"
            for place in range(len(rows))
        ]
        rows.to_parquet(file)
    return root


def test_check_says_so_without_torch(foreign: Path) -> None:
    code = (
        "import sys; sys.argv = ['weakft', 'check', '--json', '--project', sys.argv[1]]\n"
        "from weakft.cli.main import main\n"
        "try: main()\nfinally: print('torch' in sys.modules, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(foreign)], capture_output=True, text=True, check=True
    )
    said = json.loads(done.stdout)["warnings"][-1]
    assert "100% consist of unknown tokens alone, row 'train-0' for one" in said
    assert "Set train.model to one that knows their language" in said
    assert done.stderr.strip().endswith("False")


def test_a_run_names_the_cause_before_the_lfs(foreign: Path) -> None:
    done = weakft("run", "--project", foreign, "--set", "train.gold=none")
    (first,) = [each for each in done["warnings"] if "unknown tokens alone" in each]
    assert first.startswith("train.model = 'tiny-model' does not know the language")
    assert "train-" not in first
    (behind,) = [each for each in done["warnings"] if "worse than a plain majority vote" in each]
    assert behind.endswith("100% of the training texts, which LFs do read.")
    shown = weakft("runs", "show", done["run_id"], "--project", foreign)
    steps = shown["next_steps"]
    assert steps[0].startswith("Set train.model to one that knows their language")
    assert not [step for step in steps if "praises" in step or "blames" in step]


def test_advice_without_a_cause_is_as_it_was() -> None:
    table = pd.DataFrame({"lf": ["a"], "accuracy": [0.9], "support": [0]})
    labels = {"coverage": 1.0, "class_shares": {"no": 0.5, "yes": 0.5}}
    assert next_steps(table, labels, pd.DataFrame())[0].startswith("Label some dev rows")
    unread = {"texts": 10, "unknown": 4, "spelled": 1}
    (only,) = next_steps(table, labels, pd.DataFrame(), unread=unread)
    assert "50% of the training texts" in only
