"""Provider of the custom resources before and after an endpoint."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from scale_endpoint.aws import Endpoint, Scaling
from scale_endpoint.logic import AFTER, BEFORE, CONFIGURATION, Wanted, dropped, same_scaling, wanted
from warmfold_lambda.clients import client
from warmfold_lambda.custom_resource import Request, answered
from warmfold_lambda.environment import read_environment
from warmfold_lambda.errors import LambdaError
from warmfold_lambda.log import Log, TimedContext

# An endpoint that is scaled right now takes minutes.
_LOOK_AGAIN_SECONDS = 10.0
# Enough for the calls that follow, before `answered` would say that there was no time.
_MARGIN_MILLISECONDS = 60_000
# DescribeEndpoint (API reference): statuses in which UpdateEndpoint is refused.
_IN_PROGRESS = frozenset({"Creating", "Updating", "SystemUpdating", "RollingBack"})


class NotSettledError(LambdaError):
    """The endpoint was changing for longer than the function may wait."""


@dataclass(frozen=True, kw_only=True)
class Environment:
    """The one variant that the function may scale, and what its policy is called."""

    endpoint_name: str
    variant_name: str
    policy_name: str


@dataclass(frozen=True, kw_only=True)
class Provider:
    """``has_time`` says whether waiting may go on, ``wait`` sleeps for some seconds."""

    endpoint: Endpoint
    scaling: Scaling
    has_time: Callable[[], bool]
    wait: Callable[[float], None]

    def respond(self, request: Request) -> dict[str, str]:
        """Raises ``NotSettledError``, ``InputError``, and ``ClientError`` for what AWS refuses."""
        if request.kind == "Delete":
            # The endpoint goes next, if the stack does: without a target, and so for good.
            if request.properties.get("Stage") == AFTER:
                self.scaling.remove()
        elif request.properties.get("Stage") == BEFORE:
            self._before(request)
        else:
            self._keep_up(request)
        return {}

    def _before(self, request: Request) -> None:
        """Takes the scaling down for another type. Where it stays the type, also because the
        stack goes back, it is put up: nothing after the endpoint may be called any more."""
        new = wanted(request.properties)
        # For another model alone nothing is waited for: a stack that goes back would wait as well.
        status = self.endpoint.status() if self._model_only(request, new) else self._settled()
        if status is None or status in _IN_PROGRESS:
            return
        if self._same_type(self.endpoint.configuration(), new.configuration):
            self._keep_up(request)
            return
        self.scaling.remove()
        self._settled()  # a last change of the count may have begun meanwhile

    def _model_only(self, request: Request, new: Wanted) -> bool:
        old = request.old_properties
        return same_scaling(old, request.properties) and self._same_type(
            str(old.get(CONFIGURATION)), new.configuration
        )

    def _same_type(self, one: str, other: str) -> bool:
        """False where either configuration was deleted: nobody knows."""
        if one == other:
            return True
        found = self.endpoint.instance_type(one)
        return found is not None and found == self.endpoint.instance_type(other)

    def _keep_up(self, request: Request) -> None:
        """For another model alone there is nothing to do, unless the target has gone."""
        same = same_scaling(request.old_properties, request.properties)
        if same and self.scaling.is_registered():
            return
        new = wanted(request.properties)
        self.scaling.put(new)
        for name in dropped(request.old_properties, new):
            self.scaling.drop_action(name)

    def _settled(self) -> str | None:
        """Its status once the endpoint may be updated; ``None`` if there is no endpoint."""
        while True:
            status = self.endpoint.status()
            if status not in _IN_PROGRESS:
                return status
            if not self.has_time():
                raise NotSettledError(
                    f"endpoint {self.endpoint.name} is still {status}: deploy again when it is "
                    "InService"
                )
            self.wait(_LOOK_AGAIN_SECONDS)


def handle(event: dict[str, Any], context: TimedContext) -> None:
    """Answers CloudFormation; returns nothing."""

    def work(request: Request) -> dict[str, str]:
        environment = read_environment(Environment)
        return _provider(environment, context).respond(request)

    answered(event, context, Log("scale_endpoint", context.aws_request_id), work)


def _provider(environment: Environment, context: TimedContext) -> Provider:
    name, variant = environment.endpoint_name, environment.variant_name
    return Provider(
        endpoint=Endpoint(sagemaker=client("sagemaker"), name=name, variant=variant),
        scaling=Scaling(
            scaling=client("application-autoscaling"),
            resource_id=f"endpoint/{name}/variant/{variant}",
            policy_name=environment.policy_name,
            wait=time.sleep,
        ),
        has_time=lambda: context.get_remaining_time_in_millis() > _MARGIN_MILLISECONDS,
        wait=time.sleep,
    )
