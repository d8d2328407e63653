"""Model: the end model against its rivals, and the rows behind its mistakes."""

import charts
import loading
import shown
import streamlit as st

from weakft.errors import WeakftError


def choose_clicked() -> None:
    """The clicked cell becomes the chosen pair of classes."""
    cells = st.session_state["confusion"].selection.cell
    if cells:
        st.session_state["gold_class"] = cells[0]["gold"]
        st.session_state["predicted_class"] = cells[0]["predicted"]


report = loading.chosen_report()
end_model = report.metrics["end_model"]
test = end_model.get("test", {})
gold = end_model.get("gold", {})
shown.kpis(
    [
        ("Macro-F1 on test", *shown.score(test.get("macro_f1"))),
        ("Accuracy on test", *shown.score(test.get("accuracy"))),
        ("Trained on", f"{end_model['train']['rows']:,}", "training rows"),
        ("Gold enters by", gold.get("recipe", "none"), f"{gold.get('rows', 0):,} gold rows"),
    ]
)
with st.container(border=True):
    st.markdown("**What to do next**")
    for step in report.next_steps():
        st.text(f"• {step}")
    for warning in report.metrics.get("warnings", []):
        st.text(f"⚠ {warning}")

st.subheader("Against its rivals, on test")
board = report.scoreboard("test")
if board.empty:
    st.info("No test split with gold, so there is no honest score. Label one: [data] test.")
else:
    left, right = st.columns([8, 5], gap="medium")
    left.altair_chart(
        charts.scoreboard(board, "macro_f1", "macro-F1 (95% interval)"),
        alt="Macro-F1 of the end model and its rivals with intervals",
    )
    right.altair_chart(
        charts.scoreboard(board, "accuracy", "accuracy (95% interval)", names=False),
        alt="Accuracy of the end model and its rivals with intervals",
    )
    st.dataframe(
        shown.per_cent(board, "macro_f1", "accuracy").assign(
            f1_evidence=shown.intervals(board, "macro_f1", "rows", "rows"),
            accuracy_evidence=shown.intervals(board, "accuracy", "rows", "rows"),
        ),
        hide_index=True,
        alt="Scores of the end model and its rivals on test",
        column_order=["model", "macro_f1", "f1_evidence", "accuracy", "accuracy_evidence"],
        column_config={
            "model": st.column_config.TextColumn(width=270),
            "macro_f1": shown.share("macro-F1"),
            "f1_evidence": st.column_config.TextColumn("95% interval", width=180),
            "accuracy": shown.share("accuracy"),
            "accuracy_evidence": st.column_config.TextColumn("95% interval", width=180),
        },
    )

st.subheader("How gold entered")
st.text(gold.get("reason", "No gold was used."))
if gold.get("candidates"):
    shown.facts(gold["candidates"], alt="The ways to use gold that were compared")

st.subheader("Where it is wrong")
splits = report.scored_splits
if not splits:
    st.info("Neither test nor valid has gold, so mistakes cannot be told. Label some rows.")
    st.stop()
with st.container(horizontal=True, vertical_alignment="bottom"):
    split = st.segmented_control(
        "Split", splits, default=splits[0], required=True, key="model_split"
    )
    true_class = st.selectbox(
        "Gold", report.classes, index=None, key="gold_class", placeholder="any class"
    )
    predicted = st.selectbox(
        "Predicted", report.classes, index=None, key="predicted_class", placeholder="any class"
    )
if how := end_model[split].get("how"):
    st.text(f"Read these with care: {how}.")
try:
    rows = loading.prediction_rows(report, split)
    st.altair_chart(
        charts.confusion(loading.confusion(report, split), report.classes, true_class, predicted),
        key="confusion",
        on_select=choose_clicked,
        selection_mode="cell",
        width=640,
        alt="Confusion matrix of the end model",
    )
    if true_class is not None:
        rows = rows[rows["gold"] == true_class]
    if predicted is not None:
        rows = rows[rows["predicted"] == predicted]
    rows = rows.sort_values(["wrong", "confidence"], ascending=False)
    columns = ["id", "text", "gold", "predicted", "confidence", "wrong"]
    shown.rows(rows, columns, alt="Rows behind the chosen cell")
except WeakftError as error:
    shown.refusal(error)
