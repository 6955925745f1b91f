"""Names, types and members of steps."""

from tests.unit.pipeline.mutations.change import Mutation, broken, drop, put

NAMES: tuple[Mutation, ...] = (
    broken(
        "two steps of one name",
        "EvaluateModel",
        put("Name", "EvaluateModel"),
        "2 steps are named",
        at="TrainFinalModel",
    ),
    broken("too long step name", "T" * 65, put("Name", "T" * 65), "1 to 64", at="TransformHoldout"),
    broken(
        "step name with a space",
        "Transform it",
        put("Name", "Transform it"),
        "letters, digits",
        at="TransformHoldout",
    ),
    broken("unknown step type", "TrainFinalModel", put("Type", "Train"), "'Train'", "Training"),
    broken(
        "unknown step member", "TrainFinalModel", put("RetryPolicy", []), "RetryPolicy", "no member"
    ),
    broken("arguments missing", "CreateModel", drop("Arguments"), "Arguments", "missing"),
)
