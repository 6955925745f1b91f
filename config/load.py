"""The one reader of the environment files."""

import codecs
import dataclasses
import re
import tomllib
from pathlib import Path

from config.checks import checks_for
from config.checks_environments import File, environments_faults
from config.checks_names import name_faults
from config.checks_project import project_faults
from config.checks_sharing import sharing_faults
from config.decode import Decoder
from config.errors import InvalidSettingsError, UnknownEnvironmentError, UnreadableFileError
from config.rules import ChosenByPlan
from config.settings import Settings

# Characters of a line that is not TOML: enough to find it by.
_SHOWN = 80
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)

REPOSITORY = Path(__file__).resolve().parents[1]
ENVIRONMENTS = REPOSITORY / "config" / "environments"

# What `warmfold plan` may choose: section and key of a model -> what holds until it has.
CHOICES = {("tuning", "engine"): "amt", ("cross_validation", "strategy"): "in_job"}


def environments(folder: Path = ENVIRONMENTS) -> tuple[str, ...]:
    """The names of all environments, sorted."""
    files = (path for path in folder.glob("[!.]*.toml") if path.is_file())
    return tuple(sorted(path.stem for path in files))


def load_settings(environment: str, folder: Path = ENVIRONMENTS) -> Settings:
    """The settings of one environment.

    Raises:
        UnknownEnvironmentError: there is no file of that name.
        UnreadableFileError: the file is not UTF-8 or not TOML.
        InvalidSettingsError: it has faults; all of them are in the message.
    """
    path = _path(environment, folder)
    return _settings(read_values(path), environment, path)


def load_undecided_settings(environment: str, folder: Path = ENVIRONMENTS) -> Settings:
    """The settings with the default in place of each ``auto``, for whoever is to decide.

    Raises like ``load_settings``.
    """
    path = _path(environment, folder)
    values = read_values(path)
    models = values.get("models")
    for model in models if isinstance(models, list) else []:
        for (section, key), default in CHOICES.items():
            table = model.get(section) if isinstance(model, dict) else None
            if isinstance(table, dict) and table.get(key) == ChosenByPlan.word:
                table[key] = default
    return _settings(values, environment, path)


def _path(environment: str, folder: Path) -> Path:
    if environment not in environments(folder):
        raise UnknownEnvironmentError(environment, environments(folder), folder)
    return folder / f"{environment}.toml"


def read_values(path: Path) -> dict[str, object]:
    """A file's plain values, not yet checked; a byte order mark is dropped.

    Raises ``UnreadableFileError``.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise UnreadableFileError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        coding = " but UTF-16" if path.read_bytes().startswith(_UTF_16) else ""
        remedy = "save it as UTF-8 text"
        raise UnreadableFileError(f"{path} is not UTF-8{coding}: {remedy}") from error
    if "\0" in text:
        raise UnreadableFileError(
            f"{path} holds NUL characters, as UTF-16 text does: save it as UTF-8 text"
        )
    try:
        return tomllib.loads(text)
    except ValueError as error:  # also of a number with thousands of digits
        raise UnreadableFileError(f"{path} is not TOML: {error}{_line(text, error)}") from error


def _line(text: str, error: ValueError) -> str:
    """What stands in the line that the parser names, if it names one."""
    found = re.search(r"at line (\d+)", str(error))
    lines = text.splitlines()
    if found is None or int(found[1]) > len(lines):
        return ""
    return f", in `{lines[int(found[1]) - 1].strip()[:_SHOWN]}`"


def _others(path: Path) -> dict[str, File]:
    """The other environments of a file's folder. One that cannot be read is its own loader's."""
    found = {}
    for name in environments(path.parent):
        if name != path.stem:
            found[name] = File(name=name, values=_values_if_readable(path.with_stem(name)))
    return found


def _values_if_readable(path: Path) -> dict[str, object] | None:
    try:
        return read_values(path)
    except UnreadableFileError:
        return None


def _settings(values: dict[str, object], environment: str, path: Path) -> Settings:
    decoder = Decoder(checks_for(environment))
    settings: Settings = decoder.decode(Settings, values, "")
    told = {fault.key for fault in decoder.faults}
    others = environments_faults(File(name=environment, values=values), _others(path))
    faults = [
        *decoder.faults,
        *name_faults(values, environment),
        *project_faults(values, REPOSITORY),
        *sharing_faults(values, environment),
        *(fault for fault in others if fault.key not in told),
    ]
    if faults:
        raise InvalidSettingsError(path, faults)
    return dataclasses.replace(settings, name=environment)
