"""Test scores stay hidden until somebody asks, and every look is counted."""

import loading
import streamlit as st

from weakft.config import Splits
from weakft.report import Report

HELD_OUT: tuple[Splits, ...] = ("valid", "test")


def chosen_split(report: Report) -> Splits:
    """The split whose mistakes are asked for; the page ends where there is none to show."""
    end_model = report.metrics["end_model"]
    splits = [split for split in HELD_OUT if split in report.summaries["model"]]
    splits = [split for split in splits if split in end_model]
    if not splits:
        st.info("Neither test nor valid has gold, so mistakes cannot be told. Label some rows.")
        st.stop()
    split = st.segmented_control(
        "Split", splits, default=splits[0], required=True, key="split", bind="query-params"
    )
    if split == "test" and not are_shown(report, st.session_state["person"]):
        st.stop()
    if how := end_model[split].get("how"):
        st.text(f"How {split} was scored: {how}.")
    return split


def are_shown(report: Report, person: str) -> bool:
    """Whether this person has asked to see this run's scores on test; else the way to ask."""
    key = f"test_shown_{report.run.id}"
    test = report.manifest["data"]["test"]["sha256"]
    looks = loading.open_project().looks
    if damage := looks.damage():
        st.text(damage)
    if st.session_state.get(key):
        count = len(looks.at_test(test))
        times = "once" if count == 1 else f"{count} times"
        st.caption(f"Scores on these test rows have been looked at {times}, over all runs.")
        return True
    with st.container(horizontal=True, vertical_alignment="center"):
        asked = st.button("Show scores on test", icon=":material/visibility:", key=f"ask_{key}")
        st.caption(
            "Choose between runs by valid. Each look at test that influences a choice makes its "
            f"scores too good, so looks are counted: {len(looks.at_test(test))} so far."
        )
    if asked:
        looks.add(report.run.id, test, person)
        st.session_state[key] = True
        st.rerun()
    return False
