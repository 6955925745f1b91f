"""What ministack's services do by themselves, asked about before: events, schedules, queues."""

from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from ministack.core import iam_evaluator as evaluator


class Deliveries(Protocol):
    """What services do by themselves: each is asked before, and says whether it may be."""

    def by_rule(self, target: Mapping[str, Any], rule: Mapping[str, Any]) -> bool: ...

    def by_schedule(self, target: Mapping[str, Any], schedule: Mapping[str, Any]) -> bool: ...

    def from_queue(self, queue_arn: str, function: Mapping[str, Any]) -> bool: ...

    def credentials(self, function: Mapping[str, Any]) -> Mapping[str, str]: ...

    def refused_role(self, role_arn: str) -> str | None: ...


def guard_deliveries(deliveries: Deliveries) -> None:
    """Ask before events, schedules and queues reach a target; functions run as their roles."""
    from ministack.core import lambda_runtime
    from ministack.services import eventbridge, lambda_svc

    def credentials(config: dict[str, Any]) -> dict[str, str]:
        return dict(deliveries.credentials(config))

    lambda_runtime.execution_credentials = credentials
    lambda_svc.execution_credentials = credentials
    evaluator.validate_role_arn = deliveries.refused_role
    _guard_targets(eventbridge, deliveries)
    _guard_queues(lambda_svc, deliveries)


def _guard_targets(eventbridge: Any, deliveries: Deliveries) -> None:
    invoke = eventbridge._invoke_target

    def guarded(target: dict[str, Any], event: dict[str, Any], rule: Any, *rest: Any) -> Any:
        scheduled = event["Source"] == "aws.scheduler" and "RoleArn" in target
        let = deliveries.by_schedule if scheduled else deliveries.by_rule
        return invoke(target, event, rule, *rest) if let(target, rule) else None

    eventbridge._invoke_target = guarded


def _guard_queues(lambda_svc: Any, deliveries: Deliveries) -> None:
    mappings = lambda_svc._iter_all_esms

    def readable() -> Iterator[tuple[str, str, dict[str, Any]]]:
        for account, region, mapping in mappings():
            source = mapping.get("EventSourceArn", "")
            if ":sqs:" in source and mapping.get("Enabled", True):
                key = lambda_svc._functions.get_scoped(account, region, mapping["FunctionName"])
                if key is not None and not deliveries.from_queue(source, key["config"]):
                    continue
            yield account, region, mapping

    lambda_svc._iter_all_esms = readable
