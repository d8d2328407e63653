"""A run that is going on: its stage, how far it is, and its training loss."""

import altair as alt
import pandas as pd
import shown
import streamlit as st

from weakft.live import read_live
from weakft.project import Project


@st.fragment(run_every=2)
def show(project: Project) -> None:
    """In the sidebar, every two seconds; nothing where no run is going on."""
    live = read_live(project.runs.root)
    if live is None:
        return
    st.divider()
    if not live.alive:
        st.caption("A run ended without finishing; the same command goes on with it.")
        return
    st.caption(f"A run is going on: {live.stage}")
    share = min(live.done / live.total, 1.0) if live.total else 0.0
    st.progress(share, text=shown.plain(live.task))
    if live.losses:
        losses = pd.DataFrame(live.losses, columns=["step", "loss"])
        st.altair_chart(
            alt.Chart(losses).mark_line().encode(x="step:Q", y="loss:Q").properties(height=120),
            alt="Training loss so far",
        )
