"""Calling the project's features function, and telling its faults from the platform's."""

import difflib
import re
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from warmfold_contract.errors import UserError
from warmfold_contract.project import Columns, Project
from warmfold_contract.schema import DEFAULT_FEATURE_SET

# What LightGBM stores unchanged: it rewrites blanks and refuses JSON's special characters.
_NAME = re.compile(r"[A-Za-z0-9_.-]+")
_KINDS = "fiubOU"


def project_features(
    project: Project, columns: Columns, rows: int, feature_set: str = DEFAULT_FEATURE_SET
) -> Columns:
    """One feature set of the project for ``rows`` rows, checked.

    The raw columns are handed over read-only. Raises ``UserError`` if the function raises, or
    returns anything but one-dimensional arrays of ``rows`` values under plain names. Only the
    exception's type and place are reported: its text may hold a data value. A missing key is
    named where the source itself spells it.
    """
    function = f"the {_function(project, feature_set)} of project {project.name!r}"
    for values in columns.values():
        values.flags.writeable = False
    try:
        made = project.feature_functions[feature_set](columns)
    except Exception as error:
        raise UserError(
            f"{function} raised {type(error).__name__} at {_place(error)}{_key(error, columns)}"
        ) from error
    if not isinstance(made, Mapping) or not made:
        raise UserError(f"{function} must return a mapping of arrays, not {type(made).__name__}")
    for name, values in made.items():
        fault = _column_fault(name, values, rows)
        if fault is not None:
            raise UserError(f"{function} {fault}")
    return made


def _function(project: Project, feature_set: str) -> str:
    """What users call the function that makes a set; raises ``UserError`` for an unknown set."""
    if feature_set not in project.feature_functions:
        known = ", ".join(project.feature_functions)
        raise UserError(
            f"project {project.name!r} has no feature set {feature_set!r}; it has: {known}"
        )
    if feature_set == DEFAULT_FEATURE_SET:
        return "features function"
    return f"features function of set {feature_set!r}"


def _column_fault(name: object, values: object, rows: int) -> str | None:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        return f"returned a feature named {name!r}: use letters, digits, '_', '.' and '-'"
    if not isinstance(values, np.ndarray):
        return f"returned {type(values).__name__} for {name!r}: return a numpy array"
    return _array_fault(name, values, rows)


def _array_fault(name: str, values: NDArray[Any], rows: int) -> str | None:
    if values.shape != (rows,):
        return f"returned shape {values.shape} for {name!r}: expected ({rows},), a value per row"
    if values.dtype.kind not in _KINDS:
        return f"returned dtype {values.dtype} for {name!r}: use float64, or object for a category"
    return None


def _place(error: Exception) -> str:
    """File and line of the innermost frame, without the directory."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{Path(frame.filename).name} line {frame.lineno}, in {frame.name}"


def _key(error: Exception, columns: Columns) -> str:
    """The key that is missing, if the failing line subscripts with it literally: no data then."""
    key = error.args[0] if isinstance(error, KeyError) and error.args else None
    line = traceback.extract_tb(error.__traceback__)[-1].line or ""
    if not isinstance(key, str) or not any(f"[{q}{key}{q}]" in line for q in "\"'"):
        return ""
    close = difflib.get_close_matches(key, list(columns), n=1)
    return f": there is no {key!r}" + (f", did you mean {close[0]!r}?" if close else "")
