"""Soft labels: how sure, how right, and why each row has the label it has."""

import loading
import pandas as pd
import rowview
import shown
import streamlit as st

from weakft import charts
from weakft.tables import Sought
from weakft.tables.evidence import label_models_compared

KEPT = {
    "all": Sought(),
    "unsure": Sought(label_below=0.6, order="label_confidence", ascending=True),
    "in conflict": Sought(states=("conflicted",)),
    "wrong": Sought(label_mistakes=True, order="label_confidence"),
    "model says otherwise": Sought(disagreeing=True, order="confidence"),
}

HONESTY = {
    "dev": "flattered: label models may learn from dev",
    "valid": "the label model saw none of it",
    "train": "of gold set aside to judge labels",
}

report = loading.chosen_report()
labels, summary = report.metrics["labels"], report.summaries
counts = summary["rows"]["train"]
of_train = f"of {counts['rows']:,} train rows"
shown.kpis(
    [
        ("Label model", labels["chosen"], f"asked for: {labels['label_model']}"),
        ("Covered", f"{labels['coverage']:.1%}", of_train),
        ("In conflict", f"{counts['conflicting']:,}", of_train),
        ("Mean confidence", f"{labels['mean_confidence']:.1%}", f"{labels['covered']:,} rows"),
        ("Labelled by hand", f"{labels.get('reviewed', 0):,}", "rows, on the page Review"),
    ]
)
shown.links(
    [
        ("Rows nobody covers", "coverage", {}),
        ("Which LFs contradict each other", "conflicts", {}),
        ("Label unsure rows by hand", "review", {"queue": "unsure labels"}),
    ]
)
if report.relabelling is not None:
    st.caption(report.relabelling)
for warning in labels["warnings"]:
    st.text(f"⚠ {shown.visible(warning)}")

left, middle, right = st.columns([3, 4, 4], gap="medium")
with left:
    st.subheader("Classes")
    shown.chart(
        charts.class_shares,
        labels["class_shares"],
        report.classes,
        alt="Share of each class in the soft labels",
    )
with middle:
    st.subheader("Confidence")
    shown.chart(
        charts.confidences,
        pd.DataFrame(summary["labels"]["histogram"]),
        report.classes,
        alt="Histogram of the confidence of labels",
    )
with right:
    st.subheader("Calibration")
    judged = [split for split in ("valid", "dev") if split in summary["labels"]["calibration"]]
    if judged:
        shown.chart(
            charts.reliability,
            pd.DataFrame(summary["labels"]["calibration"][judged[0]]),
            alt="Accuracy of the labels against their confidence",
        )
        told = summary["labels"]["calibration"][judged[0]]
        st.caption(f"On {judged[0]}. {shown.calibration_verdict(told)}")
    else:
        st.info("No gold, so nobody knows whether confidence means anything.")

st.subheader("Why this label model")
st.caption(
    "With enough gold, a model whose LFs gold weighs is taken if its macro-F1 on dev is clearly "
    "better. Among models about as good, the likeliest wins."
)
st.text(labels.get("reason", f"{labels['chosen']}, as configured."))
if labels.get("candidates"):
    compared = label_models_compared(labels["candidates"])
    compared = compared.sort_values("negative_log_likelihood", ignore_index=True)
    st.dataframe(
        shown.per_cent(compared, "accuracy", "unanimous_flips").assign(
            evidence=shown.intervals(compared, "accuracy", "accuracy_support", "rows"),
            nats_bounds=shown.bounds(compared, "negative_log_likelihood", signed=False),
            f1_bounds=shown.bounds(compared, "macro_f1", signed=False),
        ),
        hide_index=True,
        placeholder="–",
        alt="The label models compared",
        column_order=[
            "name",
            "negative_log_likelihood",
            "nats_bounds",
            "accuracy",
            "evidence",
            "macro_f1",
            "f1_bounds",
            "held_out_votes",
            "unanimous_flips",
            "note",
        ],
        column_config={
            "name": shown.text("label model", 120),
            "negative_log_likelihood": st.column_config.NumberColumn(
                "nats a gold row",
                format="%.3f",
                width=105,
                help="Mean negative log-probability of dev gold, by weights that had not seen the "
                "row (temperature and prior had): lower is better.",
            ),
            "nats_bounds": shown.text("95% interval", 130),
            "accuracy": shown.share(
                "right",
                "Of the covered dev rows, by weights that had not seen the row.",
            ),
            "evidence": shown.text("95% interval", 150),
            "macro_f1": st.column_config.NumberColumn(
                "macro-F1",
                format="%.3f",
                width=90,
                help="Of the same labels, over the classes that the covered dev rows have.",
            ),
            "f1_bounds": shown.text("95% interval", 130),
            "held_out_votes": st.column_config.NumberColumn(
                "nats a held-out vote",
                format="%.3f",
                width=130,
                help="How badly the other LFs' votes foretell one; needs no gold.",
            ),
            "unanimous_flips": shown.share(
                "flipped", "Unanimous training rows that it labels against all votes."
            ),
            "note": shown.text("note", 200),
        },
    )

st.subheader("Quality against gold")
quality = report.label_quality()
if quality.empty:
    st.info("No split has gold, so nobody knows how good these labels are. Label some dev rows.")
else:
    st.dataframe(
        shown.per_cent(quality, "coverage", "accuracy").assign(
            evidence=shown.intervals(quality, "accuracy", "support", "rows"),
            how=quality["split"].map(HONESTY),
        ),
        hide_index=True,
        placeholder="–",
        alt="Quality of the soft labels on each split with gold",
        column_order=[
            "split",
            "how",
            "coverage",
            "accuracy",
            "evidence",
            "negative_log_likelihood",
        ],
        column_config={
            "split": shown.text("split", 70),
            "how": shown.text("how honest", 280),
            "coverage": shown.share("coverage"),
            "accuracy": shown.share("accuracy", "On covered rows; a tie of classes is not right."),
            "evidence": shown.text("95% interval", 190),
            "negative_log_likelihood": st.column_config.NumberColumn(
                "nats a row",
                format="%.3f",
                help="Mean negative log-probability of gold on covered rows: lower is better.",
            ),
        },
    )

st.subheader("Training rows")
keep = st.pills("Rows", list(KEPT), default="all", required=True, key="keep", bind="query-params")
if keep == "wrong" and not counts["gold"]:
    st.info("No gold for the training rows, so nobody knows which are wrong.")
else:
    columns = ("text", "label", "label_confidence", "predicted", "gold", "LF votes", "id")
    rowview.show(report, "train", KEPT[keep], key="labels", columns=columns)
