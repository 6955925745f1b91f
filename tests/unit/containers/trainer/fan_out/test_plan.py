"""What a trial that fans out is told."""

import pytest

from warmfold_contract.errors import UserError
from warmfold_trainer.fan_out.plan import Patience, Plan, read_patience, read_plan

GIVEN = {
    "warmfold_fold_role_arn": "arn:aws:iam::123456789012:role/folds",
    "warmfold_fold_keep_alive_seconds": "600",
    "warmfold_fold_wave": "5",
    "warmfold_fold_own": "1",
}


def test_a_plan_is_read_from_hyperparameters() -> None:
    assert read_plan(GIVEN) == Plan(
        role_arn=GIVEN["warmfold_fold_role_arn"], keep_alive_seconds=600, wave=5, own=True
    )


@pytest.mark.parametrize(
    "name, value, fault",
    [
        ("warmfold_fold_wave", "0", "use an integer from 1 to 100"),
        ("warmfold_fold_wave", "101", "use an integer from 1 to 100"),
        ("warmfold_fold_keep_alive_seconds", "3601", "use an integer from 0 to 3600"),
        ("warmfold_fold_own", "true", "use an integer from 0 to 1"),
        ("warmfold_fold_role_arn", "folds", "use the ARN of an IAM role"),
    ],
)
def test_a_wrong_value_is_named(name: str, value: str, fault: str) -> None:
    with pytest.raises(UserError, match=rf"{name} is '{value}': {fault}"):
        read_plan({**GIVEN, name: value})


@pytest.mark.parametrize("name", list(GIVEN))
def test_a_missing_value_is_named(name: str) -> None:
    with pytest.raises(UserError, match=f"the hyperparameter {name} is not set"):
        read_plan({key: value for key, value in GIVEN.items() if key != name})


def test_patience_has_defaults_and_is_changed_by_variables() -> None:
    assert read_patience({}) == Patience()
    assert read_patience({"WARMFOLD_FOLD_POLL_SECONDS": "2.5"}) == Patience(poll_seconds=2.5)
    with pytest.raises(UserError, match="WARMFOLD_FOLD_QUOTA_SECONDS is '0': use a number above 0"):
        read_patience({"WARMFOLD_FOLD_QUOTA_SECONDS": "0"})
