"""ministack's state as far as IAM needs it, and the places where ministack asks for a decision.

With ``AUTH`` ministack authorises every request itself: `install` puts this cloud's decision in
the place of its own, so that there is one, and it is remembered.
"""

import contextvars
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

from ministack.core import iam_evaluator as evaluator

from warmfold_local.access.asks import Ask, role_name
from warmfold_local.access.on_behalf import ObjectKey
from warmfold_local.ministack_iam import PRINCIPAL_ARN, ROOT, Document, Documents, Principal

Answer = TypeVar("Answer")

# What a refused request is told: decided in ``enforce``, worded where ministack answers.
_told: contextvars.ContextVar[str] = contextvars.ContextVar("told", default="")


@dataclass(frozen=True)
class Served:
    """The request that ministack is working on, for what its own context lacks."""

    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


_NONE = Served()
current: contextvars.ContextVar[Served] = contextvars.ContextVar("current", default=_NONE)


class State:
    """Roles, sessions and resource policies, asked for from any thread."""

    def __init__(self, account: str, region: str) -> None:
        self._account = account
        self._region = region
        self._own: dict[str, dict[str, Any]] = {}

    def principal(self, access_key: str) -> Principal | None:
        """Whose key this is; ``None`` for a key that nobody has any more."""
        found = evaluator.resolve_credential(access_key, self._account)
        if isinstance(found, evaluator.CredentialResolutionError):
            return None
        kind = found.principal_type
        documents: Documents = {}
        limits: dict[str, Documents] = {}
        if kind == "AssumedRole":
            documents, limits = self._role(role_name(found.principal_arn))
        elif kind == "User":
            documents, limits = self._user(found.principal_name)
        session = self._sessions().get(access_key) or {}
        passed = self._session_policies(session)
        return Principal(
            arn=found.principal_arn,
            kind=kind,
            account=found.account_id,
            documents=documents,
            limits={**limits, **({"session policy": passed} if passed is not None else {})},
            keys=self._keys(found),
        )

    def _keys(self, found: Any) -> dict[str, Any]:
        if found.principal_type == ROOT:
            return {}
        keys: dict[str, Any] = evaluator._principal_keys(found)
        if found.principal_type == "AssumedRole":
            role = self.role(role_name(found.principal_arn))
            keys |= {} if role is None else {PRINCIPAL_ARN: role["Arn"]}
        return keys

    def role(self, name: str) -> Mapping[str, Any] | None:
        """As IAM keeps it, with its ``AssumeRolePolicyDocument``."""
        from ministack.services import iam

        role: Mapping[str, Any] | None = iam._roles.get_scoped(self._account, None, name)
        return role

    def roles(self) -> list[Mapping[str, Any]]:
        from ministack.services import iam

        return self._scoped(lambda: list(iam._roles.values()))

    def documents_of(self, name: str) -> Documents:
        """A role's own policies, inline and attached, without its boundary and AWS's policies."""
        role = self.role(name) or {}
        own = [arn for arn in role.get("AttachedPolicies", []) if ":iam::aws:" not in arn]
        return {**(role.get("InlinePolicies") or {}), **self._managed(own)}

    def register(self, access_key: str, session: dict[str, Any]) -> None:
        """Make temporary credentials known to STS, as long as this cloud lives."""
        self._own[access_key] = session
        self.recall(access_key)

    def recall(self, access_key: str) -> None:
        """Register again what STS has lost: it reads its saved sessions after others were made."""
        from ministack.services import sts

        session = self._own.get(access_key)
        if session is not None and access_key not in sts._sessions:
            sts.register_session(access_key, session)

    def resource_policy(self, ask: Ask) -> Document | None:
        """The resource's own policy, where its service keeps one."""
        service = ask.action.partition(":")[0]
        found = self._scoped(lambda: evaluator._resource_policy(service, ask.resource))
        return found[0] if found else None

    def key_arn(self, reference: str) -> str | None:
        """Of a KMS key, by id, alias or ARN."""
        from ministack.services import kms

        found = self._scoped(lambda: kms._resolve_key(reference))
        return None if found is None else str(found["Arn"])

    def object_key(self, action: str, resource: str) -> ObjectKey | None:
        """The KMS key that an S3 object is, or is to be, encrypted with; ``None`` without one."""
        return self._scoped(lambda: _object_key(action, resource))

    def lacks_object(self, resource: str) -> bool:
        """Whether this is an object's ARN whose bucket is there and has no such key."""
        from ministack.services import s3

        name, _, key = resource.removeprefix("arn:aws:s3:::").partition("/")
        bucket = self._scoped(lambda: s3._buckets.get(name))
        return bucket is not None and bool(key) and key not in bucket["objects"]

    def _role(self, name: str) -> tuple[Documents, dict[str, Documents]]:
        from ministack.services import iam

        role = self.role(name)
        if role is None:
            return {}, {}
        documents: dict[str, Document] = dict(role.get("InlinePolicies") or {})
        return documents | self._attached(role), self._boundary(iam._roles, name)

    def _user(self, name: str) -> tuple[Documents, dict[str, Documents]]:
        from ministack.services import iam

        gathered = self._scoped(lambda: evaluator._gather_user_policies(name, self._account))
        documents = {f"user-{number}": _document(found) for number, found in enumerate(gathered)}
        return documents, self._boundary(iam._users, name)

    def _boundary(self, store: Any, name: str) -> dict[str, Documents]:
        arn = (store.get_scoped(self._account, None, name) or {}).get("PermissionsBoundary")
        if not arn:
            return {}
        arn = arn if isinstance(arn, str) else arn["PermissionsBoundaryArn"]
        return {"permissions boundary": self._managed([arn])}

    def _attached(self, entity: Mapping[str, Any]) -> dict[str, Document]:
        return self._managed(entity.get("AttachedPolicies", []))

    def _managed(self, arns: list[str]) -> dict[str, Document]:
        def resolve(arn: str) -> Document | None:
            found: Document | None = evaluator._resolve_managed_policy_document(arn, self._account)
            return found

        found = {arn.rpartition("/")[2]: self._scoped(partial(resolve, arn)) for arn in arns}
        return {name: document for name, document in found.items() if document}

    def _session_policies(self, session: Mapping[str, Any]) -> Documents | None:
        passed = session.get("SessionPolicies")
        if passed is None:
            return None
        own = {"session": passed["Policy"]} if passed.get("Policy") else {}
        return own | self._managed(passed.get("PolicyArns", []))

    @staticmethod
    def _sessions() -> Mapping[str, Any]:
        from ministack.services import sts

        sessions: Mapping[str, Any] = sts._sessions
        return sessions

    def _scoped(self, look: Callable[[], Answer]) -> Answer:
        """ministack's stores answer for the account and region of the context."""
        from ministack.core import responses

        def scoped() -> Answer:
            responses.set_request_account_id(self._account)
            responses.set_request_region(self._region)
            return look()

        return contextvars.copy_context().run(scoped)


def _document(statements: list[Any]) -> Document:
    """A policy document again, of what ministack has parsed."""
    members = {
        "actions": "Action",
        "not_actions": "NotAction",
        "resources": "Resource",
        "not_resources": "NotResource",
        "conditions": "Condition",
    }
    return {
        "Statement": [
            {"Effect": each.effect}
            | {name: getattr(each, key) for key, name in members.items() if getattr(each, key)}
            for each in statements
        ]
    }


_HEADER = "x-amz-server-side-encryption"


def _object_key(action: str, resource: str) -> ObjectKey | None:
    from ministack.services import kms, s3

    bucket_name, _, key = resource.removeprefix("arn:aws:s3:::").partition("/")
    bucket = s3._buckets.get(bucket_name)
    if bucket is None or not key:
        return None
    request = current.get()
    if action == "s3:PutObject":
        own = _HEADER in request.headers
        stored = request.headers if own else s3._bucket_default_sse_headers(bucket_name)
    else:
        stored = s3._stored_sse_headers(bucket["objects"].get(key, {}))
    found = kms._resolve_key(stored.get(f"{_HEADER}-aws-kms-key-id", ""))
    if found is None:
        return None
    return ObjectKey(arn=str(found["Arn"]), multipart="uploadId=" in request.query)


# ``enforce`` of ministack: access key, action, resource and context; what is refused, if it is.
Enforce = Callable[[str, str, str, Mapping[str, Any]], str | None]


def install(enforce: Enforce) -> None:
    """Let ``enforce`` decide each request that ministack serves; it returns a refusal's text."""
    from ministack import app
    from ministack.core import iam_actions

    def decided(
        access_key_id: str,
        iam_action: str,
        _service: str,
        _region: str,
        resource_arn: str = "*",
        service_context: dict[str, Any] | None = None,
    ) -> Any:
        refused = enforce(access_key_id, iam_action, resource_arn, service_context or {})
        _told.set(refused or "")
        return None if refused is None else evaluator.EvalResult("ImplicitDeny")

    answer = iam_actions.access_denied_response

    def worded(*arguments: Any, message: str = "", error_code: str = "", **others: Any) -> Any:
        if not error_code and not message:
            message = _told.get()
        return answer(*arguments, message=message, error_code=error_code, **others)

    app.AUTH = True
    evaluator.enforce = decided
    iam_actions.access_denied_response = worded
    # The front has verified the signature, and where the request comes from: loopback.
    app.pin_signed_request = lambda *_, **__: None
    app.pin_request_origin = lambda *_: None
    origin: contextvars.ContextVar[tuple[str, bool]]
    origin = contextvars.ContextVar("origin", default=("127.0.0.1", True))
    evaluator._request_origin = origin
