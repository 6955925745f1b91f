"""docs/operations.md says what the registry says."""

from pathlib import Path

from warmfold_local.operations import page
from warmfold_local.sagemaker.protocol import SAGEMAKER, registered
from warmfold_shapes.constraints import service_model

PAGE = Path(__file__).parents[3] / "docs" / "operations.md"
REWRITE = "rewrite it: python -m warmfold_local.operations docs/operations.md"


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), REWRITE


def test_every_operation_of_sagemaker_stands_in_the_page_once() -> None:
    text = page()
    supported, missing = text.split("## SageMaker: not supported")
    for name in service_model(SAGEMAKER).operation_names:
        assert (f"`{name}`" in supported) != (f"`{name}`" in missing), name
        assert (f"`{name}`" in supported) == (name in registered(SAGEMAKER)), name
