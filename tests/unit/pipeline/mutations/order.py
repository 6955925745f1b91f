"""Steps that cannot be put into an order."""

from tests.unit.pipeline.mutations.change import Mutation, broken, get, put

ORDER: tuple[Mutation, ...] = (
    broken(
        "cycle of references",
        "BuildFeatures",
        put(
            "Arguments.ProcessingInputs.0.S3Input.S3Uri",
            get("Steps.TrainFinalModel.ModelArtifacts.S3ModelArtifacts"),
        ),
        "wait for each other",
        "TrainFinalModel",
    ),
    broken(
        "cycle of dependencies",
        "BuildFeatures",
        put("DependsOn", ["EvaluateModel"]),
        "wait for each other",
    ),
    broken(
        "a step that waits for itself",
        "TrainFinalModel",
        put("DependsOn", ["TrainFinalModel"]),
        "wait for each other",
    ),
    broken(
        "depends on an unknown step",
        "TrainFinalModel",
        put("DependsOn", ["Tune"]),
        "DependsOn[0]",
        "no step Tune",
    ),
    broken(
        "waits for a step in a branch",
        "EvaluateModel",
        put("DependsOn", ["CreateModel"]),
        "IfSteps of CheckScore",
    ),
    broken(
        "waits for the other branch",
        "RegisterRejectedModel",
        put("DependsOn", ["CreateModel"]),
        "IfSteps of CheckScore",
    ),
    broken(
        "dependencies that are no list",
        "TrainFinalModel",
        put("DependsOn", "SelectBestTrial"),
        "list of step names",
    ),
    broken(
        "dependency on an outcome that is none",
        "TrainFinalModel",
        put("DependsOn", [{"Step": "SelectBestTrial", "Trigger": "Later"}]),
        "DependsOn",
    ),
)
