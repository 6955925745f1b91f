"""The demo builds exactly the images that the deployed stacks name."""

from pathlib import Path

from config.load import REPOSITORY, load_settings
from warmfold.demo.deploy import image_specs


def test_trainer_and_server_of_each_model_get_their_own_content_tag() -> None:
    settings = load_settings("local")
    specs = image_specs(REPOSITORY, settings)
    assert [spec.repository for spec in specs] == [
        "warmfold-local-trainer",
        "warmfold-local-server",
    ] * len(settings.models)
    assert len({spec.tag for spec in specs}) == len(specs)
    assert all(spec.project_dir == REPOSITORY / Path(settings.models[0].project) for spec in specs)
