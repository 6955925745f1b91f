"""Findings of cdk-nag that were looked at, each on the resource that has it."""

from collections.abc import Mapping
from typing import Any

from aws_cdk import Acknowledgment, Stack, Validations
from constructs import IConstruct

PACK = "AwsSolutions"


def acknowledge(construct: IConstruct, reasons: Mapping[str, str]) -> None:
    """Accept findings of ``construct`` and what is below it: finding -> why it is right.

    A finding is a rule (``SQS3``) or, for policies, a rule and what it found
    (``IAM5[Resource::*]``): cdk-nag wants wildcards one by one.
    """
    for finding, reason in reasons.items():
        # With the pack's name twice, the acknowledgement shows up in the validation report.
        Validations.of(construct).acknowledge(
            Acknowledgment(id=f"{PACK}::{PACK}-{finding}", reason=reason)
        )


def acknowledge_wildcard(construct: IConstruct, resource: str, reason: str) -> None:
    """Accept one resource of a policy if it holds a wildcard; ``resource`` may be a token."""
    flat = _flat(Stack.of(construct).resolve(resource))
    if "*" in flat:
        acknowledge(construct, {f"IAM5[Resource::{flat}]": reason})


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
