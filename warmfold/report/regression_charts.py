"""Charts of the hold-out of a regression: predictions beside what was observed, and residuals."""

from warmfold.report import charts
from warmfold.report.charts import Chart
from warmfold.report.evaluation import Regression


def predicted_actual(regression: Regression) -> Chart:
    bins = regression.bins
    ends = [value for b in bins for value in (b.mean_score, b.mean_target)]
    both = (min(ends, default=0.0), max(ends, default=1.0))
    made = charts.figure(x="mean prediction of the bin", y="mean of the target", height=420)
    made.add_trace(charts.dotted(both, both, "perfect"))
    made.add_trace(
        charts.binned(
            [b.mean_score for b in bins],
            [b.mean_target for b in bins],
            errors=[b.target_std / b.rows**0.5 for b in bins],
            rows=[b.rows for b in bins],
            hover="%{customdata} rows: predicted %{x:.4g}, observed %{y:.4g}",
        )
    )
    return Chart(
        key="predicted-actual",
        title="Predictions beside what was observed",
        note="Above the line the predictions are too low, below it too high. Bars: one standard "
        "error of the bin's mean.",
        summary=f"{len(bins)} bins of rows in the order of their predictions.",
        figure=made,
    )


def residuals(regression: Regression) -> Chart:
    middle, low, high = (_residual(regression, share) for share in (0.5, 0.1, 0.9))
    made = charts.figure(
        x="observed less predicted", y="share of rows with at most this residual", height=420
    )
    made.add_trace(charts.line(regression.residuals, regression.shares, "hold-out", charts.BLUE))
    made.update_yaxes(range=[0, 1.01], tickformat=".0%")
    return Chart(
        key="residuals",
        title=f"Residuals: eight of ten between {low:.4g} and {high:.4g}",
        note="The share of rows whose residual is no larger. A curve that crosses 50 % away from "
        "0 is a bias.",
        summary=f"The median residual is {middle:.4g}; eight of ten lie between {low:.4g} and "
        f"{high:.4g}.",
        figure=made,
    )


def _residual(regression: Regression, share: float) -> float:
    """The residual at the known share that is nearest."""
    pairs = zip(regression.shares, regression.residuals, strict=True)
    return min(pairs, key=lambda pair: abs(pair[0] - share))[1]
