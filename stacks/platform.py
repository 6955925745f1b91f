"""All stacks of one environment, and the order in which they are deployed."""

import json
from typing import Any

from aws_cdk import App
from aws_cdk import aws_kms as kms

from config.load import REPOSITORY
from config.names import Names
from config.settings import Model, Settings
from stacks.batch import BatchStack
from stacks.ci import CiStack
from stacks.delivery import DeliveryStack
from stacks.images import ImagesStack
from stacks.monitoring import MonitoringStack
from stacks.network import job_network
from stacks.serving import ServingStack
from stacks.storage import StorageStack
from stacks.training import TrainingStack
from warmfold.pipeline.spec import JobNetwork


def feature_flags() -> dict[str, Any]:
    """The CDK's feature flags from cdk.json, for an app that the CDK CLI did not start."""
    values = json.loads((REPOSITORY / "cdk.json").read_text(encoding="utf-8"))
    return dict(values["context"])


def add_stacks(app: App, settings: Settings) -> None:
    """The environment's own stacks first, those of CI if it has any, then four for each model."""
    names = Names(settings.name)
    images = ImagesStack(app, names.images_stack, settings=settings)
    monitoring = MonitoringStack(app, names.monitoring_stack, settings=settings)
    storage = StorageStack(app, names.storage_stack, settings=settings)
    storage.add_stack_dependency(images)
    # Alarms name their topic; all stacks that have any come after the storage's.
    storage.add_stack_dependency(monitoring)
    if settings.ci.repository:
        CiStack(app, names.ci_stack, settings=settings)
    network = job_network(app, settings, storage.key)
    for model in settings.models:
        _add_model(app, settings, model, storage.key, network)


def _add_model(
    app: App, settings: Settings, model: Model, key: kms.IKey, network: JobNetwork | None
) -> None:
    names = Names(settings.name).model(model.name)
    training = TrainingStack(
        app, names.training_stack, settings=settings, model=model, key=key, network=network
    )
    delivery = DeliveryStack(
        app, names.delivery_stack, settings=settings, model=model, key=key, network=network
    )
    serving = ServingStack(
        app, names.serving_stack, settings=settings, model=model, network=network
    )
    batch = BatchStack(
        app, names.batch_stack, settings=settings, model=model, key=key, network=network
    )
    # The model's role and the registry are known by name, so that the CDK cannot see the order.
    delivery.add_stack_dependency(training)
    batch.add_stack_dependency(training)
    # CloudFormation works in the serving stack as a role of the delivery stack.
    serving.add_stack_dependency(delivery)
