"""Findings of cdk-nag that were looked at, each on the resource that has it."""

from collections.abc import Mapping, Sequence
from typing import Any
from weakref import WeakKeyDictionary

from aws_cdk import Acknowledgment, CfnResource, Stack, Validations
from constructs import IConstruct

from warmfold.pipeline.document import is_token

PACK = "AwsSolutions"
NIST = "NIST.800.53.R5"

_NO_RESERVE = (
    "A queue, a schedule, a pipeline's step or a stack starts it, never a request from outside, "
    "so that it cannot crowd out others; a reserve would be taken from the account's."
)
_EVENTS_KEPT = (
    "Events are kept or made again: queues have dead letters of their own, a pipeline or "
    "stack sees its part fail, timers fire again, and a day can be started again by its date."
)
_NO_NETWORK = (
    "It calls AWS's APIs as its own role and nothing in a network, and nothing in a network calls "
    "it: interfaces and endpoints would add no protection."
)
_LOGS_OF_LOGS = "It holds the access log itself; logging its own writes never ends."
_WRITTEN_ONCE = "S3 writes each log once, and never again under the same name."

# What is found on every resource of a kind, by NIST's pack of cdk-nag or by checkov (``CKV_…``),
# and why each is right here.
ROLE: Mapping[str, str] = {
    "IAMNoInlinePolicy": "The policy is one role's, for one purpose, and goes when the role goes: "
    "as a managed policy it could be attached to others.",
}
FUNCTION: Mapping[str, str] = {
    "LambdaConcurrency": _NO_RESERVE,
    "CKV_AWS_115": _NO_RESERVE,
    "LambdaDLQ": _EVENTS_KEPT,
    "CKV_AWS_116": _EVENTS_KEPT,
    "LambdaInsideVPC": _NO_NETWORK,
    "CKV_AWS_117": _NO_NETWORK,
    "CKV_AWS_173": "Its variables are names and ARNs, no secrets; Lambda encrypts them at rest.",
}
QUEUE: Mapping[str, str] = {
    "CKV_AWS_27": "Encrypted with SQS's own keys: with one of ours, EventBridge and Scheduler "
    "would need a grant on it to deliver.",
}
BUCKET: Mapping[str, str] = {
    "S3BucketReplicationEnabled": "Kept in one region on purpose: versions guard against deletion, "
    "and everything is made again from raw data, whose source lies outside the platform.",
}
ACCESS_LOGS: Mapping[str, str] = {
    "S3BucketReplicationEnabled": "Access logs serve their own region's bucket, and expire.",
    "S3BucketVersioningEnabled": _WRITTEN_ONCE,
    "S3DefaultEncryptionKMS": "S3 delivers access logs to no bucket that is encrypted with a KMS "
    "key by default.",
    "CKV_AWS_18": _LOGS_OF_LOGS,
    "CKV_AWS_21": _WRITTEN_ONCE,
}
VPC: Mapping[str, str] = {
    "VPCDefaultSecurityGroupClosed": "CloudFormation cannot empty it, and nothing is in it: "
    "every job, model and endpoint of the network names its security groups.",
}


# A role is come back to for each of its statements.
_validations: WeakKeyDictionary[IConstruct, Validations] = WeakKeyDictionary()


def acknowledge(construct: IConstruct, reasons: Mapping[str, str], *, pack: str = PACK) -> None:
    """Accept findings of ``construct`` and what is below it: finding -> why it is right.

    A finding is a rule (``SQS3``) or, for policies, a rule and what it found
    (``IAM5[Resource::*]``): cdk-nag wants wildcards one by one.
    """
    # With the pack's name twice, the acknowledgement shows up in the validation report.
    accepted = [
        Acknowledgment(id=f"{pack}::{pack}-{finding}", reason=reason)
        for finding, reason in reasons.items()
    ]
    if not accepted:
        return
    if construct not in _validations:
        _validations[construct] = Validations.of(construct)
    _validations[construct].acknowledge(*accepted)


def accept(construct: IConstruct, reasons: Mapping[str, str]) -> None:
    """Accept what is found on every resource of a kind, such as ``FUNCTION``.

    checkov reads its part in the resource's metadata, which the template carries.
    """
    found = {id: reason for id, reason in reasons.items() if id.startswith("CKV_")}
    acknowledge(construct, {id: text for id, text in reasons.items() if id not in found}, pack=NIST)
    if found:
        resource = construct.node.default_child
        if not isinstance(resource, CfnResource):
            raise TypeError(f"{construct.node.path} is no resource of its own")
        skipped = [{"id": id, "comment": reason} for id, reason in found.items()]
        resource.add_metadata("checkov", {"skip": skipped})


def acknowledge_wildcards(construct: IConstruct, resources: Sequence[str], reason: str) -> None:
    """Accept those resources of a policy that hold a wildcard; they may be tokens."""
    known: Sequence[Any] = resources
    if any(is_token(resource) for resource in resources):
        known = Stack.of(construct).resolve([*resources])
    flat = [_flat(resource) for resource in known]
    acknowledge(construct, {f"IAM5[Resource::{each}]": reason for each in flat if "*" in each})


def _flat(value: Any) -> str:
    """The text that cdk-nag makes of a CloudFormation reference (its flattenCfnReference)."""
    if isinstance(value, str):
        return value.replace("${", "<").replace("}", ">")
    if "Fn::Join" in value:
        delimiter, parts = value["Fn::Join"]
        return str(delimiter).join(_flat(part) for part in parts)
    if "Fn::GetAtt" in value:
        resource, attribute = value["Fn::GetAtt"]
        return f"<{resource}.{attribute}>"
    return f"<{value['Ref']}>"
