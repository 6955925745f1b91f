"""The network of a pipeline's jobs: every job and model of it has its interfaces there."""

from collections.abc import Sequence

from warmfold.pipeline.blocks import Definition, string_parameter
from warmfold.pipeline.expressions import Expression, parameter
from warmfold.pipeline.spec import JobNetwork


def network_parameters(network: JobNetwork | None) -> list[Definition]:
    """One parameter for each id: a pipeline's parameters cannot be lists."""
    if network is None:
        return []
    ids = {"SubnetId": network.subnet_ids, "SecurityGroupId": network.security_group_ids}
    return [
        string_parameter(f"{name}{number}", id)
        for name, given in ids.items()
        for number, id in enumerate(given, start=1)
    ]


def in_network(steps: Sequence[Definition], network: JobNetwork | None) -> list[Definition]:
    """The steps with their jobs and models placed in the network, those of branches included.

    A transform runs where its model does. A trial's folds copy the trial's.
    """
    if network is None:
        return list(steps)
    return [{**step, "Arguments": _placed(step, network)} for step in steps]


def _placed(step: Definition, network: JobNetwork) -> Definition:
    """The step's arguments with the network where its API has it."""
    arguments: Definition = step["Arguments"]
    kind = step["Type"]
    if kind == "Training":
        return arguments | _of_job(network)
    if kind == "Tuning":
        trial = arguments["TrainingJobDefinition"] | _of_job(network)
        return arguments | {"TrainingJobDefinition": trial}
    if kind == "Processing":
        return arguments | {"NetworkConfig": arguments["NetworkConfig"] | _of_job(network)}
    if kind == "Model":
        return arguments | {"VpcConfig": _vpc_config(network)}
    if kind == "Condition":
        branches = {name: in_network(arguments[name], network) for name in ("IfSteps", "ElseSteps")}
        return arguments | branches
    return arguments


def _of_job(network: JobNetwork) -> Definition:
    return {
        "VpcConfig": _vpc_config(network),
        "EnableInterContainerTrafficEncryption": network.encrypt_between_instances,
    }


def _vpc_config(network: JobNetwork) -> Definition:
    return {
        "Subnets": _references("SubnetId", network.subnet_ids),
        "SecurityGroupIds": _references("SecurityGroupId", network.security_group_ids),
    }


def _references(name: str, ids: Sequence[str]) -> list[Expression]:
    return [parameter(f"{name}{number}") for number, _ in enumerate(ids, start=1)]
