"""The jobs of one trial's folds, on AWS; see ``trial.Jobs``."""

import tempfile
from collections.abc import Callable
from pathlib import Path

from warmfold_trainer.algorithms.protocol import Algorithm, FoldModel, Table
from warmfold_trainer.archive import ARCHIVE_NAME, unpack_model
from warmfold_trainer.fan_out.aws import Aws
from warmfold_trainer.fan_out.folds import JobSummary
from warmfold_trainer.fan_out.request import FoldRequests
from warmfold_trainer.fold_result import FoldIdentity, read_result, result_files


class FoldJobs:
    """``identity(fold)`` is what a fold's result must be of."""

    def __init__(
        self,
        aws: Aws,
        requests: FoldRequests,
        algorithm: Algorithm,
        table: Table,
        identity: Callable[[int], FoldIdentity],
    ) -> None:
        self._aws = aws
        self._requests = requests
        self._algorithm = algorithm
        self._table = table
        self._identity = identity

    def create(self, name: str, fold: int) -> None:
        self._aws.create(self._requests.request(name, fold))

    def list_page(
        self, name_contains: str, token: str | None
    ) -> tuple[list[JobSummary], str | None]:
        return self._aws.list_page(name_contains, token)

    def failure_reason(self, name: str) -> str:
        return str(self._aws.describe(name).get("FailureReason", "no reason is given"))

    def stop(self, name: str) -> None:
        self._aws.stop(name)

    def result(self, name: str, fold: int) -> FoldModel:
        """Raises ``CallError``, and ``UserError`` if the archive is not this fold's."""
        with tempfile.TemporaryDirectory() as scratch:
            archive, folder = Path(scratch) / ARCHIVE_NAME, Path(scratch) / "fold"
            folder.mkdir()
            self._aws.download(self._requests.artifact_uri(name), archive)
            unpack_model(archive, folder, result_files(self._algorithm))
            return read_result(folder, self._identity(fold), self._algorithm, self._table)
