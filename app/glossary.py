"""What the words of the pages mean, a click away on each of them."""

import streamlit as st

WORDS = {
    "LF, labeling function": "a rule of thumb that votes for a class on some rows and abstains on "
    "the rest.",
    "gold": "labels given by people. Dev teaches how right LFs are, valid chooses between models, "
    "test judges the one that was chosen.",
    "coverage, overlaps, conflicts": "the share of train rows on which an LF votes; on which "
    "another votes too; on which another votes otherwise.",
    "soft label": "the probabilities of the classes of a row, from all its votes together.",
    "sure": "the greatest of those probabilities: of the labels, or of the model.",
    "95% interval": "where the true value may well lie, given so few rows. Two numbers whose "
    "intervals overlap widely cannot be told apart.",
    "macro-F1": "F1 is one number for precision and recall of a class; macro-F1 is its mean over "
    "the classes, so rare ones count as much as frequent ones.",
    "nats": "the unit of log-probability. 0.7 fewer nats a row: what is true is given twice the "
    "probability.",
    "value of an LF": "how many nats a gold row the labels lose when it is taken away.",
    "dependent LFs": "they say the same more often than independent ones of their quality would, "
    "so together they count as little more than one vote.",
    "near copies": "two LFs that vote on nearly the same rows, and alike.",
    "in service": "the run that `weakft predict` uses.",
}


def show() -> None:
    """A popover with all of them."""
    with st.popover("What do the words mean?", type="tertiary", icon=":material/help:"):
        for word, meaning in WORDS.items():
            st.markdown(f"**{word}**: {meaning}")
