"""What an account may cost in a month before somebody is told."""

from collections.abc import Sequence

from aws_cdk import aws_budgets as budgets
from constructs import Construct

# Of the amount: spent so far, and what AWS expects by the month's end.
_SPENT_PERCENT = 80
_FORECAST_PERCENT = 100


class MonthlyBudget(Construct):
    """A budget of the whole account: AWS Budgets writes to the addresses, ten at most."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        name: str,
        amount_usd: int,
        email_addresses: Sequence[str],
    ) -> None:
        super().__init__(scope, id)
        subscribers = [
            budgets.CfnBudget.SubscriberProperty(subscription_type="EMAIL", address=address)
            for address in email_addresses
        ]
        budgets.CfnBudget(
            self,
            "Budget",
            budget=budgets.CfnBudget.BudgetDataProperty(
                budget_name=name,
                budget_type="COST",
                time_unit="MONTHLY",
                budget_limit=budgets.CfnBudget.SpendProperty(amount=amount_usd, unit="USD"),
            ),
            notifications_with_subscribers=[
                _notification("ACTUAL", _SPENT_PERCENT, subscribers),
                _notification("FORECASTED", _FORECAST_PERCENT, subscribers),
            ],
        )


def _notification(
    kind: str, percent: int, subscribers: Sequence[budgets.CfnBudget.SubscriberProperty]
) -> budgets.CfnBudget.NotificationWithSubscribersProperty:
    return budgets.CfnBudget.NotificationWithSubscribersProperty(
        notification=budgets.CfnBudget.NotificationProperty(
            notification_type=kind,
            comparison_operator="GREATER_THAN",
            threshold=percent,
            threshold_type="PERCENTAGE",
        ),
        subscribers=subscribers,
    )
