"""Settings and exports of other systems that no parser likes are refused, not crashed on."""

import json
from pathlib import Path

import pytest

from weakft.config import Config
from weakft.errors import ConfigError, DataError
from weakft.interop.wrench import import_wrench


@pytest.mark.parametrize("value", ["9" * 5000, "[" * 100_000])
def test_settings_beyond_the_parser_are_refused(tmp_path: Path, value: str) -> None:
    file = tmp_path / "weakft.toml"
    file.write_text(f"[train]\nseed = {value}\n", encoding="utf-8")

    with pytest.raises(ConfigError, match="is no TOML"):
        Config.load(file, environ={})


@pytest.mark.parametrize("text", [1, None, ["t"], "half \ud800"])
def test_a_wrench_text_that_is_none_is_refused(tmp_path: Path, text: object) -> None:
    row = {"label": 0, "weak_labels": [1], "data": {"text": text}}
    (tmp_path / "train.json").write_text(json.dumps({"0": row}), encoding="utf-8")
    (tmp_path / "label.json").write_text('{"0": "a", "1": "b"}', encoding="utf-8-sig")

    with pytest.raises(DataError, match="wanted rows like"):
        import_wrench(tmp_path, tmp_path / "made")
