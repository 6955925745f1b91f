"""Settings of a job out of the texts it is given: hyperparameters and environment variables."""

from collections.abc import Mapping, Sequence

from warmfold_contract.errors import UserError
from warmfold_contract.settings import Hyperparameter, NumberSetting

SEED = NumberSetting(name="warmfold_seed", kind="integer", minimum=0, maximum=2**31 - 1)


def read_settings(
    given: Mapping[str, str], known: Sequence[Hyperparameter], *, owner: str
) -> dict[str, float]:
    """Every known hyperparameter, given or by default, in the order of ``known``.

    Raises ``UserError`` naming a hyperparameter that ``owner`` does not have, or is out of range.
    """
    unknown = sorted(set(given) - {setting.name for setting in known})
    if unknown:
        names = ", ".join(setting.name for setting in known)
        raise UserError(f"{owner} has no hyperparameter {', '.join(unknown)}; it has: {names}")
    return {
        setting.name: setting.parse(given[setting.name])
        if setting.name in given
        else setting.default
        for setting in known
    }


def required(values: Mapping[str, str], name: str, where: str) -> str:
    """Raises ``UserError`` if ``name`` is not set."""
    if name not in values:
        raise UserError(f"{where} {name} is not set")
    return values[name]
