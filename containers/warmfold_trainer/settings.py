"""Settings of a job out of the texts it is given: hyperparameters and environment variables."""

from collections.abc import Mapping

from warmfold_contract.algorithms import combination_fault, hyperparameters
from warmfold_contract.errors import UserError
from warmfold_contract.settings import NumberSetting, Value
from warmfold_contract.tasks import Task

SEED = NumberSetting(name="warmfold_seed", kind="integer", minimum=0, maximum=2**31 - 1)


def read_settings(given: Mapping[str, str], algorithm: str, task: Task) -> dict[str, Value]:
    """Every hyperparameter of the algorithm, given or by default, in the contract's order.

    Raises ``UserError`` naming a hyperparameter that the algorithm does not have, is out of its
    range, or contradicts another.
    """
    known = hyperparameters(algorithm, task)
    unknown = sorted(set(given) - {setting.name for setting in known})
    if unknown:
        names = ", ".join(setting.name for setting in known)
        raise UserError(
            f"{algorithm} ({task}) has no hyperparameter {', '.join(unknown)}; it has: {names}"
        )
    values = {
        setting.name: setting.parse(given[setting.name])
        if setting.name in given
        else setting.default
        for setting in known
    }
    fault = combination_fault(algorithm, values)
    if fault is not None:
        raise UserError(f"hyperparameters of {algorithm}: {fault}")
    return values


def required(values: Mapping[str, str], name: str, where: str) -> str:
    """Raises ``UserError`` if ``name`` is not set."""
    if name not in values:
        raise UserError(f"{where} {name} is not set")
    return values[name]
