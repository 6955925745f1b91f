"""A model's endpoint. Its updates run with the delivery stack's narrow role, so that it holds
nothing but Model, EndpointConfig, Endpoint, scaling and alarms."""

from constructs import Construct

from config.names import VARIANT, Names
from config.settings import Model, Settings
from stacks import translate
from stacks.base import PlatformStack
from warmfold.pipeline.spec import JobNetwork
from warmfold_constructs.autoscaled_endpoint import AutoscaledEndpoint
from warmfold_constructs.serving_names import ServingNames


class ServingStack(PlatformStack):
    """The stack that promotion updates: one parameter, the model package to serve."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        settings: Settings,
        model: Model,
        network: JobNetwork | None,
    ) -> None:
        names = Names(settings.name).model(model.name)
        super().__init__(
            scope,
            id,
            settings=settings,
            description=f"warmfold: {model.name}, endpoint",
            execution_role=names.serving_deployment_role,
        )
        endpoint = AutoscaledEndpoint(
            self,
            "Endpoint",
            names=ServingNames(endpoint=names.endpoint, variant=VARIANT, network=network),
            model_role_name=names.model_role,
            key_alias=self.names.key_alias,
            fleet=translate.fleet(model.serving),
            rollout=translate.rollout(model.serving.deployment),
            limits=translate.alarm_limits(model.serving.alarms),
        )
        if model.serving.data_capture.sampled_percent:
            endpoint.capture(translate.data_capture(self, model))
        if model.serving.shadow is not None:
            endpoint.shadow(translate.shadow(model.serving.shadow))
        self.notify(*endpoint.alarms)
        self.output("EndpointName", names.endpoint, "There once a model has been approved")
