"""What one value says about another: checked on every object that decoded whole.

Keys of the faults are relative to the checked object; the decoder puts the path before them.
"""

from collections.abc import Iterator, Mapping, Sequence

from config.checks_alerts import alerts_faults, production_alerts_faults
from config.checks_network import (
    created_faults,
    environment_network_faults,
    imported_faults,
    network_faults,
)
from config.checks_search import (
    convergence_faults,
    cross_validation_faults,
    data_faults,
    jobs_faults,
    metric_faults,
    racing_faults,
    search_faults,
)
from config.checks_serving import (
    night_faults,
    off_hours_faults,
    production_night_faults,
    time_zone_faults,
)
from config.checks_sharing import sharing_faults
from config.checks_tuning import candidate_faults, range_faults, tuning_faults
from config.decode import Check
from config.errors import Fault
from config.settings import (
    Batch,
    Candidate,
    CrossValidation,
    Data,
    Environment,
    Jobs,
    Model,
    Range,
    Settings,
    Storage,
    Tuning,
)
from config.settings_alerts import Alerts
from config.settings_network import CreatedNetwork, ImportedNetwork, Network
from config.settings_serving import Deployment, OffHours, Serving

# CloudFormation and IAM allow 50 tags on a resource; some are the platform's.
_MAX_TAGS = 40
# A pipeline has 50 steps at most (SageMaker quotas): one each, and nine that are always there.
_MAX_CANDIDATES = 41
# SageMaker developer guide, prerequisites of endpoint auto scaling: not for burstable types.
_BURSTABLE = ("ml.t2.", "ml.t3.", "ml.t4g.")


def _environment(value: Environment) -> Iterator[Fault]:
    yield from environment_network_faults(value)
    for tag, text in value.tags.items():
        if tag.lower().startswith("aws:"):
            yield Fault(
                key=f"tags.{tag}",
                problem="starts with aws:, which AWS keeps for itself",
                remedy="choose another name",
            )
        if not 1 <= len(tag) <= 128 or len(text) > 256:
            yield Fault(
                key=f"tags.{tag}",
                value=text,
                problem="is too long for a tag",
                remedy="AWS allows 128 characters for a name and 256 for a value",
            )
    if len(value.tags) > _MAX_TAGS:
        yield Fault(
            key="tags", value=len(value.tags), problem="are too many", remedy=f"keep {_MAX_TAGS}"
        )


def _deployment(value: Deployment) -> Iterator[Fault]:
    if value.traffic_shift == "canary" and value.canary_percent is None:
        yield Fault(
            key="canary_percent", problem="is missing", remedy="say how much traffic goes first"
        )
    if value.traffic_shift != "canary" and value.canary_percent is not None:
        yield Fault(
            key="canary_percent",
            value=value.canary_percent,
            problem=f"means nothing when traffic shifts {value.traffic_shift}",
            remedy='remove it, or set traffic_shift = "canary"',
        )
    if value.timeout_seconds <= value.wait_seconds + value.termination_wait_seconds:
        yield Fault(
            key="timeout_seconds",
            value=value.timeout_seconds,
            problem="leaves no time beside wait_seconds and termination_wait_seconds",
            remedy="raise it, or wait less",
        )


def _serving(value: Serving) -> Iterator[Fault]:
    if value.minimum_instances > value.maximum_instances:
        yield Fault(
            key="minimum_instances",
            value=value.minimum_instances,
            problem=f"is more than maximum_instances ({value.maximum_instances})",
            remedy="lower it, or raise maximum_instances",
        )
    if value.instance_type.startswith(_BURSTABLE):
        yield Fault(
            key="instance_type",
            value=value.instance_type,
            problem="is burstable, which SageMaker does not scale automatically",
            remedy="use a type such as ml.m5.large",
        )
    if value.deployment.traffic_shift == "canary" and value.minimum_instances < 2:
        yield Fault(
            key="minimum_instances",
            value=value.minimum_instances,
            problem="is too few for a canary, which takes at most half of the instances",
            remedy='use at least 2, or traffic_shift = "all_at_once"',
        )
    yield from night_faults(value)


def _batch(value: Batch) -> Iterator[Fault]:
    yield from time_zone_faults(value.time_zone)


def _taken_names(noun: str, names: Sequence[str]) -> Iterator[Fault]:
    """A fault for each name that stands earlier in the file's list of ``{noun}s``."""
    for index, name in enumerate(names):
        if name in names[:index]:
            yield Fault(
                key=f"{noun}s[{index}].name",
                value=name,
                problem=f"is taken by another {noun}",
                remedy=f"give each {noun} a name of its own",
            )


def _model(value: Model) -> Iterator[Fault]:
    yield from _taken_names("candidate", [candidate.name for candidate in value.candidates])
    if len(value.candidates) > _MAX_CANDIDATES:
        yield Fault(
            key="candidates",
            value=len(value.candidates),
            problem="are too many for the steps of one pipeline",
            remedy=f"keep {_MAX_CANDIDATES}, or make a second model",
        )
    if value.serving.instance_type not in value.registration.realtime_instance_types:
        yield Fault(
            key="registration.realtime_instance_types",
            value=value.registration.realtime_instance_types,
            problem=f"lacks serving.instance_type ({value.serving.instance_type})",
            remedy="add it: a package may be deployed only on the types that it lists",
        )


def _ci(value: Settings) -> Iterator[Fault]:
    if value.ci.repository and value.images.source == "build":
        yield Fault(
            key="images.source",
            value=value.images.source,
            problem="would build each image once more, although CI builds it for all environments",
            remedy='set it to "uri", or leave ci.repository empty',
        )


def _settings(value: Settings) -> Iterator[Fault]:
    yield from _ci(value)
    yield from _taken_names("model", [model.name for model in value.models])


def _production_storage(value: Storage) -> Iterator[Fault]:
    if value.removable:
        yield Fault(
            key="removable",
            value=True,
            problem="would delete production's data with its stack",
            remedy="set it to false",
        )


def _production_environment(value: Environment) -> Iterator[Fault]:
    yield from _environment(value)
    if not value.termination_protection:
        yield Fault(
            key="termination_protection",
            value=False,
            problem="leaves production's stacks unprotected",
            remedy="set it to true",
        )


def _production_serving(value: Serving) -> Iterator[Fault]:
    yield from _serving(value)
    if value.minimum_instances < 2:
        yield Fault(
            key="minimum_instances",
            value=value.minimum_instances,
            problem="leaves production with a single instance",
            remedy="use at least 2 (AWS Security Hub control SageMaker.4)",
        )
    yield from production_night_faults(value)


def is_production(environment: str) -> bool:
    """``prod``, or one of several in other regions or accounts, as ``prod-eu``."""
    return environment.partition("-")[0] == "prod"


def checks_for(environment: str) -> Mapping[type, Check]:
    """What to ask about each object of an environment's file; production is asked more."""
    checks: dict[type, Check] = {
        Environment: _environment,
        Network: network_faults,
        ImportedNetwork: imported_faults,
        CreatedNetwork: created_faults,
        Alerts: alerts_faults,
        Data: data_faults,
        Tuning: lambda value: [
            *metric_faults(value),
            *racing_faults(value),
            *convergence_faults(value),
            *tuning_faults(value),
        ],
        CrossValidation: cross_validation_faults,
        Jobs: jobs_faults,
        Range: range_faults,
        Candidate: candidate_faults,
        Deployment: _deployment,
        Serving: _serving,
        OffHours: off_hours_faults,
        Batch: _batch,
        Model: lambda value: [*_model(value), *search_faults(value)],
        Settings: lambda value: [*_settings(value), *sharing_faults(value, environment)],
    }
    if is_production(environment):
        checks[Environment] = _production_environment
        checks[Storage] = _production_storage
        checks[Alerts] = production_alerts_faults
        checks[Serving] = _production_serving
    return checks
