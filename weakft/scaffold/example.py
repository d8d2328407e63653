"""A project with made-up rows, which runs as it is."""

from pathlib import Path

from weakft.config import FILE_NAME
from weakft.scaffold.templates import filled, template_bytes, toml_string
from weakft.scaffold.writing import Started, settle, staged

DATA = ("train.csv", "dev.csv", "valid.csv", "test.csv")


def start_example(root: Path) -> Started:
    """Make a project of messages to a shop: settings, three LFs, four small files of rows.

    Args:
        root: its folder; may be there, but hold none of the files.

    Raises:
        ConfigError: it is a project already, or holds a file of the same name.
        DataError: it cannot be written.
    """
    settings = {"NAME": toml_string(root.name), "SETTINGS": filled("settings.toml.in")}
    with staged(root) as stage:
        (stage / FILE_NAME).write_text(filled("example/weakft.toml.in", settings), "utf-8")
        (stage / ".gitignore").write_text(filled("gitignore.in"), "utf-8")
        (stage / "labeling").mkdir()
        (stage / "labeling" / "rules.py").write_text(filled("example/rules.py.in"), "utf-8")
        (stage / "data").mkdir()
        for name in DATA:
            (stage / "data" / name).write_bytes(template_bytes(f"example/data/{name}"))
        return settle(stage, root)
