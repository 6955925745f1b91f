"""What one value says about another: asked about every table, as far as its values are known.

Keys of the faults are relative to the checked object; the decoder puts the path before them.
"""

from collections.abc import Iterable, Iterator, Mapping

from config.checks_alerts import ALERTS, production_alerts_faults
from config.checks_batch import filter_faults
from config.checks_instances import (
    batch_type_faults,
    job_type_faults,
    registered_faults,
    registration_faults,
)
from config.checks_network import (
    boundary_faults,
    endpoints_faults,
    network_faults,
    region_faults,
    security_group_ids_faults,
    subnet_ids_faults,
    subnets_faults,
    vpc_faults,
    zones_faults,
)
from config.checks_search import (
    convergence_faults,
    cross_validation_faults,
    folds_faults,
    jobs_faults,
    live_folds_faults,
    metric_faults,
    order_faults,
    racing_faults,
    search_faults,
    spot_faults,
)
from config.checks_serving import (
    DEPLOYMENT,
    OFF_HOURS,
    SERVING,
    guardrail_faults,
    probes_faults,
    production_instances_faults,
    production_night_faults,
    time_zone_faults,
)
from config.checks_tags import TAGS
from config.checks_tuning import candidate_faults, range_faults, tuning_faults
from config.errors import Fault
from config.names import LOCAL
from config.partial import Check, every, known
from config.settings import (
    Batch,
    Candidate,
    CrossValidation,
    Data,
    Environment,
    Jobs,
    Model,
    Range,
    Registration,
    Settings,
    SpotCompute,
    Storage,
    Tuning,
)
from config.settings_alerts import Alerts
from config.settings_network import CreatedNetwork, ImportedNetwork, Network
from config.settings_serving import Deployment, OffHours, Serving

# A pipeline has 50 steps at most (SageMaker quotas): one each, and nine that are always there.
_MAX_CANDIDATES = 41


def _batch(value: Batch) -> Iterator[Fault]:
    yield from time_zone_faults(value.time_zone)


def _taken_names(noun: str, items: Iterable[object]) -> Iterator[Fault]:
    """A fault for each name that stands earlier in the file's list of ``{noun}s``."""
    earlier = set()
    for index, name in known(items, "name"):
        if name in earlier:
            yield Fault(
                key=f"{noun}s[{index}].name",
                value=name,
                problem=f"is taken by another {noun}",
                remedy=f"give each {noun} a name of its own",
            )
        earlier.add(name)


def _candidate_names(value: Model) -> Iterator[Fault]:
    yield from _taken_names("candidate", value.candidates)


def _candidate_count(value: Model) -> Iterator[Fault]:
    if len(value.candidates) > _MAX_CANDIDATES:
        yield Fault(
            key="candidates",
            value=len(value.candidates),
            problem="are too many for the steps of one pipeline",
            remedy=f"keep {_MAX_CANDIDATES}, or make a second model",
        )


def _probes(value: Model) -> Iterator[Fault]:
    return probes_faults(value.serving, value.delivery)


def _ci(value: Settings) -> Iterator[Fault]:
    if value.ci.repository and value.images.source == "build":
        yield Fault(
            key="images.source",
            value=value.images.source,
            problem="would build each image once more, although CI builds it for all environments",
            remedy='set it to "uri", or leave ci.repository empty',
        )


def _model_names(value: Settings) -> Iterator[Fault]:
    yield from _taken_names("model", value.models)


def _live_folds(value: Settings) -> Iterator[Fault]:
    yield from live_folds_faults(value.models)


def _production_storage(value: Storage) -> Iterator[Fault]:
    if value.removable:
        yield Fault(
            key="removable",
            value=True,
            problem="would delete production's data with its stack",
            remedy="set it to false",
        )


def _production_environment(value: Environment) -> Iterator[Fault]:
    if not value.termination_protection:
        yield Fault(
            key="termination_protection",
            value=False,
            problem="leaves production's stacks unprotected",
            remedy="set it to true",
        )


def is_production(environment: str) -> bool:
    """``prod``, or one of several in other regions or accounts, as ``prod-eu``."""
    return environment.partition("-")[0] == "prod"


def checks_for(environment: str) -> Mapping[type, Check]:
    """What to ask about each object of an environment's file; production is asked more."""
    checks: dict[type, Check] = {
        Environment: every(region_faults, boundary_faults, *TAGS),
        Network: network_faults,
        ImportedNetwork: every(subnet_ids_faults, security_group_ids_faults),
        CreatedNetwork: every(endpoints_faults, zones_faults, vpc_faults, subnets_faults),
        Alerts: every(*ALERTS),
        Data: every(folds_faults, order_faults),
        Tuning: every(metric_faults, racing_faults, convergence_faults, tuning_faults),
        CrossValidation: cross_validation_faults,
        Jobs: every(jobs_faults, job_type_faults),
        SpotCompute: spot_faults,
        Range: range_faults,
        Candidate: candidate_faults,
        Deployment: every(*DEPLOYMENT),
        # Nobody waits for real minutes on a laptop.
        Serving: every(*SERVING, *([] if environment == LOCAL else [guardrail_faults])),
        OffHours: every(*OFF_HOURS),
        Registration: registration_faults,
        Batch: every(_batch, filter_faults, batch_type_faults),
        Model: every(_candidate_names, _candidate_count, registered_faults, search_faults, _probes),
        Settings: every(_ci, _model_names, _live_folds),
    }
    if is_production(environment):
        for kind, check in _PRODUCTION.items():
            checks[kind] = every(*([checks[kind]] if kind in checks else []), check)
    return checks


_PRODUCTION: Mapping[type, Check] = {
    Environment: _production_environment,
    Storage: _production_storage,
    Alerts: production_alerts_faults,
    Serving: every(production_instances_faults, production_night_faults),
}
