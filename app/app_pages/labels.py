"""Labels: the soft labels of the training rows, and how far to trust them."""

import charts
import loading
import shown
import streamlit as st

from weakft.errors import WeakftError

report = loading.chosen_report()
labels = report.metrics["labels"]
counts = loading.coverage(report)
of_train = f"of {counts['rows']:,} train rows"
shown.kpis(
    [
        ("Label model", labels["chosen"], f"asked for: {labels['label_model']}"),
        ("Covered", f"{labels['coverage']:.1%}", of_train),
        ("In conflict", f"{counts['conflicting']:,}", of_train),
        ("Mean confidence", f"{labels['mean_confidence']:.1%}", f"{labels['covered']:,} rows"),
    ]
)
for warning in labels["warnings"]:
    st.text(f"⚠ {warning}")

rows = None
reason = None
try:
    rows = loading.label_rows(report)
except WeakftError as error:
    reason = error

left, right = st.columns([2, 3], gap="large")
with left:
    st.subheader("Classes")
    st.altair_chart(
        charts.class_shares(labels["class_shares"], report.classes),
        alt="Share of each class in the soft labels",
    )
with right:
    st.subheader("Confidence")
    if rows is not None:
        st.altair_chart(
            charts.confidences(rows, report.classes), alt="Histogram of the confidence of labels"
        )
    else:
        st.info("Not without the rows, see below.")

st.subheader("Why this label model")
st.text(labels.get("reason", f"{labels['chosen']}, as configured."))
if labels.get("candidates"):
    shown.facts(labels["candidates"], alt="The label models compared")

st.subheader("Quality against gold")
quality = report.label_quality()
if quality.empty:
    st.info("No split has gold, so nobody knows how good these labels are. Label some dev rows.")
else:
    st.dataframe(
        shown.per_cent(quality, "coverage", "accuracy").assign(
            evidence=shown.intervals(quality, "accuracy", "support", "rows")
        ),
        hide_index=True,
        placeholder="–",
        alt="Quality of the soft labels on each split with gold",
        column_order=["split", "coverage", "accuracy", "evidence", "negative_log_likelihood"],
        column_config={
            "coverage": shown.share("coverage"),
            "accuracy": shown.share("accuracy", "On covered rows."),
            "evidence": st.column_config.TextColumn("95% interval", width=190),
            "negative_log_likelihood": st.column_config.NumberColumn(
                "negative log-likelihood",
                format="%.3f",
                help="Nats per covered row; lower is better.",
            ),
        },
    )

st.subheader("Training rows")
if rows is None:
    shown.refusal(reason)
else:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        keep = st.segmented_control(
            "Rows",
            ["all", "uncovered", "low confidence", "wrong"],
            default="all",
            required=True,
            key="labels_keep",
        )
        if keep == "low confidence":
            limit = st.slider("Below", 0.0, 1.0, 0.6, 0.05, format="percent", width=260)
            rows = rows[rows["confidence"] < limit].sort_values("confidence")
    if keep == "uncovered":
        rows = rows[~rows["covered"]]
        gaps = report.gaps()
        if gaps:
            st.text("What they are about: an LF for the first group would cover most.")
            shown.facts(
                [{"rows": gap["rows"], "words": ", ".join(gap["words"])} for gap in gaps],
                alt="Groups of uncovered rows, with the words that mark them",
            )
    elif keep == "wrong" and rows["gold"].isna().all():
        st.info("No gold for the training rows, so nobody knows which are wrong.")
    elif keep == "wrong":
        rows = rows[rows["wrong"].fillna(False)].sort_values("confidence", ascending=False)
    columns = ["id", "text", "label", "confidence", "votes", "gold"]
    shown.rows(rows, columns, alt="Training rows with their labels")
