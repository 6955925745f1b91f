"""``load-test``: what one instance of an endpoint bears, and the scaling target that follows."""

import argparse
from collections.abc import Sequence
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from config.checks import is_production
from config.names import LOCAL
from config.settings import Model
from warmfold.cli.model_commands import read_applicants, target
from warmfold.demo import promote
from warmfold.errors import WarmfoldError
from warmfold.runs.aws import Aws, find_deployment
from warmfold.runs.request_rate import MOST_ASKERS, Ask, Stage, borne_rate, scaling_target, stages


def load_test(options: argparse.Namespace) -> None:
    """Ask the endpoint for longer and longer queues; prints what it bears.

    Raises ``WarmfoldError`` for a production endpoint, for applicants that the endpoint refuses,
    if one request at a time is already too much, and if the fleet changed meanwhile.
    """
    _require_sensible(options)
    applicants = read_applicants(options.file)
    aws, model = target(options)
    endpoint = find_deployment(aws, model.name).serving["EndpointName"]
    promote.score(aws, endpoint, applicants)
    before = _instances(aws, endpoint)
    latency_seconds = model.serving.alarms.latency_milliseconds / 1000
    found = list[Stage]()
    print("at a time   answers/s     p99 ms   failed")
    asking = _ask(aws, endpoint, applicants)
    for stage in stages(asking, seconds=options.seconds, latency_seconds=latency_seconds):
        found.append(stage)
        p99 = stage.p99_seconds * 1000
        print(f"{stage.askers:>9} {stage.rate:>11.1f} {p99:>10.1f} {stage.failures:>8}", flush=True)
    if _instances(aws, endpoint) != before:
        raise WarmfoldError(
            f"endpoint {endpoint} got or lost instances meanwhile: measure again when it is still"
        )
    borne = borne_rate(found, latency_seconds)
    if borne is None:
        raise WarmfoldError(_too_much(endpoint, found[0], model))
    _tell(options, model, borne, before)


def _require_sensible(options: argparse.Namespace) -> None:
    if is_production(options.env):
        raise WarmfoldError(
            f"{options.env} serves people, and this is as much load as it bears: measure in an "
            "environment with the same models.serving.instance_type"
        )
    if not 0 < options.safety <= 1:
        raise WarmfoldError(f"--safety is {options.safety}: give a number above 0 and up to 1")
    if not 0 < options.seconds <= 600:
        raise WarmfoldError(f"--seconds is {options.seconds}: give a number above 0 and up to 600")


def _ask(aws: Aws, endpoint: str, applicants: Sequence[dict[str, Any]]) -> Ask:
    """One applicant a request, in turn; a refused or failed request is not repeated."""
    client = aws.client_of_many("sagemaker-runtime", MOST_ASKERS)
    requests = [promote.invocation(endpoint, [applicant]) for applicant in applicants]

    def ask(number: int) -> bool:
        try:
            client.invoke_endpoint(**requests[number % len(requests)])["Body"].read()
        except (ClientError, BotoCoreError):
            return False
        return True

    return ask


def _instances(aws: Aws, endpoint: str) -> int:
    described = aws.client("sagemaker").describe_endpoint(EndpointName=endpoint)
    return sum(variant["CurrentInstanceCount"] for variant in described["ProductionVariants"])


def _too_much(endpoint: str, first: Stage, model: Model) -> str:
    limit = model.serving.alarms.latency_milliseconds
    return (
        f"endpoint {endpoint} does not bear one request at a time: {first.failures} failed, p99 "
        f"{first.p99_seconds * 1000:.1f} ms, and models.serving.alarms.latency_milliseconds of "
        f"model {model.name} is {limit}: choose a larger models.serving.instance_type or limit"
    )


def _tell(options: argparse.Namespace, model: Model, borne: float, instances: int) -> None:
    value = scaling_target(borne, instances, options.safety)
    serving = model.serving
    print(
        f"\n{instances} of {serving.instance_type}: {borne:.1f} answers a second with p99 within "
        f"{serving.alarms.latency_milliseconds} ms, measured here, the way to the endpoint "
        f"included.\nOf one instance, in a minute, with a safety factor of {options.safety:g}; in "
        f"config/environments/{options.env}.toml, [models.serving] of {model.name}:\n"
        f"target_invocations_per_instance = {value}"
    )
    if options.env == LOCAL:
        print(f"This is this machine's rate: it says nothing of a {serving.instance_type} on AWS.")
