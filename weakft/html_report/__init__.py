"""The findings of one run as one HTML file, to mail or to archive with the model.

It opens offline: no script, no font, no image from elsewhere.
"""

import importlib.util

from weakft.account import user_name
from weakft.errors import ConfigError
from weakft.report import Report

PACKAGES = {"altair": "altair", "jinja2": "jinja2", "vl_convert": "vl-convert-python"}


def html_report(report: Report, *, with_test: bool = False, examples: int = 5) -> str:
    """All that the app shows of a run, on one page.

    Args:
        report: of the run.
        with_test: show the scores on test too. That is a look at them, and it is counted, unless
            there are none.
        examples: how many rows to show of each gap, and how many mistakes.

    Returns:
        A whole HTML document. Texts that `[privacy]` hides are not in it.

    Raises:
        ConfigError: a package it needs is not installed.
        DataError: an older weakft made the run, or its tables cannot be read.
    """
    _require_packages()
    from weakft.html_report.page import render

    is_look = with_test and not report.scoreboard("test").empty
    html = render(report, with_test=with_test, examples=examples)
    if is_look:
        test = report.manifest["data"]["test"]["sha256"]
        report.project.looks.add(report.run.id, test, user_name())
    return html


def _require_packages() -> None:
    missing = [name for module, name in PACKAGES.items() if not importlib.util.find_spec(module)]
    if missing:
        raise ConfigError(
            f"An HTML report needs {', '.join(missing)}, not installed here: "
            "pip install -e '.[report]'."
        )
