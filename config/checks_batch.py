"""What may filter the records of a daily batch: the JSONPath of a transform's ``DataProcessing``.

The records are JSON objects, one a line. Of the paths that SageMaker knows (developer guide,
"Associate Prediction Results with Input Records") those with ``*``, indexes and slices are for
lists, and are refused here.
"""

import re
from collections.abc import Iterator

from config.errors import Fault
from config.settings import Batch

# API reference, DataProcessing.
_MAX_CHARACTERS = 63
_PREDICTION = "SageMakerOutput"
_NAME = r"'[^'\"\\\[\]]+'"
_STEP = rf"\.[A-Za-z_]\w*|\[{_NAME}\]"
# Several names make an object of them, so that they come last.
_SEVERAL = rf"\[{_NAME}(?:,\s*{_NAME})+\]"
_PATH = re.compile(rf"\$(?:{_STEP})*(?:{_SEVERAL})?", re.ASCII)
_HOW = (
    '"$" for the whole record, "$.a" for what its key a holds, or "$[\'a\',\'b\']" for an object '
    "of these two keys"
)


def filter_faults(value: Batch) -> Iterator[Fault]:
    yield from _path("input_filter", value.input_filter)
    yield from _path("output_filter", value.output_filter)
    yield from _prediction(value.output_filter)


def _path(key: str, path: str) -> Iterator[Fault]:
    if len(path) > _MAX_CHARACTERS:
        problem = f"has {len(path)} characters"
        remedy = f"SageMaker takes {_MAX_CHARACTERS}: name fewer keys"
        yield Fault(key=key, value=path, problem=problem, remedy=remedy)
    elif not _PATH.fullmatch(path):
        yield Fault(
            key=key,
            value=path,
            problem="is no JSONPath for a JSON object",
            remedy=f"write {_HOW}",
        )


def _prediction(path: str) -> Iterator[Fault]:
    """Asked about paths that are well formed: their first step says what is left of a record."""
    if not _PATH.fullmatch(path) or path == "$":
        return
    if _PREDICTION not in _first_names(path):
        yield Fault(
            key="output_filter",
            value=path,
            problem="leaves no prediction in the output",
            remedy=f"keep {_PREDICTION}, as \"$['id','{_PREDICTION}']\" does",
        )


def _first_names(path: str) -> list[str]:
    """What the first step names: all of a record that is left."""
    if path.startswith("$."):
        return re.findall(r"\w+", path, re.ASCII)[:1]
    return re.findall(r"'([^']+)'", path.partition("]")[0])
