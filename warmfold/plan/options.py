"""The ways to search a model, each with its modelled time and cost, or why it is not possible."""

import dataclasses
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from config.checks_search import live_folds_faults, search_faults
from config.settings import Compute, Model
from warmfold.plan.data_size import DataSize
from warmfold.plan.work import TRAINING, Trial, cores_of, trials_of
from warmfold_local.modelled.parameters import Parameter, ParameterError, by_name
from warmfold_local.modelled.prices import PRICES, price
from warmfold_local.modelled.simulation import Outcome, simulate
from warmfold_local.modelled.startup import STARTUP
from warmfold_local.modelled.workload import WORKLOAD, workload

Engine = Literal["amt", "in_job"]
Strategy = Literal["in_job", "fan_out"]

WAYS: tuple[tuple[Engine, Strategy], ...] = (
    ("amt", "in_job"),
    ("amt", "fan_out"),
    ("in_job", "in_job"),
)


@dataclass(frozen=True, kw_only=True)
class Option:
    """One way. ``outcome`` is ``None`` if the configuration does not allow it: ``refused``."""

    engine: Engine
    strategy: Strategy
    refused: str = ""
    outcome: Outcome | None = None
    cost_dollars: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Plan:
    """All ways for one model's data; ``assumptions`` are the figures that they rest on."""

    model: Model
    size: DataSize
    trials: Mapping[str, Trial]
    options: tuple[Option, ...]
    assumptions: tuple[Parameter, ...]


def plan_of(model: Model, size: DataSize, others: Sequence[Model] = ()) -> Plan:
    """``others`` are the environment's other models, which share the account's rates.

    Raises ``ParameterError`` for an instance type without known cores or price.
    """
    known = by_name(STARTUP, WORKLOAD, PRICES, TRAINING)
    trials = trials_of(model, size, known)
    types = {
        f"price.{compute.instance_type}"
        for compute in (model.jobs.trial, model.jobs.search)
        if compute
    }
    used = {p.name for p in (*STARTUP, *TRAINING)} | {
        "amt_reuse",
        "poll_seconds",
        "warm_pool_quota",
        *types,
    }
    algorithms = {candidate.algorithm for candidate in model.candidates}
    return Plan(
        model=model,
        size=size,
        trials=trials,
        options=tuple(_option(model, engine, way, trials, others) for engine, way in WAYS),
        assumptions=tuple(p for p in known.values() if p.name in used and _is_about(p, algorithms)),
    )


def _is_about(parameter: Parameter, algorithms: set[str]) -> bool:
    algorithm, measured, _ = parameter.name.partition("_seconds_per_")
    return not measured or algorithm in algorithms


def changed(model: Model, engine: Engine, strategy: Strategy) -> Model:
    """The model searched in another way."""
    return dataclasses.replace(
        model,
        tuning=dataclasses.replace(model.tuning, engine=engine),
        cross_validation=dataclasses.replace(model.cross_validation, strategy=strategy),
    )


def _option(
    model: Model,
    engine: Engine,
    strategy: Strategy,
    trials: Mapping[str, Trial],
    others: Sequence[Model],
) -> Option:
    refused = next(_refusals(changed(model, engine, strategy), others), "")
    if refused:
        return Option(engine=engine, strategy=strategy, refused=refused)
    compute = model.jobs.search if engine == "in_job" else model.jobs.trial
    if compute is None:  # refused above
        raise LookupError("an in_job search without a machine")
    outcomes = [
        simulate(workload(by_name(STARTUP, WORKLOAD, own)))
        for own in (_workload(model, engine, strategy, t, compute) for t in trials.values())
    ]
    cost = sum(_dollars(outcome) for outcome in outcomes)
    return Option(
        engine=engine, strategy=strategy, outcome=_side_by_side(outcomes), cost_dollars=cost
    )


def _side_by_side(outcomes: Sequence[Outcome]) -> Outcome:
    """Candidates are slots of one pipeline: the slowest sets the wall time, the rest adds up."""
    return Outcome(
        wall_seconds=max(each.wall_seconds for each in outcomes),
        jobs=sum(each.jobs for each in outcomes),
        cold_starts=sum(each.cold_starts for each in outcomes),
        warm_starts=sum(each.warm_starts for each in outcomes),
        refused_by_quota=sum(each.refused_by_quota for each in outcomes),
        billed_seconds=_added(each.billed_seconds for each in outcomes),
        retained_seconds=_added(each.retained_seconds for each in outcomes),
    )


def _added(seconds: Iterable[Mapping[str, float]]) -> dict[str, float]:
    total: dict[str, float] = {}
    for each in seconds:
        for kind, number in each.items():
            total[kind] = total.get(kind, 0.0) + number
    return total


def _dollars(outcome: Outcome) -> float:
    prices = by_name(PRICES)
    seconds = [*outcome.billed_seconds.items(), *outcome.retained_seconds.items()]
    return sum(s / 3600 * price(prices, kind).number for kind, s in seconds)


def _refusals(model: Model, others: Sequence[Model]) -> Iterator[str]:
    if model.cross_validation.strategy == "fan_out" and model.cross_validation.fan_out is None:
        yield "[models.cross_validation.fan_out] is missing"
    yield from (f"{fault.key} {fault.problem}" for fault in search_faults(model))
    if model.cross_validation.strategy == "fan_out":
        faults = live_folds_faults([model, *others])
        yield from (f"{fault.key} {fault.problem}" for fault in faults)


def _workload(
    model: Model,
    engine: Engine,
    strategy: Strategy,
    trial: Trial,
    compute: Compute,
) -> list[Parameter]:
    """The search of one candidate."""
    fixed = by_name(TRAINING)["process_seconds"].number
    cores = cores_of(compute)
    if engine == "in_job":
        total = fixed + model.tuning.max_trials * trial.seconds / cores
        one: dict[str, float] = {"trials": 1, "parallel_trials": 1, "folds": 1}
        values = {**one, "train_seconds": total}
    else:
        values = {
            "trials": model.tuning.max_trials,
            "parallel_trials": model.tuning.parallel_trials,
            **_of_one_trial(model, strategy, trial, cores, fixed),
        }
    texts = {"instance_type": compute.instance_type, "trial_instance_type": compute.instance_type}
    given: dict[str, float | str] = {**values, **texts}
    return [_own(name, value) for name, value in given.items()]


def _of_one_trial(
    model: Model, strategy: Strategy, trial: Trial, cores: int, fixed: float
) -> dict[str, float]:
    """Of a trial that is a job of its own, or one job for each fold; ``fixed`` seconds for any."""
    fan_out = model.cross_validation.fan_out
    folds = model.data.folds * model.data.repeats
    if strategy == "in_job":
        return {"folds": 1, "train_seconds": fixed + trial.seconds / min(cores, folds)}
    if fan_out is None:
        return {}
    # waves of fold jobs, one after the other
    waves = math.ceil(folds / fan_out.folds_at_once)
    return {
        "folds": min(folds, fan_out.folds_at_once),
        "train_seconds": waves * (fixed + trial.fold_seconds / cores),
        "keep_alive_seconds": fan_out.keep_alive_seconds,
    }


def _own(name: str, value: float | str) -> Parameter:
    return Parameter(name=name, value=value, unit="", source="the configuration", dated="now")


def recommended(plan: Plan) -> tuple[Option, str]:
    """The fastest way and why; one within a tenth of it that needs fewer kinds of job is better.

    Raises ``ParameterError`` if no way is possible.
    """
    possible = [(option, option.outcome) for option in plan.options if option.outcome is not None]
    if not possible:
        raise ParameterError("the configuration allows none of the ways to search")
    fastest = min(outcome.wall_seconds for _, outcome in possible)
    for option, outcome in possible:  # in the order of WAYS: the plainest first
        if outcome.wall_seconds <= 1.1 * fastest:
            return option, _reason(option, outcome.wall_seconds == fastest)
    raise AssertionError("the fastest is among them")


def _reason(option: Option, is_fastest: bool) -> str:
    why = "it is the fastest" if is_fastest else "it is about as fast as the fastest, and plainer"
    if option.engine == "in_job":
        return f"{why}: job starts cost more than the training, and a search has one start"
    if option.strategy == "fan_out":
        return f"{why}: a fold trains so long that starting a job for each pays"
    return f"{why}: a trial trains its folds itself, in a job of a tuning job"
