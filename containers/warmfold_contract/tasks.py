"""What a model predicts: the probability of the positive label, or a number."""

from typing import Literal, get_args

Task = Literal["classification", "regression"]

CLASSIFICATION: Task = "classification"
REGRESSION: Task = "regression"
TASKS: tuple[Task, ...] = get_args(Task)
