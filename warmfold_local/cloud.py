"""What every part of the local cloud shares: identity, state, time, clients, workers, children."""

import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol, TypeVar

import boto3
from botocore.config import Config

from warmfold_local.access.asks import Ask
from warmfold_local.errors import ResourceInUse, ValidationError
from warmfold_local.faults.registry import Faults

logger = logging.getLogger("warmfold_local")

# Answers without a signature: {"status": "ok", "pid": …}, and nothing else.
HEALTH_PATH = "/_warmfold/health"

# A resource as its Describe operation answers it. Members that start with "_" are private to
# the local cloud: the protocol serialises only what the operation's output shape names.
Record = dict[str, Any]

PartT = TypeVar("PartT")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """One instance of the local cloud. ``state_dir`` and ``images_dir`` are absolute."""

    account: str
    region: str
    port: int
    secret: str
    state_dir: Path
    images_dir: Path

    @classmethod
    def from_values(cls, values: dict[str, Any], state_dir: Path) -> "Settings":
        """From the launcher's JSON: what the server is told, and ``instance.json`` keeps."""
        return cls(
            account=values["account"],
            region=values["region"],
            port=values["port"],
            secret=values["secret"],
            state_dir=state_dir,
            images_dir=Path(values["images_dir"]),
        )

    @property
    def endpoint_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def client_environment(self, identity: "Identity | None" = None) -> dict[str, str]:
        """The variables with which a process reaches this cloud, and no other, as the owner or
        as ``identity``."""
        credentials = {
            "AWS_ACCESS_KEY_ID": self.account,
            "AWS_SECRET_ACCESS_KEY": self.secret,
        }
        return {
            **(credentials if identity is None else identity.environment()),
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_ENDPOINT_URL": self.endpoint_url,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": str(self.state_dir / "aws" / "config"),
            "AWS_SHARED_CREDENTIALS_FILE": str(self.state_dir / "aws" / "credentials"),
            "NO_PROXY": "127.0.0.1,localhost",
            "no_proxy": "127.0.0.1,localhost",
        }


@dataclass(frozen=True, kw_only=True)
class Identity:
    """A role's session, or a user: whose calls are authorised. ``arn`` is what messages name."""

    arn: str
    access_key: str
    secret: str
    token: str

    def environment(self) -> dict[str, str]:
        """The credentials' variables."""
        return {
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret,
            "AWS_SESSION_TOKEN": self.token,
        }


# Whoever has no role: no credentials that anything accepts.
NOBODY = Identity(
    arn="nobody",
    access_key="ASIANOBODYNOBODY",
    secret="none",  # noqa: S106 (it opens nothing)
    token="none",  # noqa: S106
)


class Access(Protocol):
    """Who may do what here; see `access.gate`."""

    def identity(self, role_arn: str, session: str) -> Identity: ...

    def recall(self, access_key: str) -> None: ...

    def caller(self, access_key: str) -> Identity | None: ...

    def require(self, identity: Identity, ask: Ask) -> None: ...

    def use(self, identity: Identity, name: str, resource: str = "*", **context: str) -> None: ...

    def use_key(self, identity: Identity, key: str) -> None: ...

    def admit_role(self, role_arn: str, service: str) -> None: ...


class Table:
    """Records of one kind, by name, in creation order. All access holds the cloud's lock."""

    def __init__(self, kind: str, lock: threading.RLock) -> None:
        self.kind = kind
        self._lock = lock
        self._records: dict[str, Record] = {}

    def add(self, name: str, record: Record) -> Record:
        """Raises ``ResourceInUse`` if the name is taken: names are the idempotency keys."""
        with self._lock:
            if name in self._records:
                raise ResourceInUse(
                    f"{self.kind} names must be unique within an AWS account and region, "
                    f"and a {self.kind.lower()} with this name already exists ({name})"
                )
            self._records[name] = record
            return record

    def get(self, name: str) -> Record:
        """Raises ``ValidationError`` as SageMaker does, which has no "not found" of its own."""
        with self._lock:
            record = self._records.get(name)
            if record is None:
                raise ValidationError(f'Could not find {self.kind.lower()} "{name}".')
            return record

    def find(self, name: str) -> Record | None:
        with self._lock:
            return self._records.get(name)

    def remove(self, name: str) -> None:
        with self._lock:
            self._records.pop(name, None)

    def __iter__(self) -> Iterator[Record]:
        with self._lock:
            return iter(list(self._records.values()))

    @property
    def records(self) -> Mapping[str, Record]:
        """By name, as they are now: for reading with the cloud's lock held."""
        return self._records


class Publisher(Protocol):
    """Puts an event of an AWS service on the default event bus."""

    def __call__(
        self, *, source: str, detail_type: str, detail: dict[str, Any], resources: list[str]
    ) -> None: ...


@dataclass
class Cloud:
    """The running local cloud. ``publish`` is set by the server (see ``ministack_seam``)."""

    settings: Settings
    publish: Publisher
    lock: threading.RLock = field(default_factory=threading.RLock)
    stopping: threading.Event = field(default_factory=threading.Event)
    faults: Faults = field(default_factory=Faults)
    # Returns once the state so far survives a kill; the server sets it where the state is kept.
    commit: Callable[[], None] = field(default=lambda: None)
    # Asked before anything is done for a role; the server sets it. Without it nothing is refused.
    access: Access | None = None
    # Whose calls these are; ``None`` is the owner, who may do everything.
    identity: Identity | None = None
    _tables: dict[str, Table] = field(default_factory=dict)
    _clients: dict[str, Any] = field(default_factory=dict)
    _parts: dict[type, Any] = field(default_factory=dict)

    def part(self, make: type[PartT]) -> PartT:
        """The one object of this type that belongs to this cloud, made on first use."""
        with self.lock:
            part: PartT = self._parts.setdefault(make, make())
            return part

    def table(self, kind: str) -> Table:
        """The table of a kind (``"Training job"``), made on first use."""
        with self.lock:
            return self._tables.setdefault(kind, Table(kind, self.lock))

    def records(self) -> list[tuple[str, Mapping[str, Record]]]:
        """Every table's kind and records."""
        with self.lock:
            return [(kind, table.records) for kind, table in self._tables.items()]

    def now(self) -> datetime:
        return datetime.now(UTC)

    def arn(self, resource: str, service: str = "sagemaker") -> str:
        """``resource`` as ``training-job/name``."""
        s = self.settings
        return f"arn:aws:{service}:{s.region}:{s.account}:{resource}"

    def acting_as(self, role_arn: str | None, session: str = "SageMaker") -> "Cloud":
        """This same cloud, asked as a role: by ``client``, and by the SageMaker operations.

        SageMaker's own sessions are called ``SageMaker``. Without a role it is nobody who asks.
        """
        if self.access is None:
            return self
        if role_arn is None:
            return self.as_identity(NOBODY)
        return self.as_identity(self.access.identity(role_arn, session))

    def as_identity(self, identity: Identity | None) -> "Cloud":
        return self if identity is self.identity else replace(self, identity=identity)

    def client(self, service: str) -> Any:
        """A boto3 client that talks to this cloud's own front port."""
        found = self.settings.client_environment(self.identity)
        key = service if self.identity is None else f"{service} as {self.identity.access_key}"
        with self.lock:
            if key not in self._clients:
                session: Any = boto3.Session(  # a service by name: no overload of the stubs fits
                    aws_access_key_id=found["AWS_ACCESS_KEY_ID"],
                    aws_secret_access_key=found["AWS_SECRET_ACCESS_KEY"],
                    aws_session_token=found.get("AWS_SESSION_TOKEN"),
                    region_name=self.settings.region,
                )
                self._clients[key] = session.client(
                    service,
                    endpoint_url=self.settings.endpoint_url,
                    config=Config(
                        s3={"addressing_style": "path"},
                        max_pool_connections=50,
                        # A function may run for 15 minutes; the default of 60 s would end the
                        # wait for its answer and invoke it a second time.
                        read_timeout=910,
                    ),
                )
            return self._clients[key]

    def spawn(self, name: str, work: Callable[[], None]) -> threading.Thread:
        """Run ``work`` on a daemon thread of its own; an exception there is logged in full."""

        def run() -> None:
            try:
                work()
            except Exception:
                logger.exception("worker %s failed", name)

        thread = threading.Thread(target=run, name=name, daemon=True)
        thread.start()
        return thread
