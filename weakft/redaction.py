"""Passwords and tokens, taken out of what is printed, logged or kept."""

import re
from typing import Any

MASK = "***"
NAMES = (
    r"(?:token|secret|passw(?:or)?d|pass(?:phrase|code|key|(?=\s*=))|pwd|api[_-]?key"
    r"|access[_-]?key|private[_-]?key|signature|sig|credentials?|authorization)"
)
USER_OF_URL = re.compile(r"(:/(?:/|(?=[^\s/@]+:)))\S*@")
"""Up to the last `@`, for a password may hold any other character; also where a path of it was
made, which has one slash only."""
QUERY_OF_URL = re.compile(r"(:/{1,2}[^\s?#]*)[?#]\S*[^\s'\"`.,;:)\]}]")
NAMED = re.compile(
    rf"((?i:{NAMES})[\"']?\s*[=:]\s*[\"']?(?:(?i:bearer|basic)\s+)?)[^\s'\"&,;]+",
)
USER_OF_ARGUMENT = re.compile(r"(?s)^([^=\s]*=)?(.*?:/{1,2})?[^@]*:.*@")
ARGUMENT_NAMED = re.compile(rf"(?is)^([^=]*{NAMES}=).+")


def redacted(text: str) -> str:
    """A text without the user and the query of any URL, and without what is named a secret.

    Example:
        >>> redacted("http://ada:x@host/a?b=1 does not answer, api_key=abc")
        'http://***@host/a?*** does not answer, api_key=***'
    """
    text = USER_OF_URL.sub(rf"\1{MASK}@", text)
    text = QUERY_OF_URL.sub(rf"\1?{MASK}", text)
    return NAMED.sub(rf"\1{MASK}", text)


def redacted_argument(value: str) -> str:
    """One argument of a command, or one setting, which may be a password with spaces in it.

    Example:
        >>> redacted_argument("mlflow.uri=http://ada:a b@c@host"), redacted_argument("ada:x@host")
        ('mlflow.uri=http://***@host', '***@host')
    """
    value = ARGUMENT_NAMED.sub(rf"\1{MASK}", value)
    found = USER_OF_ARGUMENT.match(value)
    if found is not None:
        value = f"{found[1] or ''}{found[2] or ''}{MASK}@{value[found.end() :]}"
    return redacted(value)


def redacted_content(content: Any) -> Any:  # noqa: ANN401  (JSON)
    """JSON with every text in it redacted."""
    if isinstance(content, str):
        return redacted(content)
    if isinstance(content, dict):
        return {key: redacted_content(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [redacted_content(value) for value in content]
    return content


def holds_secret(setting: str) -> bool:
    """Whether a setting is an address with a user, or names a token in its query.

    Example:
        >>> [holds_secret(each) for each in ("tcp://a:b@host", "s3://x?sig=1", "sqlite:///a@b.db")]
        [True, True, False]
    """
    has_user = re.search(r"(?s)://(?!/).*@", setting) is not None
    return has_user or re.search(rf"(?i)[?&#;][^=]*{NAMES}=", setting) is not None
