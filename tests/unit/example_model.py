"""The example's model among those that an environment ships.

Tests ask about the platform, so that models added to the environments' files change nothing here.
"""

import dataclasses

from config.settings import Model, Settings

EXAMPLE = "german-credit"


def model_named(settings: Settings, name: str = EXAMPLE) -> Model:
    """The model of that name."""
    (found,) = [model for model in settings.models if model.name == name]
    return found


def with_the_example_only(settings: Settings) -> Settings:
    """The environment as it would be without other models."""
    return dataclasses.replace(settings, models=(model_named(settings),))
