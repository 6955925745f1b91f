"""A plan as a table with everything that it assumes."""

from collections.abc import Iterator

from warmfold.plan.options import Option, Plan, recommended
from warmfold_local.modelled.parameters import Parameter
from warmfold_local.modelled.replay import duration

_LEFT_OUT = """\
  All is modelled; nothing was measured on AWS. Left out are processing, final training and
  evaluation, the same for all, and racing, which shortens all. A trial with its folds in one job,
  and a search, are taken to keep all cores of their machine busy. Candidates run side by side: the
  slowest sets the wall time, and none waits for another by the account's quotas or API rates."""


def as_text(plan: Plan) -> str:
    """The table, the recommendation and every assumption.

    Raises ``ParameterError`` if no way is possible.
    """
    option, reason = recommended(plan)
    lines = [*_workload(plan), "", "  engine  strategy     wall time   jobs  cold   cost $"]
    lines += [_line(each, each is option) for each in plan.options]
    choice = f'tuning.engine = "{option.engine}", cross_validation.strategy = "{option.strategy}"'
    lines += ["", f"  recommended: {choice}:", f"  {reason}.", _LEFT_OUT, "", "  Assumptions:"]
    return "\n".join([*lines, *_assumptions(plan.assumptions)])


def _workload(plan: Plan) -> Iterator[str]:
    size, tuning, trials = plan.size, plan.model.tuning, plan.trials
    yield f"{plan.model.name}: {size.rows:,} rows x {size.columns} columns ({size.source})"
    folds = next(iter(trials.values())).folds
    each = f"{tuning.max_trials} trials, {tuning.parallel_trials} at a time, of {folds} folds"
    yield f"  candidates: {len(trials)}, each of {each}"
    yield ""
    yield "  an average trial     CPU seconds of a fold, of all"
    for name, trial in trials.items():
        yield f"    {name:18} {trial.fold_seconds:12.2f} {trial.seconds:8.1f}"


def _line(option: Option, is_recommended: bool) -> str:
    way = f"  {option.engine:7} {option.strategy:9}"
    if option.outcome is None:
        return f"{way} not possible: {option.refused}"
    o = option.outcome
    mark = "  <- recommended" if is_recommended else ""
    return (
        f"{way} {duration(o.wall_seconds):>12} {o.jobs:6} {o.cold_starts:5} "
        f"{option.cost_dollars:8.3f}{mark}"
    )


def _assumptions(parameters: tuple[Parameter, ...]) -> Iterator[str]:
    for parameter in parameters:
        value = parameter.value if isinstance(parameter.value, str) else f"{parameter.value:.3g}"
        figure = f"{value} {parameter.unit}".strip()
        yield f"    {parameter.name} = {figure}  [{parameter.source}; {parameter.dated}]"
