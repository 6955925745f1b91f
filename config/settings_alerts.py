"""The table ``[alerts]`` of an environment's file."""

from dataclasses import dataclass
from typing import Annotated

from config.rules import Between, Matches

EmailAddress = Annotated[
    str,
    Matches(
        r"[\w.!#$%&'*+/=?^`{|}~-]+@[\w-]+(\.[\w-]+)+", "an e-mail address such as team@example.com"
    ),
]


@dataclass(frozen=True, kw_only=True)
class Alerts:
    """Who is told of alarms and failures; nobody, if there is no address.

    ``monthly_budget_usd`` is for the whole account, of all its environments; 0: no budget.
    """

    email_addresses: tuple[EmailAddress, ...]
    monthly_budget_usd: Annotated[int, Between(0, 100_000_000)]
