"""Lambda steps, conditions, retries and caching."""

from tests.unit.pipeline.mutations.change import Mutation, broken, drop, get, many, put, repeat

STEPS: tuple[Mutation, ...] = (
    broken(
        "function name for an ARN",
        "SelectBestTrial",
        put("FunctionArn", "best-job"),
        "FunctionArn",
        "'best-job'",
    ),
    broken("no function", "SelectBestTrial", drop("FunctionArn"), "FunctionArn"),
    broken(
        "wrong output type",
        "SelectBestTrial",
        put("OutputParameters.0.OutputType", "Text"),
        "'Text'",
        "String",
    ),
    broken(
        "too many Lambda outputs",
        "SelectBestTrial",
        put(
            "OutputParameters",
            [
                {"OutputName": "selection_uri", "OutputType": "String"},
                *({"OutputName": f"o{index}", "OutputType": "String"} for index in range(50)),
            ],
        ),
        "51 outputs",
        "50",
    ),
    broken(
        "unknown condition",
        "CheckScore",
        put("Arguments.Conditions.0.Type", "GreaterOrEqual"),
        "'GreaterOrEqual'",
        "GreaterThanOrEqualTo",
    ),
    broken(
        "condition without operand",
        "CheckScore",
        drop("Arguments.Conditions.0.RightValue"),
        "RightValue",
        "missing",
    ),
    broken(
        "number compared with text",
        "CheckScore",
        many(
            put("Arguments.Conditions.0.LeftValue", 1),
            put("Arguments.Conditions.0.RightValue", get("Parameters.GitCommit")),
        ),
        "number and a string",
    ),
    broken(
        "no conditions", "CheckScore", put("Arguments.Conditions", []), "at least one condition"
    ),
    broken(
        "retries of a Lambda",
        "SelectBestTrial",
        put("RetryPolicies", [{"ExceptionType": ["Step.THROTTLING"], "MaxAttempts": 3}]),
        "RetryPolicies",
        "no member of a Lambda step",
    ),
    broken(
        "unknown exception",
        "TrainFinalModel",
        put("RetryPolicies.0.ExceptionType", ["Step.TIMEOUT"]),
        "'Step.TIMEOUT'",
    ),
    broken(
        "job error of a model step",
        "CreateModel",
        put("RetryPolicies.0.ExceptionType", ["SageMaker.CAPACITY_ERROR"]),
        "CAPACITY_ERROR",
    ),
    broken(
        "internal error of a tuning step",
        "Tune-gbdt",
        put("RetryPolicies.0.ExceptionType", ["SageMaker.JOB_INTERNAL_ERROR"]),
        "RetryStrategy",
    ),
    broken(
        "too many attempts",
        "TrainFinalModel",
        put("RetryPolicies.0.MaxAttempts", 21),
        "MaxAttempts",
        "1 to 20",
    ),
    broken(
        "two limits of a retry",
        "TrainFinalModel",
        put("RetryPolicies.0.ExpireAfterMin", 5),
        "both MaxAttempts and ExpireAfterMin",
    ),
    broken(
        "cache without a duration",
        "TrainFinalModel",
        put("CacheConfig", {"Enabled": True, "ExpireAfter": "30 days"}),
        "ISO 8601",
    ),
    broken(
        "cache of a model step", "CreateModel", put("CacheConfig", {"Enabled": True}), "CacheConfig"
    ),
    broken(
        "policies that are no list", "CreateModel", put("RetryPolicies", {}), "list of policies"
    ),
    broken("policy that is no object", "CreateModel", put("RetryPolicies", ["x"]), "[0]: is 'x'"),
    broken("policy member", "CreateModel", put("RetryPolicies.0.Max", 3), "Max", "no member"),
    broken(
        "policy without exceptions",
        "CreateModel",
        put("RetryPolicies.0.ExceptionType", []),
        "Name the exceptions",
    ),
    broken(
        "cache that is no object",
        "TrainFinalModel",
        put("CacheConfig", True),
        "CacheConfig",
        "Enabled",
    ),
    broken(
        "property files that are no list",
        "EvaluateModel",
        put("PropertyFiles", {}),
        "PropertyFiles",
        "list",
    ),
    broken(
        "property file without a path",
        "EvaluateModel",
        drop("PropertyFiles.0.FilePath"),
        "FilePath",
    ),
    broken("property file twice", "EvaluateModel", repeat("PropertyFiles"), "declared twice"),
    broken(
        "outputs that are no list", "SelectBestTrial", put("OutputParameters", {}), "Give a list"
    ),
    broken("output named twice", "SelectBestTrial", repeat("OutputParameters"), "name of its own"),
    broken("branch that is no list", "CheckScore", put("Arguments.ElseSteps", {}), "list of steps"),
    broken(
        "unknown condition argument", "CheckScore", put("Arguments.Else", []), "Else", "ElseSteps"
    ),
)
