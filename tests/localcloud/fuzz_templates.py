"""Requests that the local cloud accepts: where the fuzz begins, so that it comes far."""

from typing import Any

from tests.unit.local.jobs_support import ROLE, channel, training_request

IMAGE = "000000000000.dkr.ecr.us-east-1.amazonaws.com/tiny:v1"
PIPELINE: dict[str, Any] = {
    "Version": "2020-12-01",
    "Parameters": [{"Name": "Reason", "Type": "String", "DefaultValue": "because"}],
    "Steps": [
        {
            "Name": "Stop",
            "Type": "Fail",
            "Arguments": {"ErrorMessage": {"Get": "Parameters.Reason"}},
        }
    ],
}

_DATA = "s3://artifacts/data/"
_METRICS = [{"Name": "score", "Regex": "score=([0-9.]+)"}]
_CLUSTER = {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1}
_TRAINING: dict[str, Any] = {
    **training_request(IMAGE),
    "InputDataConfig": [channel("train", _DATA)],
    "HyperParameters": {"depth": "3"},
}
_DEFINITION = {
    "StaticHyperParameters": {"rounds": "5"},
    "HyperParameterRanges": {
        "IntegerParameterRanges": [{"Name": "depth", "MinValue": "1", "MaxValue": "5"}]
    },
    "AlgorithmSpecification": {
        "TrainingImage": IMAGE,
        "TrainingInputMode": "File",
        "MetricDefinitions": _METRICS,
    },
    **{k: _TRAINING[k] for k in ("RoleArn", "OutputDataConfig", "ResourceConfig")},
    "StoppingCondition": {"MaxRuntimeInSeconds": 60},
}
_S3_INPUT = {"S3Uri": _DATA, "LocalPath": "/opt/ml/processing/input/raw", "S3DataType": "S3Prefix"}
_S3_OUTPUT = {
    "S3Uri": "s3://artifacts/out/",
    "LocalPath": "/opt/ml/processing/output/out",
    "S3UploadMode": "EndOfJob",
}

TEMPLATES: dict[str, dict[str, Any]] = {
    "CreateTrainingJob": _TRAINING,
    "CreateHyperParameterTuningJob": {
        "HyperParameterTuningJobName": "tuning",
        "HyperParameterTuningJobConfig": {
            "Strategy": "Random",
            "HyperParameterTuningJobObjective": {"Type": "Maximize", "MetricName": "score"},
            "ResourceLimits": {"MaxNumberOfTrainingJobs": 2, "MaxParallelTrainingJobs": 1},
        },
        "TrainingJobDefinition": _DEFINITION,
    },
    "CreateProcessingJob": {
        "ProcessingJobName": "processing",
        "AppSpecification": {"ImageUri": IMAGE, "ContainerArguments": ["process"]},
        "RoleArn": ROLE,
        "ProcessingResources": {"ClusterConfig": _CLUSTER},
        "ProcessingInputs": [{"InputName": "raw", "S3Input": {**_S3_INPUT, "S3InputMode": "File"}}],
        "ProcessingOutputConfig": {"Outputs": [{"OutputName": "out", "S3Output": _S3_OUTPUT}]},
    },
    "CreateTransformJob": {
        "TransformJobName": "transform",
        "ModelName": "one",
        "TransformInput": {
            "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": _DATA}},
            "ContentType": "text/csv",
            "SplitType": "Line",
        },
        "TransformOutput": {
            "S3OutputPath": "s3://artifacts/scored/",
            "AssembleWith": "Line",
            "Accept": "text/csv",
        },
        "DataProcessing": {"JoinSource": "Input", "InputFilter": "$[0]"},
        "TransformResources": {"InstanceCount": 1, "InstanceType": "ml.m5.large"},
    },
    "CreateModel": {
        "ModelName": "two",
        "PrimaryContainer": {"Image": IMAGE},
        "ExecutionRoleArn": ROLE,
    },
    "CreateEndpointConfig": {
        "EndpointConfigName": "two",
        "ProductionVariants": [
            {"VariantName": "main", "ModelName": "one", "InstanceType": "ml.m5.large"}
        ],
    },
    "CreateEndpoint": {"EndpointName": "one", "EndpointConfigName": "one"},
    "UpdateEndpoint": {"EndpointName": "one", "EndpointConfigName": "one"},
    "StartPipelineExecution": {"PipelineName": "one", "ClientRequestToken": "s" * 32},
    "DescribeModelPackage": {"ModelPackageName": "one/1"},
}
