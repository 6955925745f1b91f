"""The one way to AWS: a running local cloud by its instance file, or the usual AWS variables."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from config.load import load_settings
from config.names import LOCAL, Names
from warmfold.errors import WarmfoldError
from warmfold_local import launcher
from warmfold_shapes.session import nobodys_session

# Generous: a new endpoint's first answer and a busy laptop both take seconds, never minutes.
_READ_TIMEOUT_SECONDS = 70


@dataclass(frozen=True, kw_only=True)
class Aws:
    """Where the calls go. ``state_dir`` is set for a local cloud, whose logs are files there."""

    session: boto3.Session
    environment: str
    endpoint_url: str | None = None
    state_dir: Path | None = None

    def client(self, service: str) -> Any:
        return self._client(service, retries={"mode": "standard", "total_max_attempts": 5})

    def client_of_many(self, service: str, threads: int) -> Any:
        """A client for so many threads at a time, which repeats no call."""
        return self._client(
            service, retries={"total_max_attempts": 1}, max_pool_connections=threads
        )

    def _client(self, service: str, **options: Any) -> Any:
        if self.endpoint_url is not None:
            options["proxies"] = {}  # a proxy cannot reach this machine's loopback
        return self.session.client(  # type: ignore[call-overload]
            service,
            endpoint_url=self.endpoint_url,
            config=Config(read_timeout=_READ_TIMEOUT_SECONDS, **options),
        )

    @property
    def poll_seconds(self) -> float:
        """Seconds between looks at a run: SageMaker allows few List calls a second."""
        return 0.5 if self.environment == LOCAL else 15.0


def connect_local(instance: launcher.Instance) -> Aws:
    """Clients for one running local cloud, whatever the user's own AWS settings say."""
    settings = instance.settings
    session = boto3.Session(
        botocore_session=nobodys_session(),
        aws_access_key_id=settings.account,
        aws_secret_access_key=settings.secret,
        region_name=settings.region,
    )
    return Aws(
        session=session,
        environment=LOCAL,
        endpoint_url=settings.endpoint_url,
        state_dir=settings.state_dir,
    )


def connect(environment: str, state_dir: Path) -> Aws:
    """``local``: the cloud running in ``state_dir``; any other: the usual AWS variables, in the
    region of the environment's file.

    Raises ``WarmfoldError`` if no local cloud runs there (``LocalCloudError`` if what is left of
    one cannot be gone on with), ``ConfigError`` for a faulty file.
    """
    if environment == LOCAL:
        instance = launcher.running(state_dir)
        if instance is None:
            raise no_local_cloud(state_dir)
        return connect_local(instance)
    session = boto3.Session(region_name=load_settings(environment).environment.region)
    return Aws(session=session, environment=environment)


def no_local_cloud(state_dir: Path) -> WarmfoldError:
    """What to do where none runs. Raises ``LocalCloudError`` as ``launcher.start`` does."""
    if launcher.kept(state_dir) is not None:
        remedy = "the state of a stopped one is kept there: go on with it by `warmfold local up`"
    else:
        remedy = (
            "start one with `make demo KEEP=1` (deployed, with a model) or `warmfold local up` "
            "(empty)"
        )
    return WarmfoldError(f"no local cloud is running in {state_dir}: {remedy}")


def stack_outputs(aws: Aws, stack: str) -> dict[str, str]:
    """Outputs of a deployed stack. Raises ``WarmfoldError`` if it is not deployed."""
    try:
        stacks = aws.client("cloudformation").describe_stacks(StackName=stack)["Stacks"]
    except ClientError as error:
        if "does not exist" not in str(error):
            raise
        raise WarmfoldError(
            f"stack {stack} is not deployed: deploy environment {aws.environment!r} first "
            f"(`cdk deploy --all -c env={aws.environment}`)"
        ) from error
    return {o["OutputKey"]: o["OutputValue"] for o in stacks[0].get("Outputs", [])}


@dataclass(frozen=True, kw_only=True)
class Deployment:
    """The outputs of one model's stacks, by the keys that the stacks give them."""

    model: str
    training: dict[str, str]
    serving: dict[str, str]
    batch: dict[str, str]


def find_deployment(aws: Aws, model: str) -> Deployment:
    """Raises ``WarmfoldError`` naming the stack that is missing."""
    names = Names(aws.environment).model(model)
    return Deployment(
        model=model,
        training=stack_outputs(aws, names.training_stack),
        serving=stack_outputs(aws, names.serving_stack),
        batch=stack_outputs(aws, names.batch_stack),
    )


def split_s3_uri(uri: str) -> tuple[str, str]:
    """Bucket and key (or prefix, without a slash at its end) of ``s3://bucket/key``."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bucket, key.rstrip("/")
