"""Raw application columns to model features, row by row.

Numbers are float64 with NaN for missing, categories object arrays of ``str`` or ``None``.
Trees find cut-offs by themselves: no banding, scaling or one-hot columns are needed.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

NUMBERS = (
    "duration_in_month",
    "credit_amount",
    "installment_rate_in_percentage_of_disposable_income",
    "present_residence_since",
    "age_in_years",
    "number_of_existing_credits_at_this_bank",
    "number_of_people_being_liable_to_provide_maintenance_for",
)

CATEGORIES = (
    "status_of_existing_checking_account",
    "credit_history",
    "purpose",
    "other_debtors_or_guarantors",
    "property",
    "other_installment_plans",
    "housing",
    "telephone",
)

# Protected attributes. They stay in the raw data, so that groups can be compared, but a decision
# about credit must not rest on them (in the US: Equal Credit Opportunity Act, 15 U.S.C. 1691).
NOT_USED = ("personal_status_and_sex", "foreign_worker")

# Texts with an order, as its position. What is not listed (unknown) is missing.
ORDERED: Mapping[str, Mapping[str, float]] = {
    "savings_account_and_bonds": {
        "... < 100 DM": 1,
        "100 <= ... < 500 DM": 2,
        "500 <= ... < 1000 DM": 3,
        "... >= 1000 DM": 4,
    },
    "present_employment_since": {
        "unemployed": 0,
        "... < 1 year": 1,
        "1 <= ... < 4 years": 2,
        "4 <= ... < 7 years": 3,
        "... >= 7 years": 4,
    },
    # The two lowest texts differ only in whether the applicant is a resident: one level.
    "job": {
        "unemployed/ unskilled - non-resident": 1,
        "unskilled - resident": 1,
        "skilled employee / official": 2,
        "management/ self-employed/ highly qualified employee/ officer": 3,
    },
}


def features(columns: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """The model's inputs in their order."""
    return {
        **{name: columns[name] for name in NUMBERS},
        "credit_amount_per_month": amount_per_month(
            columns["credit_amount"], columns["duration_in_month"]
        ),
        **{f"{name}_level": levels(columns[name], order) for name, order in ORDERED.items()},
        **{name: columns[name] for name in CATEGORIES},
    }


def amount_per_month(
    amount: NDArray[np.float64], months: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Amount repaid a month, without interest; missing where the duration is not positive."""
    result = np.full(len(amount), np.nan)
    np.divide(amount, months, out=result, where=months > 0)
    return result


def levels(texts: NDArray[np.object_], order: Mapping[str, float]) -> NDArray[np.float64]:
    """Each text's position in ``order``; missing if it has none."""
    return np.array([order.get(text, np.nan) for text in texts], dtype=np.float64)
