"""With the other ``ministack_*`` files all that imports ministack: its private interface, pinned.

ministack's ASGI application answers S3, IAM, CloudFormation, Lambda and the other ordinary
services in this same process, behind our own front: it never has a port. It reads its settings
from the environment when it is imported, so ``load`` sets them first.
"""

import asyncio
import contextvars
import json
import logging
import os
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

# Signature mechanics only: no state, and no settings read at import. Re-exported for `auth`.
from ministack.core import sigv4 as sigv4

from warmfold_local.cloud import Settings
from warmfold_local.ministack_logs import without_job_logs

logger = logging.getLogger("warmfold_local")

AsgiApp = Callable[[Any, Any, Any], Awaitable[None]]

# Services that warmfold's stacks and the CDK use, by ministack's names. The others stay off:
# some open ports of their own, or start containers.
SERVICES = (
    "cloudformation",
    "ecr",
    "events",
    "iam",
    "kms",
    "lambda",
    "logs",
    "monitoring",
    "s3",
    "scheduler",
    "secretsmanager",
    "sns",
    "sqs",
    "ssm",
    "sts",
    "tagging",
)


# The same services as ministack saves them. Any other's state would only import its module.
STATES = (
    "cloudformation",
    "cloudwatch",
    "cloudwatch_logs",
    "ecr",
    "eventbridge",
    "iam",
    "kms",
    "lambda",
    "s3",
    "scheduler",
    "secretsmanager",
    "sns",
    "sqs",
    "ssm",
    "sts",
    "tagging",
)


@dataclass(frozen=True, kw_only=True)
class ResourceType:
    """How CloudFormation makes one type; the functions run on a thread and may block.

    ``create(logical_id, properties, stack)`` and ``update(physical_id, old, new, stack)`` return
    the physical id and the attributes of ``Fn::GetAtt``. ``replacing`` are the properties whose
    change makes a new resource, the old one being deleted after the update. ``name`` is the
    property with the custom name, which a replacement cannot keep; types that have one take the
    stack's tags through their ``Tags``.
    """

    create: Callable[[str, dict[str, Any], str], tuple[str, dict[str, Any]]]
    update: Callable[[str, dict[str, Any], dict[str, Any], str], tuple[str, dict[str, Any]]]
    delete: Callable[[str, dict[str, Any]], None]
    replacing: tuple[str, ...]
    name: str | None = None


def load(settings: Settings, *, keep_state: bool) -> AsgiApp:
    """ministack's application, everything it writes below ``state_dir``. Once in a process.

    With ``keep_state`` it begins with what was saved there, if anything was.
    """
    os.environ.update(_environment(settings, keep_state))
    for folder in ("s3", "ministack", "tmp"):
        (settings.state_dir / folder).mkdir(parents=True, exist_ok=True)
    from ministack import app as ministack_app

    for name in ("ministack", "persistence"):
        logging.getLogger(name).setLevel(logging.WARNING)  # a banner, and no more
    # Scripts in system folders (/docker-entrypoint-initaws.d …) belong to another installation.
    ministack_app._collect_scripts = lambda *_: []
    ministack_app.save_all = lambda _: None  # at a clean end: `store` has saved it before
    application: AsgiApp = ministack_app.app
    return application


def _environment(settings: Settings, keep_state: bool) -> dict[str, str]:
    """Lambda functions inherit these as well: only this cloud's own credentials, by design."""
    state = settings.state_dir
    return {
        **settings.client_environment(),
        "GATEWAY_PORT": str(settings.port),
        "MINISTACK_HOST": "127.0.0.1",
        "MINISTACK_ACCOUNT_ID": settings.account,
        "MINISTACK_REGION": settings.region,
        "S3_DATA_DIR": str(state / "s3"),
        "STATE_DIR": str(state / "ministack"),
        # Loads at its start what `store.services` put into STATE_DIR, and an object of S3 is
        # written when it is put. All else it would save at a clean end only: see `store.snapshots`.
        "PERSIST_STATE": "1" if keep_state else "0",
        "S3_PERSIST": "1" if keep_state else "0",
        "TMPDIR": str(state / "tmp"),
        "SERVICES": ",".join(SERVICES),
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        # At start ministack removes containers that carry its label, also another instance's:
        # with a socket that does not exist it never talks to a container engine.
        "DOCKER_HOST": f"unix://{state / 'ministack' / 'no-engine.sock'}",
        "LOG_LEVEL": "WARNING",
    }


def register_resource_types(types: Mapping[str, ResourceType]) -> None:
    """Teach ministack's CloudFormation our types; their handlers run off its event loop."""
    from ministack.services.cloudformation import provisioners, stacks

    for name, kind in types.items():
        provisioners._RESOURCE_HANDLERS[name] = {
            "create": kind.create,
            "update": kind.update,
            "delete": kind.delete,
        }
        provisioners._REPLACING_PROPERTIES[name] = kind.replacing
        if kind.name is not None:
            provisioners._CUSTOM_NAME_REPLACEMENT[name] = {"name": kind.name}
            provisioners._STACK_TAG_PROPERTY[name] = ("Tags", "list")
    runs_on_thread = stacks._runs_on_worker_thread
    stacks._runs_on_worker_thread = lambda kind: kind in types or runs_on_thread(kind)


def generated_suffix(stack: str, logical_id: str) -> str:
    """The random-looking end of a generated name; another one for a replacement."""
    from ministack.services.cloudformation import provisioners

    name: str = provisioners._physical_name(stack, logical_id)
    return name.rpartition("-")[2]


def session_secret(access_key: str, token: str | None, account: str) -> str | None:
    """The secret of temporary credentials (AssumeRole); ``None`` if unknown, expired, or the
    session token is another."""
    from ministack.core import iam_evaluator

    found = iam_evaluator.resolve_credential(access_key, account, token or "")
    if isinstance(found, iam_evaluator.CredentialResolutionError):
        return None
    secret: str = found.secret_access_key
    return secret


class EventPublisher:
    """Puts events of AWS services on the default bus; see ``cloud.Publisher``.

    ministack's rules and targets belong to its event loop, so each event is handed to it; order
    is kept. ``attach`` is called once that loop runs.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._loop: asyncio.AbstractEventLoop | None = None

    def attach(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    def __call__(
        self, *, source: str, detail_type: str, detail: dict[str, Any], resources: list[str]
    ) -> None:
        if self._loop is None:
            raise RuntimeError("an event was published before the server had started")
        entry = {
            "Source": source,
            "DetailType": detail_type,
            "Detail": json.dumps(detail, default=str),
            "Resources": resources,
        }
        self._loop.call_soon_threadsafe(self._put, entry, context=contextvars.Context())

    def _put(self, entry: dict[str, Any]) -> None:
        from ministack.core import responses
        from ministack.services import eventbridge

        try:
            responses.set_request_account_id(self._settings.account)
            responses.set_request_region(self._settings.region)
            eventbridge._ensure_default_bus()
            eventbridge._put_events({"Entries": [entry]}, allow_aws_source=True)
        except Exception:
            logger.exception("event %s could not be published", entry["DetailType"])


def state_getters() -> dict[str, Callable[[], Any]]:
    """What each service in use would save; to be called on the server's event loop.

    CloudFormation comes first, so that what a saved stack names is saved with it.
    """
    from ministack import app

    getters: dict[str, Callable[[], Any]] = app._build_persistence_save_dict()
    getters["cloudwatch_logs"] = without_job_logs(getters["cloudwatch_logs"])
    return {name: getters[name] for name in STATES if name in getters}


def state_text(name: str, state: Any) -> str:
    """As ministack writes it to ``STATE_DIR/{name}.json``."""
    from ministack.core import persistence

    version = persistence._state_format_version(name)
    saved = {"__ministack_format__": version, "payload": state}
    return json.dumps(saved, default=persistence._json_default)


def keep_function_code() -> None:
    """A snapshot names functions' code by hash: code that a later one no longer names must stay
    until that later one is saved. What is left over goes with ``warmfold local reset``."""
    from ministack.services import lambda_svc

    lambda_svc._prune_orphan_code_blobs = lambda _: None


def stop_lambda_workers() -> None:
    """End the Lambda functions' warm processes; at shutdown."""
    from ministack.core import lambda_runtime

    lambda_runtime.reset()
