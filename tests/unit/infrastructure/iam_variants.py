"""Production with what it can have and the shipped configuration has not.

An import, fold jobs with their sweeper, off-hours and a shadow; and the search in one job.
"""

import dataclasses
from pathlib import Path
from typing import Any

from config.load import load_settings
from config.settings import Settings
from tests.unit.config.environment_file import set_at, write
from tests.unit.infrastructure.sharing import importing_content, sharing_content
from tests.unit.infrastructure.test_search_engines import searching

OFF_HOURS = {
    "start": "20:00",
    "end": "06:00",
    "time_zone": "Europe/London",
    "minimum_instances": 2,
}
SHADOW = {"instances": 1, "sampled_percent": 50}


def variants(folder: Path) -> dict[str, Settings]:
    """By the way to search; ``folder`` is for the environments' files."""
    content: dict[str, Any] = importing_content("inherited")
    place = ("models", 0, "serving")
    given = {"minimum_instances": 3, "off_hours": OFF_HOURS, "shadow": SHADOW}
    for member, value in given.items():
        content = set_at(content, (*place, member), value)
    write(folder, sharing_content(), "staging")
    loaded = load_settings("prod", write(folder, content, "prod"))
    return {way: _searching(loaded, way) for way in ("fan_out", "in_job")}


def _searching(settings: Settings, way: str) -> Settings:
    models = tuple(searching(model, way) for model in settings.models)
    return dataclasses.replace(settings, models=models)
