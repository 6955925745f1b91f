"""A model's archive, unpacked, verified and loaded."""

from pathlib import Path

from warmfold_contract.algorithms import MODEL_FILES
from warmfold_contract.errors import UserError
from warmfold_contract.manifest import FILE_NAME as MANIFEST_FILE
from warmfold_contract.manifest import Manifest, read_artifact
from warmfold_trainer.algorithms.protocol import FinalModel
from warmfold_trainer.algorithms.registry import algorithm_named
from warmfold_trainer.archive import unpack_model


def load_artifact(archive: Path, scratch: Path) -> tuple[Manifest, FinalModel]:
    """Raises ``UserError`` for an archive that is not exactly what a final training wrote."""
    unpack_model(archive, scratch, {MANIFEST_FILE, *MODEL_FILES.values()})
    manifest = read_artifact(scratch)
    algorithm = algorithm_named(manifest.algorithm)
    absent = set(algorithm.model_files) - set(manifest.files)
    if absent:
        raise UserError(f"{MANIFEST_FILE} vouches for no {', '.join(sorted(absent))}")
    return manifest, algorithm.load(scratch)
