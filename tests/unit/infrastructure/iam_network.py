"""The recording's calls as they are in an environment with machines and a VPC of its own.

The local cloud has no VPC. What it would have asked for is added here by its own rules: condition
keys of requests that name a network, and what SageMaker does to place a job.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from config.settings import Settings
from tests.unit.infrastructure.assembly import Assembly, definition
from tests.unit.infrastructure.iam_recording import Call
from warmfold_constructs.job_limits import arguments_of, found
from warmfold_local.access.asks import Ask
from warmfold_local.access.on_behalf import USES
from warmfold_local.access.sagemaker import KEYS
from warmfold_local.sagemaker.role_use import network_uses

_STEPS = {
    "Processing": "ProcessingJob",
    "Training": "TrainingJob",
    "Transform": "TransformJob",
    "Tuning": "HyperParameterTuningJob",
}
# Asked for each container that SageMaker starts as a role.
_STARTS = "ecr:GetAuthorizationToken"


def in_network(calls: Sequence[Call], assembly: Assembly, settings: Settings) -> list[Call]:
    """``calls``, and those that the network of ``assembly`` adds; the ids as they are resolved."""
    template = assembly.stack("network")
    subnets = tuple(f"<network/{id}>" for id in template.of_type("AWS::EC2::Subnet"))
    (group,) = [
        f"<network/{id}>"
        for id, resource in template.of_type("AWS::EC2::SecurityGroup").items()
        if resource["Properties"]["GroupDescription"] == "Jobs and models"
    ]
    starting = {call.role for call in calls if call.ask.action == _STARTS}
    added = [
        Call(role, ask) for role in sorted(starting) for ask in _placing(subnets, group, settings)
    ]
    return [*(_placed(call, subnets, group) for call in calls), *added]


def on_machines(calls: Sequence[Call], assembly: Assembly) -> list[Call]:
    """``calls`` with the machines that the training pipeline of ``assembly`` has for its steps."""
    steps = definition(assembly.stack("training"))["Steps"]
    machines = {
        f"sagemaker:Create{noun}": [*found(arguments_of(steps, kind), "InstanceType")]
        for kind, noun in _STEPS.items()
    }
    return [_on(call, machines.get(call.ask.action, [])) for call in calls]


def _on(call: Call, machines: Sequence[str]) -> Call:
    key = "sagemaker:InstanceTypes"
    if key not in call.ask.context or not machines:
        return call
    return Call(call.role, replace(call.ask, context={**call.ask.context, key: (machines[0],)}))


def _placed(call: Call, subnets: tuple[str, ...], group: str) -> Call:
    operation = call.ask.action.removeprefix("sagemaker:")
    keys = KEYS.get(operation, ())
    # An endpoint's configuration has a network of its own for inference components only.
    if "VpcSubnets" not in keys or operation == "CreateEndpointConfig":
        return call
    context = {
        **call.ask.context,
        "sagemaker:VpcSubnets": subnets,
        "sagemaker:VpcSecurityGroupIds": (group,),
    }
    if "InterContainerTrafficEncryption" in keys:
        context["sagemaker:InterContainerTrafficEncryption"] = "true"
    return Call(call.role, replace(call.ask, context=context))


def _placing(subnets: tuple[str, ...], group: str, settings: Settings) -> Iterator[Ask]:
    environment = settings.environment

    def arn(resource: str, service: str) -> str:
        return f"arn:aws:{service}:{environment.region}:{environment.account}:{resource}"

    vpc = {"Subnets": subnets, "SecurityGroupIds": (group,)}
    for row, resource, context in network_uses(vpc, arn):
        for action in USES[row].actions:
            keys = {key.replace("__", ":"): value for key, value in context.items()}
            yield Ask(action=action, resource=resource, context=keys)
