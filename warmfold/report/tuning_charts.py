"""Charts of one candidate: its trials' fold scores, what each hyperparameter did."""

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from warmfold.report import charts
from warmfold.report.charts import Chart, escape
from warmfold.runs.records import Parameter, Trial, Tuning

_SHOWN_TRIALS = 15
_COLUMNS = 3
_ROW_HEIGHT = 240
# Of a small scatter: narrower, its ticks and titles would overlap.
_COLUMN_PIXELS = 220
# With fewer points, a cloud shows no slope whether there is one or not.
_TRIALS_FOR_A_SLOPE = 20
_NO_SLOPE = " A cloud without a slope is a hyperparameter that did not matter here."


def tuning_charts(tuning: Tuning, metric: str) -> list[Chart]:
    """The charts of one candidate; none while it has no complete trial."""
    if not tuning.ranked:
        return []
    made = [fold_scores(tuning, metric)]
    return [*made, parameter_effect(tuning, metric)] if tuning.parameters else made


def hover(trial: Trial) -> str:
    """A ranked trial as the text of its point."""
    return f"<b>trial {trial.number}</b> {trial.score:.4f}<br>" + charts.hyperparameter_text(
        trial.hyperparameters
    )


def fold_scores(tuning: Tuning, metric: str) -> Chart:
    """Every trial was scored on the same folds: one colour a fold, trials from best to worst."""
    trials = tuning.ranked[:_SHOWN_TRIALS]
    names = [f"{trial.number}" for trial in trials]
    made = charts.figure(x="trial, best first", y=metric)
    made.update_xaxes(type="category")
    for fold in range(tuning.folds):
        made.add_trace(
            go.Scatter(
                x=names,
                y=[trial.fold_scores[fold] for trial in trials],
                name=f"fold {fold + 1}",
                mode="markers",
                marker={"color": charts.SERIES[fold % len(charts.SERIES)], "size": 8},
            )
        )
    made.add_trace(_means(names, trials))
    hidden = len(tuning.ranked) - len(trials)
    return Chart(
        key=f"folds-{tuning.job_name}",
        title="Fold scores of each trial",
        note="Every trial is scored on the same folds, so points of one colour compare directly."
        + (f" The {hidden} weakest trials are left out." if hidden else ""),
        summary=f"Fold scores of the {len(trials)} best trials over {tuning.folds} folds.",
        figure=made,
    )


def _means(names: list[str], trials: Sequence[Trial]) -> Any:
    line = {"width": 3, "color": charts.GREY}
    return go.Scatter(
        x=names,
        y=[trial.score for trial in trials],
        name="mean",
        mode="markers",
        marker={"symbol": "line-ew", "size": 20, "line": line, "color": charts.GREY},
    )


def parameter_effect(tuning: Tuning, metric: str) -> Chart:
    """One small scatter for each tuned hyperparameter, on the scale of its search."""
    parameters = tuning.parameters
    columns = min(_COLUMNS, len(parameters))
    rows = -(-len(parameters) // columns)
    made = make_subplots(
        rows=rows,
        cols=columns,
        shared_yaxes=True,
        horizontal_spacing=0.04,
        vertical_spacing=0.3 / rows,
    )
    base = charts.figure(x="", y="", height=_ROW_HEIGHT * rows + 30)
    made.update_layout(base.layout.to_plotly_json() | {"xaxis": {}, "yaxis": {}}, showlegend=False)
    for index, parameter in enumerate(parameters):
        row, column = index // columns + 1, index % columns + 1
        made.add_trace(_parameter_trace(tuning, parameter), row=row, col=column)
        made.update_xaxes(**_axis(parameter), row=row, col=column)
        if column == 1:
            made.update_yaxes(title={"text": metric}, row=row, col=column)
    return Chart(
        key=f"parameters-{tuning.job_name}",
        title="What each hyperparameter did",
        note="One point is one trial; the best is orange. The scale is logarithmic where the "
        "search was." + (_NO_SLOPE if len(tuning.ranked) >= _TRIALS_FOR_A_SLOPE else ""),
        summary="Score against the value of "
        + ", ".join(parameter.name for parameter in parameters)
        + ".",
        figure=made,
        wide=columns > 1,
        minimum_width=_COLUMN_PIXELS * columns,
    )


def _axis(parameter: Parameter) -> dict[str, Any]:
    kind = "category" if parameter.kind == "categorical" else "linear"
    made = {"type": kind, "title": {"text": escape(parameter.name), "standoff": 6}, "nticks": 5}
    if parameter.logarithmic:
        ticks = charts.log_ticks(parameter.minimum, parameter.maximum)
        shown = {"tickvals": ticks, "ticktext": [f"{tick:g}" for tick in ticks]} if ticks else {}
        made |= {"type": "log", **shown}
    return made


def _parameter_trace(tuning: Tuning, parameter: Parameter) -> go.Scatter:
    trials = [t for t in tuning.ranked if parameter.name in t.hyperparameters]
    texts = [trial.hyperparameters[parameter.name] for trial in trials]
    categorical = parameter.kind == "categorical"
    return go.Scatter(
        x=[escape(text) for text in texts] if categorical else [float(text) for text in texts],
        y=[trial.score for trial in trials],
        mode="markers",
        # Without a word on opacity and line, plotly fades points of several sizes.
        marker={
            "size": [12 if trial is tuning.ranked[0] else 8 for trial in trials],
            "color": [
                charts.ORANGE if trial is tuning.ranked[0] else charts.BLUE for trial in trials
            ],
            "opacity": 1,
            "line": {"width": 0},
        },
        text=[hover(trial) for trial in trials],
        hovertemplate="%{text}<extra></extra>",
    )
