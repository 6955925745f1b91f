"""What a trial that fans out is told: hyperparameters, and how patient it is."""

from collections.abc import Mapping
from dataclasses import dataclass, fields

from warmfold_contract.errors import UserError
from warmfold_contract.hyperparameters import (
    FOLD_KEEP_ALIVE_SECONDS,
    FOLD_OWN,
    FOLD_ROLE_ARN,
    FOLD_WAVE,
)
from warmfold_contract.settings import NumberSetting
from warmfold_trainer.settings import required

# 100 live folds an account: StopTrainingJob is 1/s and the grace of a stopped trial 120 s.
MAX_WAVE = 100
# Developer guide, "Train using managed warm pools".
MAX_KEEP_ALIVE_SECONDS = 3600

_KEEP_ALIVE = NumberSetting(
    name=FOLD_KEEP_ALIVE_SECONDS, kind="integer", minimum=0, maximum=MAX_KEEP_ALIVE_SECONDS
)
_WAVE = NumberSetting(name=FOLD_WAVE, kind="integer", minimum=1, maximum=MAX_WAVE)
_OWN = NumberSetting(name=FOLD_OWN, kind="integer", minimum=0, maximum=1)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """``wave``: fold jobs that are live at once. ``own``: the trial trains fold 1 itself."""

    role_arn: str
    keep_alive_seconds: int
    wave: int
    own: bool


def read_plan(given: Mapping[str, str]) -> Plan:
    """Raises ``UserError`` naming a hyperparameter that is missing or out of range."""
    where = "the hyperparameter"
    role_arn = required(given, FOLD_ROLE_ARN, where)
    if not role_arn.startswith("arn:") or ":role/" not in role_arn:
        raise UserError(f"{FOLD_ROLE_ARN} is {role_arn!r}: use the ARN of an IAM role")
    return Plan(
        role_arn=role_arn,
        keep_alive_seconds=int(_KEEP_ALIVE.parse(required(given, FOLD_KEEP_ALIVE_SECONDS, where))),
        wave=int(_WAVE.parse(required(given, FOLD_WAVE, where))),
        own=bool(_OWN.parse(required(given, FOLD_OWN, where))),
    )


@dataclass(frozen=True, kw_only=True)
class Patience:
    """Bounds of every wait, in seconds.

    ``poll_seconds``: between two looks at the folds. ``quota_seconds``: for a quota to have room
    while no fold of the trial runs. ``pool_seconds``: for an ended job's warm pool to become
    Available. ``call_seconds``: for one call that is throttled. ``listing_seconds``: for a new
    job to be listed. ``repeat_seconds``: before a fold that the service failed is run again, twice
    as long each time. ``stop_seconds``: for all stops together, of the 120 s that SageMaker gives
    a job that it stops; the failure file is written before.
    """

    poll_seconds: float = 10.0
    quota_seconds: float = 1800.0
    pool_seconds: float = 60.0
    call_seconds: float = 1800.0
    listing_seconds: float = 120.0
    repeat_seconds: float = 10.0
    stop_seconds: float = 115.0


# SageMaker's longest run time of a training job: 28 days.
_LONGEST_SECONDS = 28 * 86_400


def read_patience(environment: Mapping[str, str]) -> Patience:
    """The defaults, but for what ``WARMFOLD_FOLD_POLL_SECONDS`` and its like say.

    Raises ``UserError`` naming the variable.
    """
    given: dict[str, float] = {}
    for field in fields(Patience):
        variable = f"WARMFOLD_FOLD_{field.name.upper()}"
        if variable in environment:
            setting = NumberSetting(
                name=variable, minimum=0, maximum=_LONGEST_SECONDS, open_minimum=True
            )
            given[field.name] = setting.parse(environment[variable])
    return Patience(**given)
