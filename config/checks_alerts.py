"""What the table ``[alerts]`` may not say."""

from collections.abc import Iterator

from config.errors import Fault
from config.partial import Check
from config.settings_alerts import Alerts

# AWS Budgets: addresses of one notification (CloudFormation, NotificationWithSubscribers).
_MAX_BUDGET_ADDRESSES = 10


def _budget(value: Alerts) -> Iterator[Fault]:
    if value.monthly_budget_usd > 0 and not value.email_addresses:
        yield Fault(
            key="monthly_budget_usd",
            value=value.monthly_budget_usd,
            problem="would be exceeded without a word: email_addresses is empty",
            remedy="add an address, or set it to 0 for no budget",
        )


def _budget_addresses(value: Alerts) -> Iterator[Fault]:
    if value.monthly_budget_usd > 0 and len(value.email_addresses) > _MAX_BUDGET_ADDRESSES:
        yield Fault(
            key="email_addresses",
            value=len(value.email_addresses),
            problem="are more than AWS Budgets writes to",
            remedy=f"keep {_MAX_BUDGET_ADDRESSES}, such as the address of a list",
        )


def _addresses(value: Alerts) -> Iterator[Fault]:
    for index, address in enumerate(value.email_addresses):
        if address in value.email_addresses[:index]:
            yield Fault(
                key=f"email_addresses[{index}]",
                value=address,
                problem="is there already",
                remedy="name each address once",
            )


def production_alerts_faults(value: Alerts) -> Iterator[Fault]:
    if not value.email_addresses:
        yield Fault(
            key="email_addresses",
            problem="is empty: nobody would be told of production's alarms",
            remedy="add the address of whoever looks after it",
        )


ALERTS: tuple[Check, ...] = (_budget, _budget_addresses, _addresses)
