"""The dashboard of one project: pages over its run folders. Start it with `weakft app`."""

from pathlib import Path

import gate
import glossary
import live_view
import loading
import shown
import streamlit as st

from weakft.errors import WeakftError


def page(name: str, title: str, icon: str, question: str, *, default: bool = False) -> st.Page:
    """One page and the question it answers."""
    file = f"app_pages/{name}.py"
    return st.Page(file, title=title, icon=f":material/{icon}:", help=question, default=default)


PAGES = {
    "": [
        page("overview", "Overview", "home", "Is this run good? What next?", default=True),
        page("review", "Review", "rate_review", "Which rows are worth a person's look?"),
        page("runs", "Runs", "history", "What changed? Which run is in service?"),
    ],
    "Labels": [
        page("lfs", "Labeling functions", "rule", "Which LF hurts, and on which rows?"),
        page("conflicts", "Conflicts", "call_split", "Which LFs contradict or copy each other?"),
        page("coverage", "Coverage", "select_all", "Where to write the next LF?"),
        page("labels", "Soft labels", "label", "How sure are the labels, and why?"),
    ],
    "Model": [
        page("model", "Model", "neurology", "How good is it, and how sure are we?"),
        page("errors", "Errors", "bug_report", "What does it get wrong, and who is to blame?"),
    ],
}

# Without a mark of our own the browser would fetch the page's icon from the network.
MARK = Path(__file__).with_name("mark.svg")

st.set_page_config(page_title="weakft", page_icon=MARK, layout="wide", initial_sidebar_state=240)
chosen = st.navigation(PAGES)
st.title(chosen.title)
try:
    project = loading.open_project()
    st.session_state["person"] = gate.require_login()
    with st.sidebar:
        st.caption("Project")
        st.text(shown.visible(project.config.project.name))
        if project.runs.ids():
            loading.choose_run(project)
        live_view.show(project)
        glossary.show()
    if project.runs.ids():
        chosen.run()
    else:
        st.info("No run yet. Make one, then reload this page:", icon=":material/hourglass_empty:")
        st.code("weakft run", language="bash")
except WeakftError as error:
    shown.refusal(error)
