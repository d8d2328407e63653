"""Rows of the pool that stand in for classes of which gold has no row."""

import math

import numpy as np

from weakft.training.gold import Gold
from weakft.training.rows import Positions, TrainingSet
from weakft.training.workshop import Workshop


def with_stand_ins(gold: Gold, workshop: Workshop) -> Gold:
    """Gold, and for each class it lacks as many rows of the pool as it has of others on average.

    They come last and judge nothing.
    """
    there = set(gold.labels.tolist())
    most = math.ceil(len(gold.rows) / len(there))
    for label in sorted(set(range(len(workshop.classes))) - there):
        rows = rows_labelled(workshop, label, most)
        if len(rows):
            texts = [workshop.texts[row] for row in rows]
            labels = np.full(len(rows), label)
            stand_ins = TrainingSet.from_gold(texts, labels, len(workshop.classes))
            nobody = np.full(len(rows), False)
            gold = gold.joined(Gold(stand_ins, nobody, workshop.votes[rows]))
    return gold


def rows_labelled(workshop: Workshop, label: int, most: int) -> Positions:
    """Of the pool, so many rows at most whose weak label is this class.

    They are drawn by the seed from the surer half of such rows.
    """
    soft = workshop.weak_labels
    rows = np.flatnonzero(soft.hard == label)
    sure = soft.probs[rows, label]
    surer = rows[sure >= np.median(sure)] if len(rows) else rows
    drawn = np.random.default_rng(workshop.settings.seed).permutation(surer)[:most]
    return np.sort(drawn)
