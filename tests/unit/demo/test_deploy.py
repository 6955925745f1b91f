"""The demo builds exactly the images that the deployed stacks name."""

import re
from pathlib import Path

from config.load import REPOSITORY, load_settings
from tests.unit.example_model import model_named
from warmfold.demo.deploy import image_specs


def test_trainer_and_server_of_each_model_get_their_own_content_tag() -> None:
    settings = load_settings("local")
    specs = image_specs(REPOSITORY, settings)
    assert [spec.repository for spec in specs] == [
        "warmfold-local-trainer",
        "warmfold-local-server",
    ] * len(settings.models)
    assert len({spec.tag for spec in specs}) == len(specs)
    for spec in specs:
        model = model_named(settings, re.sub("-[0-9a-f]{16}$", "", spec.tag))
        assert spec.project_dir == REPOSITORY / Path(model.project)
