"""What a page shows, as values."""

import pandas as pd
from streamlit.testing.v1 import AppTest


def said(app: AppTest) -> str:
    """All plain texts and notices of a page."""
    kinds = (app.text, app.info, app.error, app.success, app.caption, app.subheader, app.code)
    return "\n".join(element.value for kind in kinds for element in kind)


def cards(app: AppTest) -> dict[str, str]:
    """The values of the cards, by their label."""
    return {card.label: card.value.replace("\\", "") for card in app.metric}


def evidence(app: AppTest) -> dict[str, str]:
    """What stands under the values, by the card's label."""
    return {card.label: card.delta.replace("\\", "") for card in app.metric}


def table(app: AppTest, *columns: str) -> pd.DataFrame:
    """The last table of the page that has these columns."""
    tables = [element.value for element in app.dataframe]
    return next(t for t in reversed(tables) if set(columns) <= set(t.columns))


def ids(app: AppTest) -> list[str]:
    """Ids of the rows shown, in their order; none where the page says that there are none."""
    tables = [element.value for element in app.dataframe]
    found = [each for each in tables if {"id", "text"} <= set(each.columns)]
    return found[-1]["id"].tolist() if found else []


def clicked(app: AppTest, key: str, row: int) -> AppTest:
    """As if somebody clicked a row of this table."""
    app.session_state[key] = {"selection": {"rows": [row], "columns": [], "cells": []}}
    return app.run()
