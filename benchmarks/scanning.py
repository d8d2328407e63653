"""Does the scan find what `re` finds? Random pattern sets on random texts, every vote compared.

    python -m benchmarks.scanning                    100,000 pairs of pattern set and text batch
    python -m benchmarks.scanning --pairs 1000

Texts have 0 to 300 characters, with words of the patterns at their starts, ends and in between;
sets have 1 to 30 patterns: words as `keyword_lf` writes them, anchors, classes, repeats,
alternatives and lookarounds, in and out of ASCII, with and without IGNORECASE.
"""

import argparse
import random
import re
from collections.abc import Iterator

from weakft.apply.scan import is_sound, scan
from weakft.lf.patterns import any_of

WORDS = [
    *("no", "now", "refund", "free", "call", "win", "I", "k", "s", "$5", "a.b", "u.n.", "--"),
    *(
        "straße",
        "STRASSE",
        "naïve",
        "İstanbul",
        "ılık",
        "ſo",
        "K",
        "日本",
        "не",
        "مرحبا",
        "é",
        "😀",
    ),
]
PIECES = [
    *(r"\w+", r"\d{2,3}", r"\s", r"\S+", r"[^\w]*", "( |^)", "( |$)", "[a-k]", "[^a-k]", "[é-ſ]"),
    *(
        r"\b",
        r"\B",
        "^",
        "$",
        r"\A",
        r"\Z",
        r"(?<!\w)",
        r"(?!\w)",
        "(?=n)",
        ".*",
        ".",
        "x{3}",
        "n?",
    ),
]
FLAGS = [0, 0, re.IGNORECASE, re.IGNORECASE, re.MULTILINE, re.DOTALL, re.ASCII | re.IGNORECASE]
FILLERS = ["x", "ab ", " ", "é", "日", "\n", "K", "A-", "0", "ſ", "\u2028", "no", "😀", "\ud800"]


def main() -> None:
    """Compare all pairs, print what differs and how many did."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    rng = random.Random(arguments.seed)
    votes = differing = 0
    for done in range(1, arguments.pairs + 1):
        patterns, texts = pattern_set(rng), text_batch(rng)
        votes += len(patterns) * len(texts)
        for pattern, text in differences(patterns, texts):
            differing += 1
            print("DIFFERS", pattern, repr(text), [p.pattern for p in patterns], flush=True)
        if done % 10_000 == 0 or done == arguments.pairs:
            print(f"{done:,} pairs, {votes:,} votes, {differing} differ", flush=True)
    print("self-test passed" if is_sound() else "self-test failed: `re` was compared with itself")


def differences(patterns: list[re.Pattern[str]], texts: list[str]) -> Iterator[tuple[str, str]]:
    """(pattern, text) where the scan and `re` disagree."""
    found = {position: set(rows) for position, rows in scan(patterns, texts)}
    for position, pattern in enumerate(patterns):
        for row, text in enumerate(texts):
            if (row in found[position]) != bool(pattern.search(text)):
                yield pattern.pattern, text


def pattern_set(rng: random.Random) -> list[re.Pattern[str]]:
    """1 to 30 patterns, most sets small."""
    count = rng.choice([1, 2, 2, 3, 5, 8, 13, 30])
    return [pattern for _ in range(count) if (pattern := _pattern(rng)) is not None]


def text_batch(rng: random.Random) -> list[str]:
    """Texts of 0 to 300 characters."""
    return [_text(rng) for _ in range(rng.choice([1, 4, 12]))]


def _pattern(rng: random.Random) -> re.Pattern[str] | None:
    words = rng.sample(WORDS, rng.choice([1, 1, 2, 5]))
    if rng.random() < 0.4:
        expression = any_of(words, whole_words=rng.random() < 0.7)
    else:
        parts = [re.escape(rng.choice(words)) if rng.random() < 0.5 else rng.choice(PIECES)]
        while rng.random() < 0.6:
            parts.append(rng.choice([*map(re.escape, words), *PIECES]))
        expression = "".join(parts)
        if rng.random() < 0.2:
            expression = f"(?:{expression}|{re.escape(rng.choice(WORDS))})"
    try:
        return re.compile(expression, rng.choice(FLAGS))
    except re.error:
        return None


def _text(rng: random.Random) -> str:
    length = rng.choice([rng.randint(0, 40), rng.randint(0, 300)])
    filler = rng.choice(FILLERS) if rng.random() < 0.6 else "".join(rng.sample(FILLERS[:-1], 3))
    text = (filler * length)[:length]
    for _ in range(rng.choice([0, 1, 1, 2, 3])):
        word = rng.choice(WORDS)
        word = rng.choice([word, word.upper(), word.lower(), word.swapcase()])
        where = rng.choice([0, len(text), rng.randint(0, len(text))])
        space = rng.choice(["", " "])
        text = f"{text[:where]}{space}{word}{rng.choice(['', space])}{text[where:]}"
    return text[:300]


if __name__ == "__main__":
    main()
