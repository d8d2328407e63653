"""Who looks at the dashboard."""

import os
from fnmatch import fnmatchcase

import loading
import streamlit as st

from weakft.account import user_name


def require_login() -> str:
    """Name of the person: the e-mail they logged in with, or the user this machine knows.

    Where `weakft app` asks for a log-in, the page stops here until there is one that
    `[app] allowed` lets in.
    """
    if os.environ.get("WEAKFT_AUTH") != "1":
        return user_name()
    if not st.user.is_logged_in:
        st.info("These texts are not for everyone: please log in.", icon=":material/lock:")
        st.button("Log in", type="primary", on_click=st.login)
        st.stop()
    email = str(st.user.get("email") or "")
    allowed = loading.open_project().config.app.allowed
    if allowed and not _is_allowed(email, allowed):
        st.error("You are logged in, but `[app] allowed` does not let you in as:")
        st.text(email or "somebody without an e-mail address")
        st.button("Log out", on_click=st.logout)
        st.stop()
    return email or str(st.user.get("name") or st.user.get("sub") or "unnamed")


def _is_allowed(email: str, patterns: tuple[str, ...]) -> bool:
    unverified = str(st.user.get("email_verified", True)).lower() == "false"
    return not unverified and any(
        fnmatchcase(email.lower(), pattern.lower()) for pattern in patterns
    )
