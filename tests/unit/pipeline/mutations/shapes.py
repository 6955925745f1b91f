"""Members that are missing, unknown, of the wrong type, or outside AWS's limits."""

from tests.unit.pipeline.mutations.change import (
    CLUSTER,
    CONFIG,
    OUTPUTS,
    TRIAL,
    Mutation,
    broken,
    drop,
    put,
)

SHAPES: tuple[Mutation, ...] = (
    broken(
        "wrong enum",
        "Tune-gbdt",
        put(f"{CONFIG}.Strategy", "Bayes"),
        "HyperParameterTuningJobConfig.Strategy",
        "'Bayes'",
        "Bayesian",
    ),
    broken(
        "bad instance type",
        "TrainFinalModel",
        put("Arguments.ResourceConfig.InstanceType", "ml.m5.larg"),
        "InstanceType",
        "ml.m5.larg",
        "ml.m5.large",
    ),
    broken(
        "bad processing instance type",
        "BuildFeatures",
        put(f"{CLUSTER}.InstanceType", "ml.m5.tiny"),
        "InstanceType",
        "ml.m5.tiny",
    ),
    broken(
        "bad transform instance type",
        "TransformHoldout",
        put("Arguments.TransformResources.InstanceType", "m5.large"),
        "InstanceType",
        "ml.m5.large",
    ),
    broken(
        "missing required member",
        "TrainFinalModel",
        drop("Arguments.RoleArn"),
        "Arguments.RoleArn",
        "missing",
    ),
    broken(
        "missing output path",
        "Tune-gbdt",
        drop(f"{TRIAL}.OutputDataConfig.S3OutputPath"),
        "S3OutputPath",
        "missing",
    ),
    broken(
        "no member",
        "TrainFinalModel",
        put("Arguments.HyperParameter", {}),
        "HyperParameter",
        "no member",
    ),
    broken(
        "number where text belongs",
        "TrainFinalModel",
        put("Arguments.HyperParameters.warmfold_seed", 7),
        "warmfold_seed",
        "type string",
    ),
    broken(
        "text where a number belongs",
        "BuildFeatures",
        put(f"{CLUSTER}.InstanceCount", "1"),
        "InstanceCount",
        "type integer",
    ),
    broken(
        "value above maximum",
        "BuildFeatures",
        put(f"{CLUSTER}.VolumeSizeInGB", 20000),
        "VolumeSizeInGB",
        "20000",
        "16384",
    ),
    broken(
        "value below minimum",
        "Tune-gbdt",
        put(f"{CONFIG}.ResourceLimits.MaxNumberOfTrainingJobs", 0),
        "MaxNumberOfTrainingJobs",
        "greater than or equal to 1",
    ),
    broken(
        "run time above maximum",
        "EvaluateModel",
        put("Arguments.StoppingCondition.MaxRuntimeInSeconds", 800000),
        "MaxRuntimeInSeconds",
        "777600",
    ),
    broken(
        "pattern broken",
        "CreateModel",
        put("Arguments.ExecutionRoleArn", "warmfold-model"),
        "ExecutionRoleArn",
        "'warmfold-model'",
    ),
    broken(
        "too long job name",
        "Tune-gbdt",
        put("Arguments.HyperParameterTuningJobName", "t" * 33),
        "HyperParameterTuningJobName",
        "32",
    ),
    broken(
        "too many environment variables",
        "Tune-gbdt",
        put(f"{TRIAL}.Environment", {f"NAME_{index}": "1" for index in range(49)}),
        "Environment",
        "48",
    ),
    broken(
        "too many processing outputs",
        "EvaluateModel",
        put(
            OUTPUTS,
            [
                {
                    "OutputName": f"o{index}",
                    "S3Output": {
                        "S3Uri": "s3://bucket/x",
                        "LocalPath": f"/opt/ml/processing/o{index}",
                        "S3UploadMode": "EndOfJob",
                    },
                }
                for index in range(11)
            ],
        ),
        "Outputs",
        "10",
    ),
    broken(
        "output is no S3 address",
        "EvaluateModel",
        put(f"{OUTPUTS}.0.S3Output.S3Uri", "/data/evaluation"),
        "S3Uri",
        "'/data/evaluation'",
    ),
)
