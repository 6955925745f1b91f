"""From raw values to the numbers a model is given: one code path for trainer and server.

``typed_columns`` reads raw values, the project's function makes features of them, and ``encode``
turns those into the matrix that the schema describes. numpy only: the server imports it too.
"""

from warmfold_features.cells import date_text
from warmfold_features.columns import Cells, Missing, typed_column, typed_columns
from warmfold_features.encoding import encode, infer_features
from warmfold_features.project_code import project_features

__all__ = [
    "Cells",
    "Missing",
    "date_text",
    "encode",
    "infer_features",
    "project_features",
    "typed_column",
    "typed_columns",
]
