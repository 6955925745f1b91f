"""The report as one HTML page that needs nothing else: no network, no second file."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib import resources
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from warmfold.errors import WarmfoldError
from warmfold.report import champion, findings
from warmfold.report.charts import (
    CONFIG,
    METRIC_NAMES,
    Chart,
    in_full_rows,
    metric_name,
    short_number,
)
from warmfold.report.collect import ReportData
from warmfold.report.holdout_charts import holdout_charts
from warmfold.report.labels import is_number, label
from warmfold.report.search_charts import trials_over_time
from warmfold.report.tuning_charts import tuning_charts
from warmfold.runs.records import Run, Trial, Tuning
from warmfold.runs.render import clock

_CARD_ORDER = (
    "description",
    "intended_use",
    "limits",
    "model",
    "data",
    "metrics",
    "hyperparameters",
)


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """One candidate's part of the page."""

    tuning: Tuning
    charts: list[Chart]
    lead: str


@dataclass(frozen=True, kw_only=True)
class Row:
    """A trial's row in the table of all; ``rank`` is over all candidates, ``None`` for no score."""

    rank: int | None
    candidate: str
    trial: Trial


def render(data: ReportData, made_at: datetime) -> str:
    """The page's text. ``made_at`` is printed; nothing else depends on the clock."""
    page = _environment().get_template("page.html.j2")
    evaluation = data.evaluation
    metric = metric_name(evaluation.metric)
    over_time = trials_over_time(data.run.tunings, metric)
    return page.render(
        data=data,
        made_at=made_at,
        evaluation=evaluation,
        card=_card(evaluation.card),
        tiles=_tiles(data),
        sentences=_sentences(data),
        candidates=_candidates(data.run, over_time, metric),
        comparison=_comparison(data.run),
        over_time=over_time,
        trials=_rows(data.run),
        parameters=_parameters(data.run),
        holdout=in_full_rows(holdout_charts(evaluation)),
        config=CONFIG,
        style=_asset("page.css"),
        script=_asset("page.js"),
        plotly=Markup(get_plotlyjs()),  # noqa: S704 - the library's own text, never data
    )


def write(data: ReportData, path: Path, made_at: datetime) -> Path:
    """Write the page, folders included; the path as written. Raises ``WarmfoldError`` if it cannot
    be written."""
    text = render(data, made_at)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise WarmfoldError(
            f"the report {path} cannot be written: {error.strerror}: name another file"
        ) from error
    return path


def _environment() -> Environment:
    """Everything that a template prints is escaped, unless this package wrote it."""
    environment = Environment(
        loader=PackageLoader("warmfold.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        clock=clock, words=label, number=short_number, moment=_moment, value=_value
    )
    environment.tests.update(short_list=_is_short_list, numeric=is_number)
    return environment


def _asset(name: str) -> Markup:
    text = (resources.files("warmfold.report") / name).read_text(encoding="utf-8")
    return Markup(text)  # noqa: S704 - a file of this package, never data


def _tiles(data: ReportData) -> list[tuple[str, str]]:
    """The hold-out metrics, the pipeline's own first."""
    metrics = data.evaluation.metrics
    known = [data.evaluation.metric, *METRIC_NAMES]
    names = [name for name in known if name in metrics] + [n for n in metrics if n not in known]
    return [(metric_name(name), f"{metrics[name]:.3f}") for name in dict.fromkeys(names)]


def _sentences(data: ReportData) -> list[str]:
    evaluation, maximize = data.evaluation, data.run.maximize
    name = metric_name(evaluation.metric)
    made = [
        findings.gate_sentence(data),
        findings.holdout_sentence(evaluation),
        champion.champion_sentence(evaluation.champion, name, maximize=maximize),
        findings.agreement_sentence(evaluation, maximize=maximize),
        champion.choice_sentence(evaluation.calibration_choice),
        findings.calibration_sentence(evaluation),
    ]
    return [sentence for sentence in made if sentence]


def _candidates(run: Run, over_time: Chart | None, metric: str) -> list[Candidate]:
    """The chart of the whole search is the first of a candidate that is alone."""
    first = [over_time] if over_time and len(run.candidates) == 1 else []
    return [_candidate(tuning, metric, first) for tuning in run.candidates]


def _candidate(tuning: Tuning, metric: str, first: list[Chart]) -> Candidate:
    lead = findings.lead_of(tuning)
    return Candidate(
        tuning=tuning,
        charts=in_full_rows([*first, *tuning_charts(tuning, metric)]),
        lead=lead.sentence if lead else "",
    )


def _comparison(run: Run) -> str:
    lead = findings.candidates_lead(run)
    return lead.sentence if lead else ""


def _rows(run: Run) -> list[Row]:
    """Every trial of every candidate: those that could win, best first, then the others."""
    sign = -1 if run.tunings and run.tunings[0].maximize else 1
    ranked = [(tuning.candidate, trial) for tuning in run.candidates for trial in tuning.ranked]
    ranked.sort(key=lambda pair: sign * (pair[1].score or 0.0))
    rest = [
        (t.candidate, trial) for t in run.candidates for trial in t.trials if trial not in t.ranked
    ]
    rows = [Row(rank=rank, candidate=c, trial=t) for rank, (c, t) in enumerate(ranked, start=1)]
    return rows + [Row(rank=None, candidate=c, trial=t) for c, t in rest]


def _parameters(run: Run) -> list[str]:
    """What any candidate tuned, each name once."""
    names = (parameter.name for tuning in run.candidates for parameter in tuning.parameters)
    return list(dict.fromkeys(names))


def _moment(value: datetime | None) -> str:
    return "" if value is None else value.strftime("%Y-%m-%d %H:%M:%S %Z").strip()


def _value(value: Any) -> str:
    """A leaf of the model card as text."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, Mapping | list | tuple):
        raise TypeError("only leaves are printed as text")
    return "–" if value is None else str(value)


def _card(card: Mapping[str, Any]) -> dict[str, Any]:
    """The model card in reading order; what is not known here comes last, what is empty nowhere."""
    filled = {key: value for key, value in card.items() if not _is_empty(value)}
    known = [key for key in _CARD_ORDER if key in filled]
    return {key: filled[key] for key in [*known, *(key for key in filled if key not in known)]}


def _is_empty(value: Any) -> bool:
    """A project that says nothing under a heading gets no heading."""
    return value is None or (isinstance(value, str | Mapping | list | tuple) and not value)


def _is_short_list(value: Any) -> bool:
    """Names and numbers, which read better in a line than as bullets."""
    return isinstance(value, list) and all(
        isinstance(item, str | int | float) and " " not in str(item) for item in value
    )
