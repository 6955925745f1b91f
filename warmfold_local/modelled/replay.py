"""The published headline cases, replayed on virtual time, cold and warm, with every assumption."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from warmfold_local.modelled.parameters import Parameter, ParameterError, by_name, with_settings
from warmfold_local.modelled.prices import PRICES, price
from warmfold_local.modelled.simulation import Outcome, simulate
from warmfold_local.modelled.startup import STARTUP
from warmfold_local.modelled.workload import WORKLOAD, workload

# What "cold" means: nothing is kept. It wins over a user's own settings of these.
_COLD = {"keep_alive_seconds": "0", "amt_reuse": "0"}


@dataclass(frozen=True, kw_only=True)
class Case:
    """``published``: what the source says came out, in words. ``own``: what it is modelled by."""

    name: str
    title: str
    published: str
    own: tuple[Parameter, ...]
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Run:
    """One replay: ``label`` is cold, warm, or warm without ``amt_reuse``."""

    label: str
    outcome: Outcome
    cost_dollars: float
    idle_cost_dollars: float


@dataclass(frozen=True, kw_only=True)
class Replay:
    case: Case
    runs: tuple[Run, ...]
    parameters: tuple[Parameter, ...]


def _article(name: str, value: float | str, unit: str, note: str = "") -> Parameter:
    source = "J. Pereira, Fast and Scalable Hyperparameter Tuning and Cross-validation in AWS "
    return Parameter(
        name=name, value=value, unit=unit, source=f"{source}SageMaker{note}", dated="2023-03"
    )


def _blog(name: str, value: float | str, unit: str, note: str = "") -> Parameter:
    source = f"AWS blog on Best Egg{note}"
    return Parameter(name=name, value=value, unit=unit, source=source, dated="2023-01")


PEREIRA = Case(
    name="pereira",
    title="120 sequential rounds of training, on warm pools and without",
    published="10 h cold, about 4 h warm",
    own=(
        _article("tuning_jobs", 1, "jobs"),
        _article("trials", 120, "a tuning job", ": sequential rounds"),
        _article("parallel_trials", 1, "a tuning job", ": the rounds are sequential"),
        _article("by_tuning_job", 0, "(0 or 1)", ": the rounds' jobs are created by own code"),
        _article("cold_start_seconds", 180, "s", ": 3 min start"),
        _article("warm_start_seconds", 0, "s", ": its arithmetic leaves the warm start out"),
        _article("train_seconds", 120, "s", ": 2 min train"),
    ),
    remarks=("A warm start is free in the article's arithmetic: --set warm_start_seconds=20.",),
)

BEST_EGG = Case(
    name="best-egg",
    title="8 tuning jobs of 40 trials, 5 in parallel",
    published="about 1 min a trial warm, 5 min cold; 2 h of compute against an estimated 6 h",
    own=(
        _blog("tuning_jobs", 8, "jobs"),
        _blog("trials", 40, "a tuning job"),
        _blog("parallel_trials", 5, "a tuning job"),
        _blog("train_seconds", 40, "s", ": 1 min a warm trial, less the warm start"),
        _blog("cold_start_seconds", 260, "s", ": 5 min a cold trial, less the training"),
        Parameter(
            name="tuning_job_overhead_seconds",
            value=180,
            unit="s",
            source="assumption of this model, fitted: with it both published totals come out",
            dated="2026-11",
        ),
    ),
    remarks=(
        "64 rounds of 1 and of 5 min are 1.1 h and 5.3 h: the published totals contain more, here",
        "the first trials' cold starts and tuning_job_overhead_seconds.",
        "The tuning jobs run one after the other; the blog does not say (parallel_tuning_jobs).",
    ),
)

CASES: Mapping[str, Case] = {case.name: case for case in (PEREIRA, BEST_EGG)}


def replay(case: Case, settings: Mapping[str, str]) -> Replay:
    """Replay a case cold and warm; ``settings`` replace its parameters by name.

    Raises ``ParameterError`` for a setting that is unknown or cannot be used.
    """
    parameters = with_settings(by_name(STARTUP, WORKLOAD, PRICES, case.own), settings)
    kinds: dict[str, Mapping[str, str]] = {"cold": _COLD, "warm": {}}
    work = workload(parameters)
    if work.by_tuning_job and work.folds > 1 and work.amt_reuse:  # nobody can be sure of it
        kinds["warm, amt_reuse=0"] = {"amt_reuse": "0"}
    runs = tuple(_run(label, with_settings(parameters, own)) for label, own in kinds.items())
    used = {str(parameters[name].value) for name in ("instance_type", "trial_instance_type")}
    shown = (p for p in parameters.values() if not _is_price(p) or p.name[6:] in used)
    return Replay(case=case, runs=runs, parameters=tuple(shown))


def _is_price(parameter: Parameter) -> bool:
    return parameter.name.startswith("price.")


def _run(label: str, parameters: dict[str, Parameter]) -> Run:
    outcome = simulate(workload(parameters))

    def cost(seconds: Mapping[str, float]) -> float:
        return sum(s / 3600 * price(parameters, kind).number for kind, s in seconds.items())

    idle = cost(outcome.retained_seconds)
    return Run(
        label=label,
        outcome=outcome,
        cost_dollars=cost(outcome.billed_seconds) + idle,
        idle_cost_dollars=idle,
    )


def as_text(result: Replay) -> str:
    case = result.case
    lines = [f"{case.name}: {case.title}", f"  published: {case.published}", ""]
    lines += ["  modelled             wall time   jobs  cold  warm   cost $  of it idle pools $"]
    lines += [_line(run) for run in result.runs]
    lines += ["", *(f"  {remark}" for remark in case.remarks)]
    lines += ["  Idle pools are billed until their period is over, after the last job too.", ""]
    lines += ["  Assumptions (--set name=value replaces one):"]
    lines += [_assumption(parameter) for parameter in result.parameters]
    return "\n".join(lines)


def as_values(result: Replay) -> dict[str, Any]:
    """For JSON; seconds by instance type are instance-seconds."""
    return {
        "case": result.case.name,
        "published": result.case.published,
        "remarks": list(result.case.remarks),
        "modelled": {
            run.label: {
                **vars(run.outcome),
                "cost_dollars": run.cost_dollars,
                "idle_cost_dollars": run.idle_cost_dollars,
            }
            for run in result.runs
        },
        "assumptions": [vars(parameter) for parameter in result.parameters],
    }


def parse_settings(texts: list[str]) -> dict[str, str]:
    """From ``name=value`` arguments. Raises ``ParameterError``."""
    settings = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not (name and equals and value):
            raise ParameterError(f"{text!r} is not of the form name=value")
        settings[name] = value
    return settings


def duration(seconds: float) -> str:
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes:02d} min"


def _line(run: Run) -> str:
    o = run.outcome
    return (
        f"  {run.label:17}  {duration(o.wall_seconds):>11} {o.jobs:6} {o.cold_starts:5} "
        f"{o.warm_starts:5} {run.cost_dollars:8.2f}  {run.idle_cost_dollars:.2f}"
        + (f"  ({o.refused_by_quota} creates refused by quota)" if o.refused_by_quota else "")
    )


def _assumption(parameter: Parameter) -> str:
    value = parameter.value if isinstance(parameter.value, str) else f"{parameter.value:g}"
    figure = f"{value} {parameter.unit}".strip()
    return f"    {parameter.name} = {figure}  [{parameter.source}; {parameter.dated}]"
