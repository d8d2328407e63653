"""Model: how good the end model is, how sure we are, and which of its answers need no reading."""

import accepting
import loading
import pandas as pd
import rowview
import shown
import slicing
import streamlit as st
import testscores

from weakft import charts
from weakft.tables import Sought
from weakft.tables.evidence import class_scores, ways_compared

WAYS = {
    "none": "weak labels alone",
    "only": "gold alone",
    "continue": "weak labels first, then gold",
    "mix": "all of these, a linear model, and votes and texts together, weighed on gold",
}


def choose_clicked() -> None:
    """The clicked cell becomes the chosen pair of classes."""
    cells = st.session_state["confusion"].selection.cell
    if cells:
        st.session_state["gold"] = cells[0]["gold"]
        st.session_state["predicted"] = cells[0]["predicted"]


report = loading.chosen_report()
end_model = report.metrics["end_model"]
gold = end_model.get("gold", {})
of_train = report.metrics["labels"]["rows"]
beyond = end_model["train"]["rows"] - of_train
trained_on = f"{of_train:,} of train, {beyond:,} with gold" if beyond > 0 else "rows of train"
shown.kpis(
    [
        ("Macro-F1 on valid", *shown.score(end_model.get("valid", {}).get("macro_f1"))),
        ("Accuracy on valid", *shown.score(end_model.get("valid", {}).get("accuracy"))),
        ("Trained on", f"{end_model['train']['rows']:,}", trained_on),
        ("Gold enters by", gold.get("recipe", "none"), f"{gold.get('rows', 0):,} gold rows"),
    ]
)
shown.links([("Mistakes, and which LFs are to blame", "errors", {})])
st.subheader("What was chosen, and why")
st.text(shown.visible(report.rationale))
st.subheader("How gold entered")
st.text(gold.get("reason", "No gold was used."))
if gold.get("candidates"):
    ways = ways_compared(gold["candidates"])
    st.dataframe(
        shown.per_cent(ways, "accuracy").assign(
            evidence=shown.intervals(ways, "accuracy", "accuracy_support", "rows"),
            means=[WAYS.get(recipe, "") for recipe in ways["recipe"]],
        ),
        hide_index=True,
        placeholder="–",
        alt="The ways to use gold that were compared",
        column_order=[
            *("recipe", "means", "macro_f1", "accuracy", "evidence", "negative_log_likelihood")
        ],
        column_config={
            "means": shown.text("what it is", 330),
            "recipe": shown.text("way", 110),
            "macro_f1": st.column_config.NumberColumn(
                "macro-F1", format="%.3f", help="Of gold rows it had not seen; what decides."
            ),
            "accuracy": shown.share("right", "Of gold rows it had not seen."),
            "evidence": shown.text("95% interval", 190),
            "negative_log_likelihood": st.column_config.NumberColumn(
                "nats a row",
                format="%.3f",
                help="Mean negative log-probability of gold: lower is better; a sure answer that "
                "is wrong costs most.",
            ),
        },
    )

board = report.scoreboard("valid")
if len(board) > 1:
    st.subheader("Against its rivals, on valid")
    shown.scoreboard(board, "valid")

split = testscores.chosen_split(report)
told = report.summaries["model"][split]

left, right = st.columns(2, gap="large")
with left:
    st.subheader("Where it is wrong")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        true_class = st.selectbox(
            "Gold",
            report.classes,
            index=None,
            key="gold",
            placeholder="any class",
            bind="query-params",
        )
        predicted = st.selectbox(
            "Predicted",
            report.classes,
            index=None,
            key="predicted",
            placeholder="any class",
            bind="query-params",
        )
    shown.chart(
        charts.confusion,
        report.confusion(split),
        report.classes,
        true_class,
        predicted,
        key="confusion",
        on_select=choose_clicked,
        selection_mode="cell",
        alt="Confusion matrix of the end model",
    )
    if len(report.classes) > charts.MANY_CLASSES:
        st.dataframe(
            charts.largest_confusions(report.confusion(split)),
            hide_index=True,
            alt="The classes taken for each other most often",
            column_order=["gold", "predicted", "rows"],
        )
with right:
    st.subheader("Is it as sure as it is right?")
    st.text(shown.calibration_verdict(told["calibration"]))
    shown.chart(
        charts.reliability,
        pd.DataFrame(told["calibration"]),
        alt="Accuracy of the end model against its confidence",
    )
st.subheader("Classes")
classes = class_scores(told)
st.dataframe(
    shown.per_cent(classes, "f1", "precision", "recall").assign(
        f1_evidence=shown.intervals(classes, "f1", "f1_support", "rows"),
        of_predicted=shown.intervals(classes, "precision", "precision_support", "rows"),
        of_gold=shown.intervals(classes, "recall", "recall_support", "rows"),
    ),
    hide_index=True,
    placeholder="–",
    alt="Scores of each class",
    column_order=["class", "f1", "f1_evidence", "precision", "of_predicted", "recall", "of_gold"],
    column_config={
        "class": shown.text("class", 90),
        "f1": shown.share("F1"),
        "f1_evidence": shown.text(
            "95% interval", 170, "Its rows are those of the class or said to be."
        ),
        "precision": shown.share("precision"),
        "of_predicted": shown.text("95% interval", 170),
        "recall": shown.share("recall"),
        "of_gold": shown.text("95% interval", 170),
    },
)

st.subheader("Which answers need no reading?")
accepting.show(report, split)

st.subheader("Slices by votes and LFs")
slices = pd.DataFrame(told["slices"]).sort_values("accuracy")
shown.chart(charts.slices, slices, alt="Accuracy of the end model on slices of the rows")

st.subheader("Slices by columns of the data")
by_column = slicing.show(report.column_slices(split), told["slices"][0]["accuracy"])

st.subheader("Rows")
in_slice = slicing.chosen(by_column)
rowview.show(
    report,
    split,
    Sought(gold=true_class, predicted=predicted, slice=in_slice, order="loss"),
    key="model",
    columns=("text", "gold", "predicted", "confidence", "loss", "state", "id"),
)
