"""A file's plain values, read before anything is known to be of the right type.

For what can be said whatever else is wrong with a file. What is not there, or of another type, is
empty here: the decoder tells of it.
"""

from collections.abc import Iterator, Mapping

Values = Mapping[str, object]


def table(values: Values, key: str) -> Values:
    found = values.get(key)
    return found if isinstance(found, dict) else {}


def tables(values: Values, key: str) -> Iterator[tuple[int, Values]]:
    """The tables of a list, each with its index."""
    found = values.get(key)
    for index, item in enumerate(found if isinstance(found, list) else []):
        if isinstance(item, dict):
            yield index, item


def text(values: Values, key: str) -> str:
    found = values.get(key)
    return found if isinstance(found, str) else ""
