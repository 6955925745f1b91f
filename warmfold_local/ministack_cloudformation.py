"""What ministack's CloudFormation leaves out, and IAM needs: see each function."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol
from xml.sax.saxutils import escape

Handlers = Mapping[str, Callable[..., Any]]
# Asked before a resource is made, changed or deleted, with ``create``, ``update`` or ``delete``
# and its properties; raises what refuses it.
Check = Callable[[str, Mapping[str, Any]], None]


class Publish(Protocol):
    """See ``cloud.Publisher``."""

    def __call__(
        self, *, source: str, detail_type: str, detail: dict[str, Any], resources: list[str]
    ) -> None: ...


_STACK = "AWS::CloudFormation::Stack"
_ROLE = "AWS::IAM::Role"
_BUCKET = "AWS::S3::Bucket"


def complete_conditions() -> None:
    """Resolve ``Fn::Join`` in conditions, which ministack compares unresolved.

    Without it the bootstrap's template takes its empty list of execution policies for one that
    was given, and its execution role is without any policy.
    """
    from ministack.services.cloudformation import changesets, engine, handlers, provisioners, stacks

    evaluate = engine._evaluate_conditions

    def evaluated(template: dict[str, Any], parameters: dict[str, Any]) -> Any:
        joined = _joined(template.get("Conditions", {}), parameters)
        return evaluate({**template, "Conditions": joined}, parameters)

    for module in (changesets, engine, handlers, provisioners, stacks):
        if hasattr(module, "_evaluate_conditions"):
            module._evaluate_conditions = evaluated


def complete_rollbacks() -> None:
    """Take an empty ``ResourcesToSkip``, as `cdk rollback` sends it, for none.

    ministack takes the Query protocol's empty list for one resource without a name, and refuses.
    """
    from ministack.services.cloudformation import handlers

    go_on = handlers._ACTION_HANDLERS["ContinueUpdateRollback"]

    def gone_on(params: Mapping[str, Any]) -> Any:
        skipped = params.get("ResourcesToSkip")
        named = [each for each in skipped if each] if isinstance(skipped, list) else None
        return go_on(params if named is None else {**params, "ResourcesToSkip": named})

    handlers._ACTION_HANDLERS["ContinueUpdateRollback"] = gone_on


def _joined(value: Any, parameters: Mapping[str, Any]) -> Any:
    if isinstance(value, list):
        return [_joined(item, parameters) for item in value]
    if not isinstance(value, dict):
        return value
    if set(value) == {"Fn::Join"}:
        delimiter, items = value["Fn::Join"]
        found = _text(items, parameters)
        parts = found.split(",") if isinstance(found, str) else found
        return delimiter.join(str(_text(part, parameters)) for part in parts)
    return {key: _joined(item, parameters) for key, item in value.items()}


def _text(value: Any, parameters: Mapping[str, Any]) -> Any:
    """A parameter's value: that of a CommaDelimitedList is one string here."""
    if isinstance(value, dict) and value.get("Ref") in parameters:
        return parameters[value["Ref"]]["Value"]
    return value


def complete_resources() -> None:
    """Give roles their ``PermissionsBoundary`` and buckets their ``BucketEncryption``, which
    ministack leaves out of what a stack makes."""
    _complete(_ROLE, _bound)
    _complete(_BUCKET, _encrypt)


def _complete(kind: str, complete: Callable[[str, Mapping[str, Any]], None]) -> None:
    """Call ``complete`` with name and properties of what was made or changed."""
    from ministack.services.cloudformation import provisioners

    handlers = provisioners._RESOURCE_HANDLERS[kind]

    def created(logical_id: str, properties: dict[str, Any], stack: str) -> Any:
        made = handlers["create"](logical_id, properties, stack)
        complete(made[0], properties)
        return made

    def updated(physical_id: str, old: dict[str, Any], new: dict[str, Any], *rest: Any) -> Any:
        made = handlers["update"](physical_id, old, new, *rest)
        complete(made[0], new)
        return made

    provisioners._RESOURCE_HANDLERS[kind] = {**handlers, "create": created, "update": updated}


def _bound(name: str, properties: Mapping[str, Any]) -> None:
    from ministack.services import iam

    iam._roles[name]["PermissionsBoundary"] = properties.get("PermissionsBoundary")


def _encrypt(name: str, properties: Mapping[str, Any]) -> None:
    """With a key of one's own, as PutBucketEncryption would: ministack knows no AWS managed key."""
    from ministack.services import s3

    rules = (properties.get("BucketEncryption") or {}).get("ServerSideEncryptionConfiguration")
    default = (rules or [{}])[0].get("ServerSideEncryptionByDefault")
    if not default or not default.get("KMSMasterKeyID"):
        return
    members = "".join(f"<{key}>{escape(str(value))}</{key}>" for key, value in default.items())
    rule = f"<ApplyServerSideEncryptionByDefault>{members}</ApplyServerSideEncryptionByDefault>"
    if rules and rules[0].get("BucketKeyEnabled"):
        rule += "<BucketKeyEnabled>true</BucketKeyEnabled>"
    root = "ServerSideEncryptionConfiguration"
    s3._put_bucket_encryption(name, f"<{root}><Rule>{rule}</Rule></{root}>".encode())


def authorise_types(checks: Mapping[str, Check]) -> None:
    """Ask before ministack makes, changes or deletes a resource of these types."""
    from ministack.services.cloudformation import provisioners

    for kind, check in checks.items():
        provisioners._RESOURCE_HANDLERS[kind] = _checked(
            provisioners._RESOURCE_HANDLERS[kind], check
        )


def _checked(handlers: Handlers, check: Check) -> Handlers:
    def create(logical_id: str, properties: dict[str, Any], stack: str) -> Any:
        check("create", properties)
        return handlers["create"](logical_id, properties, stack)

    def update(physical_id: str, old: dict[str, Any], new: dict[str, Any], *rest: Any) -> Any:
        check("update", new)
        return handlers["update"](physical_id, old, new, *rest)

    def delete(physical_id: str, properties: dict[str, Any], *rest: Any) -> Any:
        check("delete", properties)
        return handlers["delete"](physical_id, properties, *rest)

    wrapped: Handlers = {"create": create, "update": update, "delete": delete}
    return {**handlers, **{name: each for name, each in wrapped.items() if name in handlers}}


def authorise_custom_resources(check: Callable[[str], None]) -> None:
    """Ask before CloudFormation calls the function behind a custom resource, by its ARN."""
    from ministack.services.cloudformation import custom_resource

    invoke = custom_resource.invoke_custom_resource

    def authorised(
        kind: str, logical_id: str, properties: dict[str, Any], *rest: Any, **named: Any
    ) -> Any:
        check(str(properties.get("ServiceToken", "")))
        return invoke(kind, logical_id, properties, *rest, **named)

    custom_resource.invoke_custom_resource = authorised


def announce_stacks(publish: Publish) -> None:
    """Send the event of a stack's new status, which ministack does not.

    CloudFormation user guide, "CloudFormation event details": Stack Status Change.
    """
    from ministack.services.cloudformation import changesets, handlers, stacks

    add_event = stacks._add_event

    def announced(
        stack_id: str, stack: str, logical_id: str, kind: str, status: str, *more: Any, **named: Any
    ) -> Any:
        made = add_event(stack_id, stack, logical_id, kind, status, *more, **named)
        if kind == _STACK and logical_id == stack:
            reason = str(more[0] if more else named.get("reason", ""))
            publish(
                source="aws.cloudformation",
                detail_type="CloudFormation Stack Status Change",
                detail={
                    "stack-id": stack_id,
                    "status-details": {"status": status, "status-reason": reason},
                },
                resources=[stack_id],
            )
        return made

    for module in (changesets, handlers, stacks):
        if hasattr(module, "_add_event"):
            module._add_event = announced
