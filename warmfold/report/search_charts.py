"""The chart of the whole search: the trials of all candidates as they came in."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import accumulate
from statistics import fmean

import plotly.graph_objects as go

from warmfold.report import charts
from warmfold.report.charts import Chart, escape
from warmfold.report.tuning_charts import hover
from warmfold.runs.records import Trial, Tuning

# Green is the best so far, grey what was stopped.
_COLOURS = (charts.BLUE, charts.ORANGE, charts.PURPLE, charts.RED, charts.SKY)


def trials_over_time(tunings: Sequence[Tuning], metric: str) -> Chart | None:
    """Each complete trial's mean score when it ended, and the best one so far over all candidates.

    Trials that were raced out stand at the mean of the folds they did. ``None`` while no trial of
    any candidate is complete.
    """
    start = min((trial.created_at for tuning in tunings for trial in tuning.trials), default=None)
    complete = sorted((trial for t in tunings for trial in t.ranked), key=_end)
    if start is None or not complete:
        return None
    made = charts.figure(x="seconds since the first trial", y=f"{metric}, mean over folds")
    best = _best_so_far(complete, maximize=tunings[0].maximize)
    seconds = [_seconds(trial, start) for trial in complete]
    made.add_trace(charts.line(seconds, best, "best so far", charts.GREEN, line={"shape": "hv"}))
    for index, tuning in enumerate(tunings):
        name = "trial" if len(tunings) == 1 else tuning.candidate
        made.add_trace(_points(tuning, name, _COLOURS[index % len(_COLOURS)], start))
    made.add_traces(list(_raced(tunings, start)))
    return Chart(
        key="trials-over-time",
        title="Trials over time",
        note="Each point is the mean over the folds. Hover for the hyperparameters."
        + (_RACED_NOTE if any(tuning.raced for tuning in tunings) else ""),
        summary=f"{len(complete)} complete trials; the best mean {metric} is {best[-1]:.4f}.",
        figure=made,
        wide=len(tunings) > 1,
    )


_RACED_NOTE = (
    " A cross is a trial that was stopped after some folds because it was hopeless, at the mean "
    "of the folds it did: these are other folds than the points', so only the points compare."
)


def _best_so_far(complete: Sequence[Trial], *, maximize: bool) -> list[float]:
    scores = [trial.score for trial in complete if trial.score is not None]
    return list(accumulate(scores, max if maximize else min))


def _end(trial: Trial) -> datetime:
    return trial.ended_at or trial.created_at


def _seconds(trial: Trial, start: datetime) -> float:
    return (_end(trial) - start).total_seconds()


def _points(tuning: Tuning, name: str, colour: str, start: datetime) -> go.Scatter:
    trials = sorted(tuning.ranked, key=_end)
    return go.Scatter(
        x=[_seconds(trial, start) for trial in trials],
        y=[trial.score for trial in trials],
        name=escape(name),
        mode="markers",
        marker={"color": colour, "size": 9},
        text=[hover(trial) for trial in trials],
        hovertemplate="%{text}<extra></extra>",
    )


def _raced(tunings: Sequence[Tuning], start: datetime) -> Iterator[go.Scatter]:
    trials = [trial for t in tunings for trial in t.trials if trial.raced and trial.fold_scores]
    if trials:
        yield go.Scatter(
            x=[_seconds(trial, start) for trial in trials],
            y=[fmean(trial.fold_scores) for trial in trials],
            name="raced out",
            mode="markers",
            marker={
                "color": charts.GREY,
                "size": 8,
                "symbol": "x-thin",
                "line": {"width": 2, "color": charts.GREY},
            },
            text=[f"<b>trial {trial.number}</b> {escape(trial.reason)}" for trial in trials],
            hovertemplate="%{text}<extra></extra>",
        )
