"""The other half of the seam to ministack: its IAM evaluator, and where it asks for decisions.

The evaluator matches actions, resources, principals and conditions. What it is told about a call,
and what is remembered of it, is this project's (`warmfold_local.access`).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from ministack.core import iam_evaluator as evaluator

from warmfold_local.access.asks import Ask, Decision

Document = str | Mapping[str, Any]
Documents = Mapping[str, Document]

# Of an identity that is nobody's: the root of the account, which may do everything.
ROOT = "Root"

# Services whose resource policy must allow as well, also in its own account (KMS developer guide,
# "Key policies": nobody has a permission on a key that its policy does not give).
_POLICY_REQUIRED = ("kms",)

# Of a session it is the role's ARN ("Global condition context keys", IAM user guide); the
# evaluator itself would give the session's.
PRINCIPAL_ARN = "aws:principalarn"
_resolved = evaluator._resolve_condition_key


def _resolve(key: str, context: evaluator.EvalContext) -> Any:
    known = context.principal_keys.get(PRINCIPAL_ARN)
    return known if known and key.lower() == PRINCIPAL_ARN else _resolved(key, context)


evaluator._resolve_condition_key = _resolve


@dataclass(frozen=True, kw_only=True)
class Principal:
    """Who asks: documents by name, and limits (a boundary, session policies), each by its kind.

    ``keys`` are the condition keys that describe the caller, in lower case.
    """

    arn: str
    kind: str
    account: str
    documents: Documents
    limits: Mapping[str, Documents]
    keys: Mapping[str, Any]


def decide(
    principal: Principal, ask: Ask, *, region: str, resource_policy: Document | None = None
) -> Decision:
    """Explicit Deny, then Allow of identity or resource policy within every limit; no state."""
    context = _context(principal, ask, region)
    layers = {"identity-based policy": _statements(principal.documents)}
    layers |= {kind: _statements(found) for kind, found in principal.limits.items()}
    for kind, statements in layers.items():
        if denied := evaluator._first_match(context, statements, "Deny"):
            return _refused(denied.sid, f"with an explicit deny in {_article(kind)} {kind}")
    resource = _of_resource(context, resource_policy)
    if resource.decision == "Deny":
        return _refused(resource.matched_sid, "with an explicit deny in a resource-based policy")
    identity, *limits = layers.values()
    allowed = evaluator._first_match(context, identity, "Allow")
    if allowed is None and not _resource_alone(context, resource, resource_policy):
        return _implicit("identity-based policy", ask)
    for kind, statements in zip(list(layers)[1:], limits, strict=True):
        if evaluator._first_match(context, statements, "Allow") is None:
            return _implicit(kind, ask)
    if _required(ask) and resource_policy is not None and resource.decision != "Allow":
        return _implicit("resource-based policy", ask)
    return Decision(allowed=True, statement=allowed.sid if allowed else resource.matched_sid)


def decide_across(
    principal: Principal, ask: Ask, *, region: str, resource_policy: Document | None
) -> Decision:
    """For a resource of another account: its policy has to allow as well as the identity's.

    ("Cross-account policy evaluation logic", IAM user guide.)
    """
    decision = decide(principal, ask, region=region)
    if not decision.allowed:
        return decision
    found = _of_resource(_context(principal, ask, region), resource_policy)
    if found.decision == "Deny":
        return _refused(found.matched_sid, "with an explicit deny in a resource-based policy")
    return decision if found.decision == "Allow" else _implicit("resource-based policy", ask)


def decide_service(
    service: str, ask: Ask, *, account: str, region: str, resource_policy: Document | None
) -> Decision:
    """Whether a resource's policy lets an AWS service (``events.amazonaws.com``) in."""
    nobody = Principal(
        arn=service, kind="Service", account=account, documents={}, limits={}, keys={}
    )
    found = evaluator.evaluate_resource_policy(
        _labelled("resource", resource_policy), _context(nobody, ask, region), service=service
    )
    if found.decision == "Allow":
        return Decision(allowed=True, statement=found.matched_sid)
    return _implicit("resource-based policy", ask)


def _context(principal: Principal, ask: Ask, region: str) -> evaluator.EvalContext:
    given = {key.lower(): _plain(value) for key, value in ask.context.items()}
    return evaluator.EvalContext(
        principal_arn=principal.arn,
        principal_type=principal.kind,
        principal_account=principal.account,
        action=ask.action,
        resource_arn=ask.resource,
        region=region,
        source_ip="127.0.0.1",
        # Loopback over plain http counts as secure: nothing leaves the machine.
        secure_transport=given.get("aws:securetransport", "true") == "true",
        service_context={"aws:tagkeys": None, **given},
        principal_keys=dict(principal.keys),
    )


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _of_resource(context: evaluator.EvalContext, policy: Document | None) -> evaluator.EvalResult:
    return evaluator.evaluate_resource_policy(_labelled("resource", policy), context)


def _resource_alone(
    context: evaluator.EvalContext, resource: evaluator.EvalResult, policy: Document | None
) -> bool:
    """Whether the resource's policy allows by itself: it names the caller, not only its account."""
    if resource.decision != "Allow":
        return False
    named = evaluator.evaluate_resource_policy(
        _labelled("resource", policy), context, named_only=True
    )
    return bool(named.decision == "Allow")


def _required(ask: Ask) -> bool:
    return ask.action.partition(":")[0] in _POLICY_REQUIRED


def _refused(statement: str, reason: str) -> Decision:
    return Decision(allowed=False, statement=statement, explicit=True, reason=reason)


def _implicit(kind: str, ask: Ask) -> Decision:
    return Decision(allowed=False, reason=f"because no {kind} allows the {ask.action} action")


def _article(kind: str) -> str:
    return "an" if kind[0] in "aeiou" else "a"


def _statements(documents: Documents) -> list[evaluator.ParsedStatement]:
    found: list[evaluator.ParsedStatement] = []
    for name, document in documents.items():
        found += _parsed(name, _text(document))
    return found


@lru_cache(maxsize=2048)
def _parsed(name: str, text: str) -> tuple[evaluator.ParsedStatement, ...]:
    """By text: a changed policy is another text, so that nothing here ever goes stale."""
    statements = evaluator.parse_policy_document(text)
    return tuple(
        replace(statement, sid=f"{name}#{number}") for number, statement in enumerate(statements)
    )


def _labelled(name: str, policy: Document | None) -> dict[str, Any]:
    return {} if not policy else json.loads(_labelled_text(name, _text(policy)))


@lru_cache(maxsize=512)
def _labelled_text(name: str, text: str) -> str:
    """Every statement's ``Sid`` becomes its label, by which the evaluator names it."""
    document = json.loads(text)
    statements = document.get("Statement", [])
    statements = [statements] if isinstance(statements, dict) else statements
    labelled = [{**each, "Sid": f"{name}#{number}"} for number, each in enumerate(statements)]
    return json.dumps({**document, "Statement": labelled})


def _text(document: Document) -> str:
    return document if isinstance(document, str) else json.dumps(document)
