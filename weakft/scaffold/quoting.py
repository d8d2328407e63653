"""Words as crontab and systemd read them."""

import shlex
from collections.abc import Sequence


def cron_words(words: Sequence[str]) -> str:
    r"""Words for a crontab's line: quoted for sh, and `%`, which would end the line, escaped.

    Example:
        >>> print(cron_words(["/opt/100% mine/weakft", "retrain"]))
        '/opt/100\% mine/weakft' retrain
    """
    return shlex.join(words).replace("%", r"\%")


def systemd_words(words: Sequence[str]) -> str:
    r"""Words for ExecStart= of a unit.

    Example:
        >>> print(systemd_words(["/opt/100% mine/weakft", "retrain"]))
        "/opt/100%% mine/weakft" retrain
    """
    return " ".join(map(_systemd_word, words))


def systemd_value(text: str) -> str:
    """A setting of a unit that is one text, where `%` would begin a specifier.

    Example:
        >>> systemd_value("/srv/100% mine")
        '/srv/100%% mine'
    """
    return text.replace("%", "%%")


def _systemd_word(word: str) -> str:
    escaped = word.replace("\\", r"\\").replace('"', r"\"").replace("$", "$$").replace("%", "%%")
    return f'"{escaped}"' if set(word) & set(" \t\"'\\;") else escaped
