"""The container contract's folders."""

from pathlib import Path

from warmfold_contract.paths import (
    Paths,
    processing_input_path,
    processing_output_path,
)


def test_the_folders_are_sagemakers_own_by_default() -> None:
    paths = Paths.from_environment({})
    assert paths.hyperparameters == Path("/opt/ml/input/config/hyperparameters.json")
    assert paths.channel("train") == Path("/opt/ml/input/data/train")
    assert paths.model == Path("/opt/ml/model")
    assert paths.output_data == Path("/opt/ml/output/data")
    assert paths.failure == Path("/opt/ml/output/failure")
    assert paths.exit_message == Path("/opt/ml/output/message")


def test_all_folders_move_with_the_base(tmp_path: Path) -> None:
    base = tmp_path / "with spaces"
    paths = Paths.from_environment({"SAGEMAKER_BASE_DIR": str(base)})
    for path in (paths.model, paths.failure, paths.channel("x"), paths.processing_input("raw")):
        assert path.is_relative_to(base)


def test_the_definitions_processing_paths_are_those_the_container_uses() -> None:
    paths = Paths.from_environment({})
    assert processing_input_path("raw") == str(paths.processing_input("raw"))
    assert processing_output_path("train") == str(paths.processing_output("train"))
