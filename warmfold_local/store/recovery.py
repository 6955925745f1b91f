"""After a restart: nothing is in flight. What was ends with a reason; endpoints serve again."""

import logging
import shutil
from collections.abc import Callable, Iterable, Iterator
from functools import partial

from warmfold_local.cloud import Cloud, Record
from warmfold_local.errors import ServiceError
from warmfold_local.sagemaker.endpoints import KIND as ENDPOINT
from warmfold_local.sagemaker.endpoints import bring_up_again, tear_down
from warmfold_local.sagemaker.jobs import Final, Job, JobKind
from warmfold_local.sagemaker.pipeline_checks import parse
from warmfold_local.sagemaker.pipeline_events import publish_execution
from warmfold_local.sagemaker.pipeline_executions import new_run
from warmfold_local.sagemaker.pipeline_selection import Reuse
from warmfold_local.sagemaker.pipelines import EXECUTION_KIND, RUNNING
from warmfold_local.sagemaker.processing import PROCESSING
from warmfold_local.sagemaker.training import TRAINING
from warmfold_local.sagemaker.transforms import TRANSFORM
from warmfold_local.sagemaker.tuning_records import TUNING
from warmfold_local.sagemaker.tuning_trials import Objective, Trial

Announcement = Callable[[], None]

logger = logging.getLogger("warmfold_local")

# A text of our own: AWS's services are not restarted.
INTERRUPTED = "InternalServerError: The local cloud was restarted while this was in progress."

_IN_FLIGHT = ("InProgress", "Stopping", "Pending")
_STEPS_IN_FLIGHT = ("Starting", "Executing", "Stopping")


def settle(cloud: Cloud) -> list[Announcement]:
    """Bring the restored tables to rest, before the first request; the events to publish of it."""
    announcements: list[Announcement] = []
    for kind in (TRAINING, PROCESSING, TRANSFORM, TUNING):
        for record in cloud.table(kind.label):
            announcements += _settle_job(cloud, kind, record)
    for record in cloud.table(EXECUTION_KIND):
        announcements += _settle_execution(cloud, record)
    for record in cloud.table(ENDPOINT):
        _settle_endpoint(cloud, record)
    return announcements


def resume(cloud: Cloud, announcements: Iterable[Announcement]) -> None:
    """Say what has failed, start endpoints' servers and finish deletions; once all is served."""
    for announce in announcements:
        announce()
    for record in cloud.table(ENDPOINT):
        if record["EndpointStatus"] == "Deleting":
            tear_down(cloud, record)
        elif record["EndpointStatus"] == "Updating":
            work = partial(_serve_again, cloud, record)
            cloud.spawn(f"endpoint-{record['EndpointName']}", work)


def _serve_again(cloud: Cloud, record: Record) -> None:
    folder = cloud.settings.state_dir / "jobs" / "endpoint" / record["EndpointName"]
    for old in folder.glob("[0-9][0-9][0-9]"):  # the killed servers' files
        shutil.rmtree(old)
    try:
        bring_up_again(cloud, record)
    except ServiceError as error:  # its configuration is gone
        with cloud.lock:
            record.update(EndpointStatus="Failed", FailureReason=error.message)


def _settle_job(cloud: Cloud, kind: JobKind, record: Record) -> Iterator[Announcement]:
    folder = cloud.settings.state_dir / "jobs" / kind.folder / record[f"{kind.member}Name"]
    job = Job(cloud, kind, record, folder)
    record["_job"] = job
    pool = record.get("WarmPoolStatus")
    if pool is not None and pool.get("Status") in ("Available", "InUse"):
        record["WarmPoolStatus"] = {**pool, "Status": "Terminated"}
    if kind is TUNING:
        record["_trials"] = _trials(cloud, record)
    if job.status not in _IN_FLIGHT:
        return
    job.finish(Final("Failed", {"FailureReason": INTERRUPTED}))
    logger.warning("%s was in progress when the local cloud ended: it has failed", job.arn)
    yield job.publish


def _trials(cloud: Cloud, record: Record) -> tuple[Trial, ...]:
    """The training jobs that the tuning job launched; they are settled already."""
    found = [
        (cloud.table(TRAINING.label).find(saved["name"]), saved)
        for saved in record.get("_trials", ())
    ]
    return tuple(
        Trial(training, Objective(saved["metric"], saved["maximize"]))
        for training, saved in found
        if training is not None
    )


def _settle_execution(cloud: Cloud, record: Record) -> Iterator[Announcement]:
    """Its steps and their outputs stay, for a later run to take over."""
    saved = record["_run"]
    reuse = Reuse(
        steps=saved["steps"], outputs=saved["outputs"], left_out=frozenset(saved["left_out"])
    )
    record["_run"] = new_run(cloud, parse(record["PipelineDefinition"]), record, reuse)
    if record["PipelineExecutionStatus"] not in RUNNING:
        return
    now, before = cloud.now(), record["PipelineExecutionStatus"]
    for step in record["_run"].steps.values():
        if step["StepStatus"] in _STEPS_IN_FLIGHT:
            step |= {"StepStatus": "Failed", "FailureReason": INTERRUPTED, "EndTime": now}
    record |= {
        "PipelineExecutionStatus": "Failed",
        "FailureReason": INTERRUPTED,
        "LastModifiedTime": now,
        "_ended": now,
    }
    yield partial(publish_execution, cloud, record, before)


def _settle_endpoint(cloud: Cloud, record: Record) -> None:
    """One that served shows as Updating until it serves again; half-made ones have failed."""
    status, now = record["EndpointStatus"], cloud.now()
    for member in ("_coming", "PendingDeploymentSummary"):
        record.pop(member, None)
    if status == "Creating":
        record |= {"EndpointStatus": "Failed", "FailureReason": INTERRUPTED}
    elif status in ("Updating", "RollingBack"):  # what served before serves on
        record |= {
            "EndpointStatus": "Updating",
            "FailureReason": record.get("FailureReason", INTERRUPTED),
        }
    elif status == "InService":
        record["EndpointStatus"] = "Updating"
    else:
        return
    record["LastModifiedTime"] = now
