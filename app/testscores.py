"""Test scores stay hidden until somebody asks, and every look is counted."""

import loading
import streamlit as st

from weakft.looks import Looks
from weakft.report import Report


def are_shown(report: Report, person: str) -> bool:
    """Whether this person has asked to see this run's scores on test; else the way to ask."""
    key = f"test_shown_{report.run.id}"
    test = report.manifest["data"]["test"]["sha256"]
    looks = Looks(loading.open_project().runs.root / ".looks.jsonl")
    if st.session_state.get(key):
        count = len(looks.at_test(test))
        times = "once" if count == 1 else f"{count} times"
        st.caption(f"Scores on these test rows have been looked at {times}, over all runs.")
        return True
    with st.container(horizontal=True, vertical_alignment="center"):
        asked = st.button("Show scores on test", icon=":material/visibility:", key=f"ask_{key}")
        st.caption(
            f"Looked at {len(looks.at_test(test))} times so far. Choose by valid; a score on test "
            "that choices were made by flatters."
        )
    if asked:
        looks.add(report.run.id, test, person)
        st.session_state[key] = True
        st.rerun()
    return False
