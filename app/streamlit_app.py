"""The dashboard of one project: pages over its run folders. Start it with `weakft app`."""

from pathlib import Path

import loading
import shown
import streamlit as st

from weakft.errors import WeakftError

PAGES = [
    st.Page(
        "app_pages/lfs.py",
        title="Labeling functions",
        icon=":material/rule:",
        default=True,
        help="What each LF votes for, how often, how right it is, and the rows behind it.",
    ),
    st.Page(
        "app_pages/labels.py",
        title="Labels",
        icon=":material/label:",
        help="The soft labels of the training rows: classes, confidence, uncovered rows.",
    ),
    st.Page(
        "app_pages/model.py",
        title="Model",
        icon=":material/neurology:",
        help="The end model against its rivals, and the rows it gets wrong.",
    ),
]

# Without a mark of our own the browser would fetch the page's icon from the network.
MARK = Path(__file__).with_name("mark.svg")

st.set_page_config(page_title="weakft", page_icon=MARK, layout="wide", initial_sidebar_state=240)
page = st.navigation(PAGES)
st.title(page.title)
try:
    project = loading.open_project()
    with st.sidebar:
        st.caption("Project")
        st.text(project.config.project.name)
        if project.runs.ids():
            loading.choose_run(project.runs)
    if project.runs.ids():
        page.run()
    else:
        st.info("No run yet. Make one, then reload this page:", icon=":material/hourglass_empty:")
        st.code("weakft run", language="bash")
except WeakftError as error:
    shown.refusal(error)
