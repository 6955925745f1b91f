"""One batch transform job, executed: the model's server, one output object per input object."""

import gzip
import http.client
import json
from collections import deque
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from warmfold_local.engine.images import resolve_image
from warmfold_local.engine.model_server import ModelServer, ServerError, install_model
from warmfold_local.engine.resources import Meter
from warmfold_local.engine.s3 import (
    StoredObject,
    TransferError,
    download_object,
    list_keys,
    upload_object,
)
from warmfold_local.sagemaker.failures import JobFailed
from warmfold_local.sagemaker.job_hosts import note_usage
from warmfold_local.sagemaker.jobs import Final, Job
from warmfold_local.sagemaker.models import ModelContainer, container_of
from warmfold_local.sagemaker.role_use import use_role
from warmfold_local.sagemaker.transfers import downloading, uploading
from warmfold_local.sagemaker.transform_filters import RecordError
from warmfold_local.sagemaker.transform_records import MiniBatch, Plan, assemble, mini_batches

_MIB = 1024 * 1024

# The request's value comes first, then the container's, then these (developer guide, "Custom
# inference code with batch transform").
_DEFAULTS = {"MaxConcurrentTransforms": 1, "BatchStrategy": "MULTI_RECORD", "MaxPayloadInMB": 6}
_STRATEGIES = {"SingleRecord": "SINGLE_RECORD", "MultiRecord": "MULTI_RECORD"}

# InvocationsTimeoutInSeconds and InvocationsMaxRetries (API reference, ModelClientConfig).
_CLIENT_DEFAULTS = {"InvocationsTimeoutInSeconds": 600, "InvocationsMaxRetries": 3}
_PARAMETERS_SECONDS = 10.0


@dataclass(frozen=True, kw_only=True)
class _Client:
    """Sends mini-batches to the container, with the job's content types and retries."""

    job: Job
    server: ModelServer
    headers: Mapping[str, str]
    timeout_seconds: float
    retries: int

    def send(self, batch: MiniBatch) -> bytes:
        """Raises ``RecordError`` for a refused batch, or one that kept failing."""
        fault = ""
        for _ in range(self.retries + 1):
            self.job.check_stop()
            try:
                reply = self.server.request(
                    "POST",
                    "/invocations",
                    body=batch.body,
                    headers=self.headers,
                    timeout_seconds=self.timeout_seconds,
                )
            except (OSError, http.client.HTTPException) as error:
                fault = f"no answer from the container ({type(error).__name__})"
                continue
            if reply.status == 200:
                return reply.body
            fault = f"the container answered {reply.status}"
            if reply.status < 500:
                break
        raise RecordError(f"{batch.place}: {fault}")


def run_transform(job: Job) -> Final:
    """Raises ``JobFailed`` and ``JobStopped``.

    Outputs are stored at the end: those of good objects also if others failed, none on a stop.
    """
    job.update(TransformStartTime=job.cloud.now())
    source = job.record["TransformInput"]["DataSource"]["S3DataSource"]["S3Uri"]
    container = container_of(job.cloud, job.record["ModelName"])
    use_role(job, container.image)
    with downloading():
        objects = list_keys(job.acting, source)
        if not objects:
            raise TransferError(f'No S3 objects found under S3 URL "{source}".')
    with _serving(job, container) as server:
        parameters = _parameters(job, server)
        client = _client(job, server)
        done = [_transform(client, stored, parameters) for stored in objects]
    outputs = [(stored, path) for stored, path, _ in done if path is not None]
    job.check_stop()
    _upload(job, outputs)
    faults = [fault for _, _, fault in done if fault]
    if faults:
        raise JobFailed(
            f"ClientError: {len(faults)} of {len(objects)} input objects could not be "
            f"transformed: {'; '.join(faults)}"
        )
    return Final("Completed")


@contextmanager
def _serving(job: Job, container: ModelContainer) -> Iterator[ModelServer]:
    image = resolve_image(job.cloud.settings.images_dir, container.image)
    with downloading():
        install_model(job.acting, container.model_data_url, job.base_dir)
    job.check_stop()
    try:
        server = ModelServer(
            job.acting,
            image,
            base_dir=job.base_dir,
            log_path=job.log_path,
            environment=_environment(job, container),
            isolated=container.isolated,
        )
    except OSError as error:
        raise JobFailed(f"ClientError: The container did not start: {error}") from error
    meter = Meter(server.child.measured_pid, job.base_dir)
    try:
        server.wait_ready(give_up=lambda: _ending(job))
        yield server
    except ServerError as error:
        job.check_stop()
        raise JobFailed(f"ClientError: {error}") from error
    finally:
        server.stop()
        note_usage(job, {"algo-1": meter.result(server.child.used)})


def _ending(job: Job) -> bool:
    return job.stop_requested.is_set() or job.cloud.stopping.is_set()


def _environment(job: Job, container: ModelContainer) -> dict[str, str]:
    """The batch variables beside SAGEMAKER_BATCH are set only if the request has them."""
    record = job.record
    asked = {
        "SAGEMAKER_MAX_PAYLOAD_IN_MB": record.get("MaxPayloadInMB"),
        "SAGEMAKER_MAX_CONCURRENT_TRANSFORMS": record.get("MaxConcurrentTransforms"),
        "SAGEMAKER_BATCH_STRATEGY": _STRATEGIES.get(record.get("BatchStrategy", "")),
    }
    given = {name: str(value) for name, value in asked.items() if value is not None}
    own = {**container.environment, **record.get("Environment", {})}
    return {**own, "SAGEMAKER_BATCH": "true", **given}


def _parameters(job: Job, server: ModelServer) -> dict[str, Any]:
    """Concurrency, strategy and payload: the request's, the container's, the defaults."""
    asked = {key: job.record[key] for key in _DEFAULTS if job.record.get(key)}
    if "BatchStrategy" in asked:
        asked["BatchStrategy"] = _STRATEGIES[asked["BatchStrategy"]]
    return {**_DEFAULTS, **_offered(server), **asked}


def _offered(server: ModelServer) -> dict[str, Any]:
    """The container's own wishes, as far as they can be read; it need not have any."""
    try:
        reply = server.request("GET", "/execution-parameters", timeout_seconds=_PARAMETERS_SECONDS)
        values = json.loads(reply.body) if reply.status == 200 else {}
    except (OSError, http.client.HTTPException, ValueError):
        return {}
    if not isinstance(values, dict):
        return {}
    numbers = ("MaxConcurrentTransforms", "MaxPayloadInMB")
    known = {
        key: values[key] for key in numbers if type(values.get(key)) is int and values[key] > 0
    }
    strategy = values.get("BatchStrategy")
    return {**known, "BatchStrategy": strategy} if strategy in _STRATEGIES.values() else known


def _client(job: Job, server: ModelServer) -> _Client:
    types = {
        "Content-Type": job.record["TransformInput"].get("ContentType"),
        "Accept": job.record["TransformOutput"].get("Accept"),
    }
    config = {**_CLIENT_DEFAULTS, **job.record.get("ModelClientConfig", {})}
    return _Client(
        job=job,
        server=server,
        headers={name: value for name, value in types.items() if value},
        timeout_seconds=float(config["InvocationsTimeoutInSeconds"]),
        retries=int(config["InvocationsMaxRetries"]),
    )


def _plan(job: Job, parameters: Mapping[str, Any]) -> Plan:
    source, output = job.record["TransformInput"], job.record["TransformOutput"]
    return Plan(
        by_line=source.get("SplitType") == "Line",
        one_by_one=parameters["BatchStrategy"] == "SINGLE_RECORD",
        payload_bytes=int(parameters["MaxPayloadInMB"]) * _MIB,
        assemble_lines=output.get("AssembleWith") == "Line",
        compressed=source.get("CompressionType") == "Gzip",
        processing=job.record["_processing"],
    )


def _transform(
    client: _Client, stored: StoredObject, parameters: Mapping[str, Any]
) -> tuple[StoredObject, Path | None, str]:
    """One object: where its output lies, or why it has none."""
    job = client.job
    source = job.base_dir / "input" / stored.relative
    target = job.base_dir / "output" / f"{stored.relative}.out"
    plan = _plan(job, parameters)
    target.parent.mkdir(parents=True, exist_ok=True)
    with downloading():
        download_object(job.acting, stored.uri, source)
    try:
        _write(client, source, target, plan, int(parameters["MaxConcurrentTransforms"]))
    except (RecordError, gzip.BadGzipFile, EOFError) as error:
        return stored, None, f"{stored.uri}: {error}"
    return stored, target, ""


def _write(client: _Client, source: Path, target: Path, plan: Plan, concurrent: int) -> None:
    """Transform one file, ``concurrent`` requests at a time, in the input's order."""
    pending: deque[tuple[MiniBatch, Future[bytes]]] = deque()
    with target.open("wb") as sink, ThreadPoolExecutor(concurrent) as pool:
        for batch in mini_batches(source, plan):
            client.job.check_stop()
            pending.append((batch, pool.submit(client.send, batch)))
            if len(pending) > concurrent:
                _drain(pending, sink, plan)
        while pending:
            _drain(pending, sink, plan)


def _drain(pending: "deque[tuple[MiniBatch, Future[bytes]]]", sink: IO[bytes], plan: Plan) -> None:
    batch, future = pending.popleft()
    sink.write(assemble(batch, future.result(), plan))


def _upload(job: Job, outputs: list[tuple[StoredObject, Path]]) -> None:
    output = job.record["TransformOutput"]
    base, kms = output["S3OutputPath"].rstrip("/"), output.get("KmsKeyId") or None
    with uploading():
        for stored, path in outputs:
            upload_object(job.acting, path, f"{base}/{stored.relative}.out", kms=kms)
