"""Expressions that are malformed or refer to nothing."""

from tests.unit.pipeline.mutations.change import TRIAL, Mutation, broken, drop, get, put

REFERENCES: tuple[Mutation, ...] = (
    broken(
        "unknown step",
        "EvaluateModel",
        put(
            "Arguments.ProcessingInputs.0.S3Input.S3Uri",
            get("Steps.TrainModel.ModelArtifacts.S3ModelArtifacts"),
        ),
        "no step TrainModel",
        "TrainFinalModel",
    ),
    broken(
        "wrong Get path",
        "CreateModel",
        put(
            "Arguments.PrimaryContainer.ModelDataUrl",
            get("Steps.TrainFinalModel.ModelArtifact.S3ModelArtifacts"),
        ),
        "no property",
        "ModelArtifacts",
    ),
    broken(
        "Get of no scalar",
        "CreateModel",
        put("Arguments.PrimaryContainer.ModelDataUrl", get("Steps.TrainFinalModel.ModelArtifacts")),
        "type structure",
    ),
    broken(
        "Get of a number where text belongs",
        "CreateModel",
        put(
            "Arguments.PrimaryContainer.Image",
            get("Steps.TrainFinalModel.ResourceConfig.VolumeSizeInGB"),
        ),
        "type integer",
        "string",
    ),
    broken(
        "malformed path",
        "CreateModel",
        put(
            "Arguments.PrimaryContainer.ModelDataUrl",
            get("Steps.TrainFinalModel.ModelArtifacts..S3ModelArtifacts"),
        ),
        "no property",
    ),
    broken(
        "unknown parameter",
        "BuildFeatures",
        put("Arguments.RoleArn", get("Parameters.ProcessingRole")),
        "no parameter ProcessingRole",
        "ProcessingRoleArn",
    ),
    broken(
        "unknown execution variable",
        "RegisterModel",
        put("Arguments.CustomerMetadataProperties.run", get("Execution.PipelineExecutionName")),
        "PipelineExecutionName",
        "PipelineExecutionId",
    ),
    broken(
        "unknown Lambda output",
        "TrainFinalModel",
        put(
            "Arguments.InputDataConfig.1.DataSource.S3DataSource.S3Uri",
            get("Steps.SelectBestTrial.OutputParameters['selection']"),
        ),
        "no output 'selection'",
        "selection_uri",
    ),
    broken(
        "Lambda output as property",
        "TrainFinalModel",
        put(
            "Arguments.InputDataConfig.1.DataSource.S3DataSource.S3Uri",
            get("Steps.SelectBestTrial.selection_uri"),
        ),
        "OutputParameters['<name>']",
    ),
    broken(
        "Lambda output of the wrong type",
        "TrainFinalModel",
        put(
            "Arguments.InputDataConfig.1.DataSource.S3DataSource.S3Uri",
            get("Steps.SelectBestTrial.OutputParameters['score']"),
        ),
        "type float",
        "string",
    ),
    broken(
        "unknown processing output",
        "EvaluateModel",
        put(
            "Arguments.ProcessingInputs.1.S3Input.S3Uri",
            get("Steps.BuildFeatures.ProcessingOutputConfig.Outputs['test'].S3Output.S3Uri"),
        ),
        "no output 'test'",
        "holdout",
    ),
    broken(
        "map as an expression",
        "TrainFinalModel",
        put(
            "Arguments.HyperParameters", get("Steps.Tune-gbdt.BestTrainingJob.TunedHyperParameters")
        ),
        "HyperParameters",
        "a map belongs",
    ),
    broken(
        "not a reference",
        "BuildFeatures",
        put("Arguments.RoleArn", get("ProcessingRole")),
        "not a reference",
    ),
    broken(
        "join without values",
        "Tune-gbdt",
        put(f"{TRIAL}.OutputDataConfig.S3OutputPath", {"Std:Join": {"On": "/"}}),
        "Std:Join",
    ),
    broken(
        "join that is no S3 address",
        "Tune-gbdt",
        put(
            f"{TRIAL}.OutputDataConfig.S3OutputPath",
            {"Std:Join": {"On": "/", "Values": [get("Parameters.BucketName"), "tuning"]}},
        ),
        "S3OutputPath",
        "warmfold-dev-artifacts/tuning",
    ),
    broken(
        "reference inside a join",
        "Tune-gbdt",
        put(
            f"{TRIAL}.OutputDataConfig.S3OutputPath",
            {"Std:Join": {"On": "/", "Values": ["s3:/", get("Parameters.Bucket")]}},
        ),
        "no parameter Bucket",
    ),
    broken(
        "undeclared property file",
        "CheckScore",
        drop("PropertyFiles"),
        "no property file Evaluation",
        at="EvaluateModel",
    ),
    broken(
        "property file of no output",
        "EvaluateModel",
        put("PropertyFiles.0.OutputName", "report"),
        "no output 'report'",
        "evaluation",
    ),
    broken(
        "property file of another step",
        "CheckScore",
        put(
            "Arguments.Conditions.0.LeftValue",
            {
                "Std:JsonGet": {
                    "PropertyFile": get("Steps.TrainFinalModel.PropertyFiles.Evaluation"),
                    "Path": "score",
                }
            },
        ),
        "no processing step TrainFinalModel",
    ),
    broken(
        "property file without path",
        "CheckScore",
        put(
            "Arguments.Conditions.0.LeftValue",
            {"Std:JsonGet": {"PropertyFile": get("Steps.EvaluateModel.PropertyFiles.Evaluation")}},
        ),
        "Std:JsonGet.Path",
    ),
    broken(
        "property file that is no reference",
        "CheckScore",
        put(
            "Arguments.Conditions.0.LeftValue",
            {"Std:JsonGet": {"PropertyFile": "Evaluation", "Path": "score"}},
        ),
        "PropertyFiles.<name>",
    ),
    broken(
        "member of a parameter",
        "BuildFeatures",
        put("Arguments.RoleArn", get("Parameters.ProcessingRoleArn.Name")),
        "has no members",
    ),
)
