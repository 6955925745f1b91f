"""Charts of the hold-out: ROC, precision-recall, calibration, Kolmogorov-Smirnov, importance.

Those of a regression are in ``regression_charts``.
"""

from collections.abc import Sequence

import plotly.graph_objects as go

from warmfold.report import charts
from warmfold.report.charts import Chart, escape, shortened
from warmfold.report.evaluation import Evaluation, Feature
from warmfold.report.regression_charts import predicted_actual, residuals

_SHOWN_FEATURES = 20
_BAR_HEIGHT = 24
# What a name may take up beside the bars; the whole one is under the pointer.
_NAME_CHARACTERS = 30
_NAMES_AND_BARS_PIXELS = 400


def holdout_charts(evaluation: Evaluation) -> list[Chart]:
    """Every chart of the hold-out, in reading order."""
    if evaluation.regression is not None:
        drawn = [predicted_actual, residuals]
        return [*(draw(evaluation.regression) for draw in drawn), importance(evaluation)]
    return [
        roc(evaluation),
        kolmogorov_smirnov(evaluation),
        calibration(evaluation),
        precision_recall(evaluation),
        importance(evaluation),
    ]


def _unit(figure: go.Figure, *, square: bool = True) -> None:
    """Both axes from 0 to 1."""
    figure.update_xaxes(range=[0, 1], constrain="domain")
    figure.update_yaxes(range=[0, 1.01])
    if square:
        figure.update_yaxes(scaleanchor="x", scaleratio=1, constrain="domain")


def roc(evaluation: Evaluation) -> Chart:
    auc, gini = evaluation.metrics["auc"], evaluation.metrics["gini"]
    made = charts.figure(x="false positive rate", y="true positive rate", height=420)
    made.add_trace(charts.dotted((0, 1), (0, 1), "no model"))
    made.add_trace(charts.line(*evaluation.roc, f"AUC {auc:.3f}", charts.BLUE))
    _unit(made)
    return Chart(
        key="roc",
        title=f"ROC: AUC {auc:.3f}, Gini {gini:.3f}",
        note="Gini is 2 · AUC − 1.",
        summary=f"The area under the curve is {auc:.4f}.",
        figure=made,
    )


def precision_recall(evaluation: Evaluation) -> Chart:
    area = evaluation.metrics["pr_auc"]
    base = evaluation.positives / evaluation.rows
    made = charts.figure(x="recall", y="precision", height=420)
    made.add_trace(charts.dotted((0, 1), (base, base), f"no model ({base:.1%})"))
    steps = _precision_steps(*evaluation.precision_recall)
    made.add_trace(charts.line(*steps, f"area {area:.3f}", charts.BLUE, line={"shape": "vh"}))
    _unit(made)
    return Chart(
        key="precision-recall",
        title=f"Precision and recall: area {area:.3f}",
        note=f"Precision: the share of rows with {evaluation.positive} among the highest scores. "
        f"Recall: the share of all rows with {evaluation.positive} that is found there.",
        summary=f"The area is {area:.4f}, against {base:.4f} without a model.",
        figure=made,
    )


def _precision_steps(
    recall: Sequence[float], precision: Sequence[float]
) -> tuple[list[float], list[float]]:
    """Corners of the steps under which the average precision is the area: Σ (Rₙ − Rₙ₋₁) · Pₙ.

    A threshold that finds nobody adds no area, and would begin the curve at precision 0.
    """
    found = [(r, p) for r, p in zip(recall, precision, strict=True) if r > 0]
    corners = [(0.0, found[0][1]), *found] if found else []
    return [r for r, _ in corners], [p for _, p in corners]


def calibration(evaluation: Evaluation) -> Chart:
    bins = evaluation.calibration
    brier = evaluation.metrics["brier"]
    made = charts.figure(
        x="mean score of the bin",
        y=f"observed rate of {escape(evaluation.positive)}",
        height=420,
    )
    made.add_trace(charts.dotted((0, 1), (0, 1), "perfect"))
    made.add_trace(
        charts.binned(
            [b.mean_score for b in bins],
            [b.observed_rate for b in bins],
            errors=[_standard_error(b.observed_rate, b.rows) for b in bins],
            rows=[b.rows for b in bins],
            hover="%{customdata} rows: scored %{x:.3f}, observed %{y:.3f}",
        )
    )
    _unit(made)
    rows = sorted(b.rows for b in bins)
    return Chart(
        key="calibration",
        title=f"Calibration: Brier score {brier:.3f}",
        note="Above the line the scores are too low, below it too high. Bars: one standard error "
        f"of a bin of {_range(rows)} rows.",
        summary=f"{len(bins)} bins; the Brier score is {brier:.4f}.",
        figure=made,
    )


def _range(values: list[int]) -> str:
    """``18 to 22`` of sorted values, or the one they all are."""
    if not values:
        return "no"
    return f"{values[0]}" if values[0] == values[-1] else f"{values[0]} to {values[-1]}"


def _standard_error(rate: float, rows: int) -> float:
    return float((rate * (1 - rate) / rows) ** 0.5) if rows else 0.0


def kolmogorov_smirnov(evaluation: Evaluation) -> Chart:
    curve, statistic = evaluation.ks, evaluation.metrics["ks"]
    at = curve.widest
    made = charts.figure(x="score", y="share of rows at or below the score", height=420)
    for share, name, colour in (
        (curve.negative, evaluation.negative, charts.BLUE),
        (curve.positive, evaluation.positive, charts.ORANGE),
    ):
        made.add_trace(charts.line(curve.score, share, name, colour, line={"shape": "hv"}))
    made.add_trace(
        go.Scatter(
            x=[curve.score[at]] * 2,
            y=[curve.positive[at], curve.negative[at]],
            name=f"KS {statistic:.3f}",
            mode="lines+markers",
            line={"color": charts.RED, "width": 2, "dash": "dash"},
        )
    )
    _unit(made, square=False)
    return Chart(
        key="ks",
        title=f"Kolmogorov–Smirnov: {statistic:.3f} at score {curve.score[at]:.3f}",
        note="The largest distance between the two groups: the cut-off that separates them best.",
        summary=f"The largest distance is {statistic:.4f}, at score {curve.score[at]:.4f}.",
        figure=made,
    )


def importance(evaluation: Evaluation) -> Chart:
    features = sorted(evaluation.importance, key=lambda feature: feature.gain)
    total = sum(feature.gain for feature in features)
    used = [feature for feature in features if feature.splits]
    shown = used[-_SHOWN_FEATURES:]
    made = charts.figure(
        x="share of the total gain", y="", height=110 + _BAR_HEIGHT * max(len(shown), 1)
    )
    made.update_xaxes(tickformat=".0%")
    names = [feature.name for feature in shown]
    made.update_yaxes(
        type="category",
        tickvals=list(range(len(names))),
        ticktext=[escape(shortened(name, _NAME_CHARACTERS)) for name in names],
    )
    made.add_trace(_gains(shown, total))
    unused = len(features) - len(used)
    return Chart(
        key="importance",
        title="Features by gain",
        note=f"The {len(shown)} strongest of {len(features)} features"
        + (f"; {unused} are not used by the model" if unused else "")
        + ". Gain says what the model used, not what causes the outcome.",
        summary="Strongest first: " + ", ".join(f.name for f in reversed(shown[-5:])) + ".",
        figure=made,
        wide=True,
        minimum_width=_NAMES_AND_BARS_PIXELS,
    )


def _gains(shown: Sequence[Feature], total: float) -> go.Bar:
    names = [escape(feature.name) for feature in shown]
    return go.Bar(
        x=[feature.gain / total if total else 0.0 for feature in shown],
        y=names,
        orientation="h",
        marker={"color": charts.BLUE},
        customdata=[feature.splits for feature in shown],
        hovertext=names,
        hovertemplate="%{hovertext}: %{x:.1%} of the gain, used %{customdata} times<extra></extra>",
    )
