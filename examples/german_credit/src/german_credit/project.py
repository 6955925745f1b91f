"""What the platform has to know of this project."""

from german_credit.features import features
from warmfold_contract.project import Project
from warmfold_contract.schema import Column

PROJECT = Project(
    name="german-credit",
    columns=(
        Column("status_of_existing_checking_account", "category"),
        Column("duration_in_month", "number"),
        Column("credit_history", "category"),
        Column("purpose", "category"),
        Column("credit_amount", "number"),
        Column("savings_account_and_bonds", "category"),
        Column("present_employment_since", "category"),
        Column("installment_rate_in_percentage_of_disposable_income", "number"),
        Column("personal_status_and_sex", "category"),
        Column("other_debtors_or_guarantors", "category"),
        Column("present_residence_since", "number"),
        Column("property", "category"),
        Column("age_in_years", "number"),
        Column("other_installment_plans", "category"),
        Column("housing", "category"),
        Column("number_of_existing_credits_at_this_bank", "number"),
        Column("job", "category"),
        Column("number_of_people_being_liable_to_provide_maintenance_for", "number"),
        Column("telephone", "category"),
        Column("foreign_worker", "category"),
    ),
    target="creditability",
    positive_label="bad",
    negative_label="good",
    features=features,
    description="Probability that a credit applicant will turn out a bad risk.",
    intended_use=(
        "A demonstration of the platform on public data. Not for decisions about people: the data "
        "is half a century old and from one region."
    ),
    limits=(
        "Sex, marital status and being a foreign worker are not model inputs.",
        "Other features may stand in for them: compare the groups' scores before any real use.",
        "Age is a model input. Where the law restricts its use, remove it in features.py.",
        "Bad credits are over-represented in the data: scores are higher than in a portfolio.",
    ),
)
