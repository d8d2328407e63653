"""Charts as SVG that stands in the page itself."""

import re
from io import StringIO

import altair as alt
from markupsafe import Markup

from weakft.charts import Chart
from weakft.html_report.blocks import Figure

WIDTH = 400
DEFINED = re.compile(r'(\bid="|url\(#)((?:gradient_|clip)\w+)')


def figure(
    chart: Chart, name: str, shows: str, *, width: int | None = WIDTH, caption: str = ""
) -> Figure:
    """Draw a chart.

    Args:
        chart: of `weakft.charts`.
        name: of this figure among those of the page; what it defines is named after it.
        shows: what is seen, for those who do not see it.
        width: of the plot without its axes, in pixels; None: the chart has its own.
        caption: how to read it.
    """
    sized = chart if width is None else chart.properties(width=width)
    file = StringIO()
    with alt.data_transformers.enable("default", max_rows=None):
        sized.configure(aria=False).save(file, format="svg")
    return Figure(Markup(_renamed(file.getvalue(), name)), shows, caption)


def _renamed(svg: str, name: str) -> str:
    """Vega counts what it defines, gradients and clips, on over all charts it ever drew."""
    seen = list(dict.fromkeys(defined for _, defined in DEFINED.findall(svg)))
    return DEFINED.sub(lambda found: f"{found[1]}{name}_{seen.index(found[2])}", svg)
