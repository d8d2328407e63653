"""The rivals that cost a moment: linear probes on the embeddings of the pre-trained encoder."""

from collections.abc import Collection, Iterator

from weakft.dataset import Dataset, Split
from weakft.labels import Probs
from weakft.pipeline.gold_parts import gold_rows
from weakft.runs import RunFolder
from weakft.training.probe import out_of_fold, probe
from weakft.training.workshop import Workshop


def probed(
    workshop: Workshop, data: Dataset, folder: RunFolder, rivals: Collection[str]
) -> Iterator[tuple[str, Split, Probs]]:
    """What the probes say of valid and test, as far as there are gold rows and embeddings.

    One learns from the gold rows that "gold alone" learns from, and answers for valid out of fold.
    The other learns from the end model's weak labels, where those read embeddings anyway.

    Args:
        workshop: of the end model.
        data: the splits.
        folder: with the votes on them.
        rivals: as `[evaluate]` has them.

    Yields:
        Name of the rival, split, and [n, k] of its rows.
    """
    scored = [split for name in ("valid", "test") if (split := data.get(name)) is not None]
    if not scored:
        return
    if "gold_probe" in rivals:
        yield from _on_gold(workshop, data, folder, scored)
    if "weak_probe" in rivals and workshop.reads_texts and workshop.soft.covered.any():
        rows = workshop.weak_rows
        embeddings = workshop.embed(rows.texts)
        for split in scored:
            yield "weak_probe", split, probe(rows, embeddings, workshop.embed(split.texts))


def _on_gold(
    workshop: Workshop, data: Dataset, folder: RunFolder, scored: list[Split]
) -> Iterator[tuple[str, Split, Probs]]:
    gold = gold_rows(data, folder, len(workshop.classes))
    if gold is None:
        return
    embeddings = workshop.embed(gold.rows.texts)
    for split in scored:
        if split.name == "valid":
            probs = out_of_fold(gold, embeddings, workshop.settings.seed)
        else:
            probs = probe(gold.rows.balanced(), embeddings, workshop.embed(split.texts))
        if probs is not None:
            yield "gold_probe", split, probs
