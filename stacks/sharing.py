"""Who reads an environment's approved versions, and whose it imports: names of the other side.

All of them follow from the other environment's name and account, and the region that both share.
"""

from config.names import ModelNames, Names
from config.settings import Model, Settings
from config.settings_sharing import Upstream
from warmfold_constructs import package_import
from warmfold_constructs.shared_packages import Reader


def readers(settings: Settings, model: str) -> list[Reader]:
    """Roles that import ``model`` elsewhere."""
    sharing = settings.sharing
    found = () if sharing is None else sharing.readers
    return [
        Reader(account=each.account, role_name=names.import_role, bus_name=names.upstream_bus)
        for each in found
        for names in [Names(each.environment).model(model)]
    ]


def every_reader(settings: Settings) -> list[Reader]:
    return [reader for model in settings.models for reader in readers(settings, model.name)]


def imported_prefix(model: Model) -> str:
    """Below it are the artifacts and metrics of every import."""
    return f"{model.name}/imported/"


def upstream(settings: Settings, model: Model, given: Upstream) -> package_import.Upstream:
    other = Names(given.environment)
    names: ModelNames = other.model(model.name)
    return package_import.Upstream(
        environment=given.environment,
        account=given.account,
        model=model.name,
        model_package_group=names.model_package_group,
        bucket=other.bucket(given.account, settings.environment.region),
        repository=other.server_repository,
        forward_role_name=names.forward_role,
        inherits_approval=given.approval == "inherited",
    )


def destination(settings: Settings, model: Model, given: Upstream) -> package_import.Destination:
    own, environment = Names(settings.name), settings.environment
    names = own.model(model.name)
    return package_import.Destination(
        model_package_group=names.model_package_group,
        bucket=own.bucket(environment.account, environment.region),
        folder=f"{imported_prefix(model)}{given.environment}",
        repository=own.server_repository,
        role_name=names.import_role,
        bus_name=names.upstream_bus,
        realtime_instance_types=model.registration.realtime_instance_types,
        transform_instance_types=(model.jobs.transform.instance_type,),
    )
