"""``plan``: which engine and strategy suit a model's data, and what each would take."""

import argparse
from pathlib import Path

from config.load import CHOICES, ENVIRONMENTS, REPOSITORY, load_undecided_settings
from config.settings import Model
from warmfold.demo.preflight import data_faults, default_data
from warmfold.errors import WarmfoldError
from warmfold.plan.data_size import DataSize, size_of
from warmfold.plan.options import plan_of, recommended
from warmfold.plan.text import as_text
from warmfold.plan.write import require_undecided, write_choices
from warmfold_local.modelled.parameters import ParameterError


def plan(options: argparse.Namespace) -> None:
    """Raises ``WarmfoldError`` for data of unknown size, or a machine of unknown size or price,
    and before anything is printed if ``--write`` would find no ``auto``.
    """
    models = load_undecided_settings(options.env).models
    model = next((m for m in models if options.model in (None, m.name)), None)
    if model is None:
        names = ", ".join(m.name for m in models)
        raise WarmfoldError(f"environment {options.env} has no model {options.model}: use {names}")
    path = ENVIRONMENTS / f"{options.env}.toml"
    if options.write:
        require_undecided(path, model.name)
    try:
        others = [other for other in models if other is not model]
        found = plan_of(model, _size(model, options), others)
        print(as_text(found))
        option, _ = recommended(found)
    except ParameterError as error:
        raise WarmfoldError(f"model {model.name}: {error}") from error
    if options.write:
        chosen = dict(zip(CHOICES, (option.engine, option.strategy), strict=True))
        written = write_choices(path, model.name, chosen)
        print(f"\n{path}: {', '.join(written)}")


def _size(model: Model, options: argparse.Namespace) -> DataSize:
    if (options.rows is None) != (options.columns is None):
        raise WarmfoldError("give both --rows and --columns, or a file by --data")
    if options.rows is not None:
        if options.rows < 1 or options.columns < 1:
            raise WarmfoldError("--rows and --columns must be 1 or more")
        return DataSize(rows=options.rows, columns=options.columns, source="as given")
    data: Path = options.data or default_data(REPOSITORY / model.project)
    faults = list(data_faults(data, "CSV file"))
    if faults:
        raise WarmfoldError(faults[0])
    return size_of(data)
