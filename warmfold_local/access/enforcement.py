"""Puts IAM in force in a server: its own operations, ministack's services, functions, stacks."""

from functools import partial

from warmfold_local.access.deliveries import install_deliveries
from warmfold_local.access.gate import Gate
from warmfold_local.access.stack_types import ALARM, check_alarm, check_function
from warmfold_local.cloud import Cloud
from warmfold_local.ministack_access import State, install
from warmfold_local.ministack_cloudformation import (
    authorise_custom_resources,
    authorise_types,
    complete_conditions,
    complete_resources,
    complete_rollbacks,
)
from warmfold_local.ministack_deletion import end_workers_of_deleted_functions, refuse_deletions


def enforce(cloud: Cloud) -> Gate:
    """Once in a process, after ministack was loaded."""
    gate = Gate(cloud, State(cloud.settings.account, cloud.settings.region))
    cloud.access = gate
    install(gate.enforce)
    install_deliveries(gate, cloud.settings.account)
    complete_conditions()
    complete_resources()
    complete_rollbacks()
    refuse_deletions()
    end_workers_of_deleted_functions()
    authorise_types({ALARM: partial(check_alarm, cloud)})
    authorise_custom_resources(partial(check_function, cloud))
    return gate
