"""What the roles of a synthesized environment may do: asked of the local cloud's own evaluator."""

from collections.abc import Mapping
from dataclasses import dataclass

from config.settings import Settings
from tests.unit.infrastructure.assembly import Assembly
from tests.unit.infrastructure.iam_templates import Policies, Resolver
from warmfold_local.access.asks import Ask, Value
from warmfold_local.ministack_iam import Documents, Principal, decide


def principal(role: str, documents: Documents, account: str) -> Principal:
    """Somebody who has assumed the role."""
    return Principal(
        arn=f"arn:aws:sts::{account}:assumed-role/{role}/recorded",
        kind="AssumedRole",
        account=account,
        documents=documents,
        limits={},
        keys={},
    )


@dataclass(frozen=True, kw_only=True)
class Access:
    """Answers for one environment. Roles are named by any part of their name."""

    policies: Policies
    managed: Mapping[str, Documents]
    account: str
    region: str

    def role(self, part: str) -> str:
        (found,) = [name for name in self.policies.roles if part in name]
        return found

    def arn(self, resource: str, service: str = "sagemaker") -> str:
        return f"arn:aws:{service}:{self.region}:{self.account}:{resource}"

    def allows(
        self, role: str, action: str, resource: str, context: Mapping[str, Value] | None = None
    ) -> bool:
        """``resource`` is an ARN, or SageMaker's ``training-job/name``."""
        named = resource if resource.startswith("arn:") else self.arn(resource)
        ask = Ask(action=action, resource=named, context=context or {})
        return self.allowed(self.policies.roles[self.role(role)], ask)

    def allowed(self, documents: Documents, ask: Ask) -> bool:
        asking = principal("anybody", documents, self.account)
        return decide(asking, ask, region=self.region).allowed


def access(assembly: Assembly, settings: Settings) -> Access:
    resolver = Resolver(assembly, settings)
    environment = settings.environment
    return Access(
        policies=resolver.policies(),
        managed=resolver.managed_policies(),
        account=environment.account,
        region=environment.region,
    )
