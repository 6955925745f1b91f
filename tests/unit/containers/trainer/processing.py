"""What a processing job reads and leaves."""

from tests.unit.containers.trainer.jobs import DATA
from warmfold_contract.paths import Paths
from warmfold_trainer.feature_set import FeatureSet, read_feature_set

LINES = DATA.read_text(encoding="utf-8").splitlines(keepends=True)


def read(paths: Paths) -> tuple[FeatureSet, FeatureSet]:
    return (
        read_feature_set(paths.processing_output("train"), with_folds=True),
        read_feature_set(paths.processing_output("holdout"), with_folds=False),
    )


def outputs(paths: Paths) -> dict[str, bytes]:
    folder = paths.base / "processing" / "output"
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}
