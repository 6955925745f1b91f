"""The one place where IAM decides: every caller's asks, remembered and enforced."""

import hashlib
import hmac
import json
import logging
from collections.abc import Mapping
from typing import Any

from warmfold_local.access.acts_as import requested_role
from warmfold_local.access.asks import Ask, Decision, refusal, role_name
from warmfold_local.access.on_behalf import USES
from warmfold_local.access.passing import passed
from warmfold_local.access.recorder import Recorder
from warmfold_local.cloud import Cloud, Identity
from warmfold_local.errors import AccessDenied, ValidationError
from warmfold_local.ministack_access import State, current
from warmfold_local.ministack_iam import ROOT, Principal, decide, decide_service

logger = logging.getLogger("warmfold_local")

_ALWAYS_ALLOWED = ("sts:GetCallerIdentity", "sts:GetSessionToken")


class Gate:
    """See ``cloud.Access``. Nothing is cached but parsed policies, by their text."""

    def __init__(self, cloud: Cloud, state: State) -> None:
        self._settings = cloud.settings
        self._state = state
        self.recorder = Recorder(cloud)

    def identity(self, role_arn: str, session: str) -> Identity:
        """The role's session of that name: its credentials stay the same while the cloud lives.

        They are derived from the instance's secret, which no job and no function has.
        """
        seed = f"{role_arn}|{session}"
        key, secret, token = (self._derived(part, seed) for part in ("key", "secret", "token"))
        account, name = self._settings.account, role_name(role_arn)
        arn = f"arn:aws:sts::{account}:assumed-role/{name}/{session}"
        access_key = f"ASIA{key[:16].upper()}"
        record = {
            "Arn": arn,
            "UserId": f"AROA{key[16:33].upper()}:{session}",
            "SecretAccessKey": secret,
            "SessionToken": token,
            "AccountId": account,
            "PrincipalType": "AssumedRole",
        }
        self._state.register(access_key, record)
        return Identity(arn=arn, access_key=access_key, secret=secret, token=token)

    def recall(self, access_key: str) -> None:
        self._state.recall(access_key)

    def caller(self, access_key: str) -> Identity | None:
        """Who signed with this key; ``None`` for the owner of the cloud."""
        principal = self._state.principal(access_key)
        if principal is not None and principal.kind == ROOT:
            return None
        return Identity(
            arn="" if principal is None else principal.arn,
            access_key=access_key,
            secret="",
            token="",
        )

    def decide(self, identity: Identity, ask: Ask) -> Decision:
        principal = self._state.principal(identity.access_key)
        if principal is None:
            return Decision(allowed=False, reason="because the session is no longer valid")
        return self._decide(principal, ask)

    def require(self, identity: Identity, ask: Ask) -> None:
        """Raises ``AccessDenied`` with AWS's text."""
        decision = self.decide(identity, ask)
        if not decision.allowed:
            raise AccessDenied(refusal(identity.arn, ask, decision))

    def enforce(
        self, access_key: str, action: str, resource: str, context: Mapping[str, Any]
    ) -> str | None:
        """For the services that ministack serves: the refusal's text, if it is one."""
        if action in _ALWAYS_ALLOWED:
            return None
        principal = self._state.principal(access_key)
        if principal is None:
            return "The security token included in the request is invalid."
        if principal.kind == ROOT:
            return None
        given = _strings(context)
        if action.startswith("cloudformation:") and requested_role():
            given["cloudformation:RoleArn"] = requested_role()
        ask = Ask(action=action, resource=resource, context=given)
        for each in (ask, *self._key_asks(ask), *passed(action, current.get().body)):
            decision = self._decide(principal, each)
            if not decision.allowed:
                return refusal(principal.arn, each, decision)
        return self._hidden(principal, ask)

    def use(self, identity: Identity, name: str, resource: str = "*", **context: str) -> None:
        """A row of `on_behalf`: raises ``AccessDenied`` if its lack fails."""
        row = USES[name]
        for action in row.actions:
            ask = Ask(action=action, resource=resource, context=_keys(context))
            decision = self.decide(identity, ask)
            if not decision.allowed:
                text = refusal(identity.arn, ask, decision)
                if row.fails:
                    raise AccessDenied(text)
                logger.warning("%s: %s", row.what, text)

    def use_key(self, identity: Identity, key: str) -> None:
        """Let SageMaker encrypt volumes with the key. Raises ``AccessDenied``."""
        arn = self._state.key_arn(key) or key
        self.use(identity, "volume key", arn)
        self.use(identity, "volume", arn, kms__GrantIsForAWSResource="true")

    def let_in(self, service: str, ask: Ask) -> bool:
        """Whether the resource's own policy lets an AWS service in."""
        decision = decide_service(
            service,
            ask,
            account=self._settings.account,
            region=self._settings.region,
            resource_policy=self._state.resource_policy(ask),
        )
        self.recorder.note(service, ask, decision)
        if not decision.allowed:
            logger.warning(refusal(service, ask, decision))
        return decision.allowed

    def admit_role(self, role_arn: str, service: str, source_arn: str | None = None) -> None:
        """Raises ``ValidationError`` if the role is not there, or does not trust the service."""
        role = self._state.role(role_name(role_arn))
        trusted = role is not None and self._trusts(role, role_arn, service, source_arn)
        if role is None or role["Arn"] != role_arn or not trusted:
            raise ValidationError(
                f"Could not assume role {role_arn}. Please ensure that the role exists and allows "
                f"principal '{service}' to assume the role."
            )

    def policies(self) -> dict[str, dict[str, Any]]:
        """Every role's own policies, by role and policy name."""
        return {
            role["RoleName"]: {
                name: json.loads(text) if isinstance(text, str) else text
                for name, text in self._state.documents_of(role["RoleName"]).items()
            }
            for role in self._state.roles()
        }

    def _trusts(
        self, role: Mapping[str, Any], role_arn: str, service: str, source_arn: str | None
    ) -> bool:
        account = self._settings.account
        source = {} if source_arn is None else {"aws:SourceArn": source_arn}
        decision = decide_service(
            service,
            Ask(
                action="sts:AssumeRole",
                resource=role_arn,
                context={"aws:SourceAccount": account, **source},
            ),
            account=account,
            region=self._settings.region,
            resource_policy=role["AssumeRolePolicyDocument"],
        )
        return decision.allowed

    def _key_asks(self, ask: Ask) -> list[Ask]:
        """What S3 asks KMS for with the permission of whoever reads or writes the object."""
        if ask.action not in ("s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"):
            return []
        key = self._state.object_key(ask.action, ask.resource)
        if key is None:
            return []
        row = "read object"
        if ask.action == "s3:PutObject":
            row = "write parts" if key.multipart else "write object"
        context = {"kms:ViaService": f"s3.{self._settings.region}.amazonaws.com"}
        return [
            Ask(action=action, resource=key.arn, context=context) for action in USES[row].actions
        ]

    def _hidden(self, principal: Principal, ask: Ask) -> str | None:
        """A refusal to tell who may not list a bucket that a key is not there (GetObject,
        HeadObject and CopyObject, API reference).

        Who may list the key itself is told: how S3 takes permissions that are bound to prefixes
        is not documented. Nobody asked for a listing, so none is remembered.
        """
        if ask.action != "s3:GetObject" or not self._state.lacks_object(ask.resource):
            return None
        bucket, _, key = ask.resource.partition("/")
        listing = Ask(action="s3:ListBucket", resource=bucket, context={"s3:prefix": key})
        decision = decide(
            principal,
            listing,
            region=self._settings.region,
            resource_policy=self._state.resource_policy(listing),
        )
        return None if decision.allowed else refusal(principal.arn, listing, decision)

    def _decide(self, principal: Principal, ask: Ask) -> Decision:
        if principal.kind == ROOT:
            return Decision(allowed=True)
        decision = decide(
            principal,
            ask,
            region=self._settings.region,
            resource_policy=self._state.resource_policy(ask),
        )
        self.recorder.note(role_name(principal.arn), ask, decision)
        return decision

    def _derived(self, part: str, seed: str) -> str:
        message = f"{part}|{seed}".encode()
        return hmac.new(self._settings.secret.encode(), message, hashlib.sha256).hexdigest()


def _keys(context: Mapping[str, str]) -> dict[str, str]:
    """Keyword arguments as condition keys: ``kms__GrantIsForAWSResource``."""
    return {key.replace("__", ":"): value for key, value in context.items()}


def _strings(context: Mapping[str, Any]) -> dict[str, Any]:
    """Condition keys as ministack gives them, without those that are absent."""
    return {
        key: tuple(map(str, value)) if isinstance(value, list) else str(value)
        for key, value in context.items()
        if value is not None
    }
