"""What all charts share: colours that work on light and dark, escaping, a bare layout.

Text colour, grid and background are left to the page, which knows the reader's colour scheme.
"""

import html
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import plotly.graph_objects as go

from warmfold_contract.metric_names import PROJECT_PREFIX

BLUE, ORANGE, GREEN, RED, PURPLE, SKY = (
    "#3a8fd0",
    "#e08e1b",
    "#1f9e76",
    "#d9602a",
    "#b36cc0",
    "#6fb7e0",
)
GREY = "#8b9099"
SERIES = (BLUE, ORANGE, GREEN, PURPLE, RED, SKY)

# In the order in which a report shows them.
METRIC_NAMES = {
    "auc": "AUC",
    "gini": "Gini",
    "ks": "KS",
    "pr_auc": "PR AUC",
    "log_loss": "Log loss",
    "brier": "Brier score",
    "rmse": "RMSE",
    "mae": "MAE",
    "r2": "R²",
}

CONFIG = {"displaylogo": False, "responsive": True, "displayModeBar": False}


def escape(text: str) -> str:
    """Plotly reads a little HTML in labels, so text from data is escaped there too.

    Quotes are not: a label has no attributes, and plotly would show ``&quot;`` as it is.
    """
    return html.escape(text, quote=False)


@dataclass(frozen=True, kw_only=True)
class Chart:
    """A chart with its words. ``summary`` is what a reader who cannot see it is told."""

    key: str
    title: str
    note: str
    summary: str
    figure: go.Figure
    wide: bool = False
    # In pixels; what is narrower scrolls.
    minimum_width: int = 0

    @property
    def json(self) -> str:
        """The figure for a ``<script>`` element: nothing in it can end the element."""
        values = json.loads(self.figure.to_json())
        text = json.dumps({"data": values["data"], "layout": values["layout"]})
        return (
            text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
        )


def in_full_rows(charts: Iterable[Chart]) -> list[Chart]:
    """The charts, two in a row unless they are wide; one that would stand alone becomes wide."""
    made: list[Chart] = []
    begun = False
    for chart in charts:
        if chart.wide and begun:
            made[-1] = replace(made[-1], wide=True)
        begun = not chart.wide and not begun
        made.append(chart)
    return [*made[:-1], replace(made[-1], wide=True)] if begun else made


def figure(*, x: str, y: str, height: int = 380, **layout: Any) -> go.Figure:
    """An empty figure with titled axes and no theme of its own."""
    made = go.Figure()
    made.update_layout(
        template="none",
        height=height,
        margin={"l": 60, "r": 16, "t": 12, "b": 52},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        legend={"orientation": "h", "y": 1.0, "yanchor": "bottom", "x": 0},
        hovermode="closest",
        xaxis={"title": {"text": x, "standoff": 8}, "automargin": True},
        yaxis={"title": {"text": y, "standoff": 8}, "automargin": True},
        **layout,
    )
    return made


def line(x: Any, y: Any, name: str, colour: str, **options: Any) -> go.Scatter:
    """A plain line."""
    return go.Scatter(
        x=list(x),
        y=list(y),
        name=escape(name),
        mode="lines",
        line={"color": colour, "width": 2.4, **options.pop("line", {})},
        **options,
    )


def binned(
    x: Sequence[float],
    y: Sequence[float],
    *,
    errors: Sequence[float],
    rows: Sequence[int],
    hover: str,
) -> go.Scatter:
    """Means of bins of hold-out rows with their errors. ``hover`` is over ``x``, ``y`` and the
    number of rows, ``customdata``."""
    return go.Scatter(
        x=x,
        y=y,
        name="hold-out",
        mode="lines+markers",
        line={"color": BLUE, "width": 1.4},
        marker={"color": BLUE, "size": 9},
        customdata=rows,
        error_y={"array": errors, "thickness": 1, "width": 2, "color": SKY},
        hovertemplate=f"{hover}<extra></extra>",
    )


def dotted(x: Sequence[float], y: Sequence[float], name: str) -> go.Scatter:
    """The line of a model that knows nothing, or of a perfect one."""
    return line(x, y, name, GREY, line={"dash": "dot", "width": 1.4}, hoverinfo="skip")


def hyperparameter_text(values: Mapping[str, str]) -> str:
    """Hover text: one escaped ``name = value`` a line."""
    return "<br>".join(f"{escape(k)} = {escape(short_number(v))}" for k, v in values.items())


def short_number(value: str) -> str:
    """``0.0312847`` as ``0.03128``; text that is no number as it is."""
    try:
        number = float(value)
    except ValueError:
        return value
    return value if number.is_integer() else f"{number:.4g}"


def shortened(name: str, characters: int) -> str:
    """A longer name with an ellipsis for its middle: the ends tell columns of one family apart."""
    if len(name) <= characters:
        return name
    end = (characters - 1) // 2
    return f"{name[: characters - 1 - end]}…{name[-end:]}"


def log_ticks(minimum: float | None, maximum: float | None) -> list[float]:
    """1, 2 and 5 times the powers of ten within a positive range; the ends if there are none."""
    if minimum is None or maximum is None or minimum <= 0:
        return []
    powers = range(math.floor(math.log10(minimum)), math.ceil(math.log10(maximum)) + 1)
    ticks = [float(f"{digit}e{power}") for power in powers for digit in (1, 2, 5)]
    inside = [tick for tick in ticks if minimum <= tick <= maximum]
    wide = maximum / minimum > 1000  # more than three decades: powers alone
    shown = [t for t in inside if f"{t:e}".startswith("1.0")] if wide else inside
    return shown or [minimum, maximum]


def metric_name(metric: str) -> str:
    """``pr_auc`` as people write it; of ``project.profit``, the project's own word."""
    known = METRIC_NAMES.get(metric)
    own = metric.removeprefix(PROJECT_PREFIX).replace("_", " ").replace(":", " ")
    return own if known is None else known
