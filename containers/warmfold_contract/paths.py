"""The folders of the SageMaker container contract, under a base that can be moved.

SageMaker mounts everything below ``/opt/ml``. On a laptop the same tree lives in a scratch
folder named by ``SAGEMAKER_BASE_DIR``, the variable that AWS's own training toolkit reads.

Sources: "How Amazon SageMaker AI runs your training image", "Build your own processing
container" and "Custom inference code with hosting services" in the SageMaker developer guide.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

BASE_DIR_VARIABLE = "SAGEMAKER_BASE_DIR"
DEFAULT_BASE_DIR = "/opt/ml"

# Channel names of training jobs; each becomes input/data/<channel>.
TRAIN_CHANNEL = "train"
SELECTION_CHANNEL = "selection"
# The output of the job that the selected trial ran in: its out-of-fold scores.
TRIAL_CHANNEL = "trial"

# Names of processing inputs and outputs; each becomes processing/<input|output>/<name>.
RAW_INPUT = "raw"
MODEL_INPUT = "model"
HOLDOUT_INPUT = "holdout"
CHAMPION_INPUT = "champion"
HOLDOUT_ROWS_INPUT = "holdout_rows"
TRAIN_OUTPUT = "train"
HOLDOUT_OUTPUT = "holdout"
TRANSFORM_OUTPUT = "transform"
EVALUATION_OUTPUT = "evaluation"

EVALUATION_FILE = "evaluation.json"
# The hold-out's raw rows without their target, as the server takes them.
HOLDOUT_ROWS_FILE = "holdout.jsonl"


@dataclass(frozen=True)
class Paths:
    """Every path of the contract that our containers touch."""

    base: Path

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> "Paths":
        """Paths under ``SAGEMAKER_BASE_DIR``, by default ``/opt/ml``."""
        values = os.environ if environment is None else environment
        return cls(Path(values.get(BASE_DIR_VARIABLE) or DEFAULT_BASE_DIR))

    @property
    def hyperparameters(self) -> Path:
        """A flat JSON object whose values are all strings."""
        return self.base / "input" / "config" / "hyperparameters.json"

    @property
    def resource_config(self) -> Path:
        return self.base / "input" / "config" / "resourceconfig.json"

    def channel(self, name: str) -> Path:
        """Read-only input data of one training channel."""
        return self.base / "input" / "data" / name

    @property
    def model(self) -> Path:
        """What a training job leaves here becomes ``model.tar.gz``; a server finds it here."""
        return self.base / "model"

    @property
    def output_data(self) -> Path:
        """What a training job leaves here becomes ``output.tar.gz``."""
        return self.base / "output" / "data"

    @property
    def checkpoints(self) -> Path:
        """SageMaker copies what is written here to S3 and back before a restarted job."""
        return self.base / "checkpoints"

    @property
    def failure(self) -> Path:
        """Its first 1,024 characters become a failed training job's ``FailureReason``."""
        return self.base / "output" / "failure"

    @property
    def exit_message(self) -> Path:
        """Its first 1,024 bytes become a processing job's ``ExitMessage``; must be UTF-8."""
        return self.base / "output" / "message"

    def processing_input(self, name: str) -> Path:
        return self.base / "processing" / "input" / name

    def processing_output(self, name: str) -> Path:
        return self.base / "processing" / "output" / name


# ``CheckpointConfig.LocalPath`` of a search, as it stands in the pipeline definition.
CHECKPOINT_PATH = f"{DEFAULT_BASE_DIR}/checkpoints"


def processing_input_path(name: str) -> str:
    """``LocalPath`` of a processing input, as it stands in the pipeline definition."""
    return f"{DEFAULT_BASE_DIR}/processing/input/{name}"


def processing_output_path(name: str) -> str:
    """``LocalPath`` of a processing output, as it stands in the pipeline definition."""
    return f"{DEFAULT_BASE_DIR}/processing/output/{name}"
