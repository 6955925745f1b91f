"""Target of a schedule. A round that finds nothing to do costs two listings."""

import time
from dataclasses import dataclass
from typing import Any

from sweep_folds.aws import Folds
from sweep_folds.sweep import Sweep, Swept
from warmfold_lambda.clients import client
from warmfold_lambda.environment import read_environment
from warmfold_lambda.log import Log, TimedContext

# A call that is throttled takes a while; what there is no time for is the next round's.
_MARGIN_MILLISECONDS = 45_000


@dataclass(frozen=True, kw_only=True)
class Environment:
    """``fold_role_name`` is what the folds of this model run as, and are tagged with."""

    fold_role_name: str
    model_package_group_name: str


def handle(_event: dict[str, Any], context: TimedContext) -> dict[str, Any]:
    """Returns ``folds_stopped``, ``pools_ended`` and ``left``, which the next round takes."""
    environment = read_environment(Environment)
    sweep = Sweep(
        aws=Folds(client("sagemaker")),
        fold_role=environment.fold_role_name,
        has_time=lambda: context.get_remaining_time_in_millis() > _MARGIN_MILLISECONDS,
        wait=time.sleep,
    )
    log = Log("sweep_folds", context.aws_request_id)
    return respond(sweep, environment.model_package_group_name, log)


def respond(sweep: Sweep, group: str, log: Log) -> dict[str, Any]:
    """Raises ``ClientError`` for what SageMaker refuses for another reason than the job's state."""
    swept = sweep.run()
    members = _members(swept)
    if any(members.values()):
        log.warning("folds_swept", model_package_group_name=group, **members)
    log.metrics(group, FoldsStopped=swept.folds_stopped, PoolsEnded=swept.pools_ended)
    return members


def _members(swept: Swept) -> dict[str, int]:
    return {
        "folds_stopped": swept.folds_stopped,
        "pools_ended": swept.pools_ended,
        "left": swept.left,
    }
