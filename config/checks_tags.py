"""What AWS takes as tags of a resource: the table ``[environment.tags]``."""

import unicodedata
from collections.abc import Iterator

from config.errors import Fault
from config.partial import Check
from config.settings import Environment

# CloudFormation and IAM allow 50 tags on a resource; some are the platform's.
_MAX_TAGS = 40
# SageMaker API reference, Tag: letters, numbers and spaces of any script (Unicode L, N, Z), these.
_MARKS = "_.:/=+-@"


def _names(value: Environment) -> Iterator[Fault]:
    earlier: dict[str, str] = {}
    for tag in value.tags:
        if tag.lower().startswith("aws:"):
            yield Fault(
                key=_key(tag),
                problem="starts with aws:, which AWS keeps for itself",
                remedy="choose another name",
            )
        if tag.lower() in earlier:
            yield Fault(
                key=_key(tag),
                problem=f"differs from {earlier[tag.lower()]!r} in capital letters only, which "
                "IAM does not tell apart",
                remedy="keep one of the two",
            )
        earlier[tag.lower()] = tag


def _texts(value: Environment) -> Iterator[Fault]:
    for tag, text in value.tags.items():
        problem, remedy = _problem(tag, text)
        if problem:
            yield Fault(key=_key(tag), value=text, problem=problem, remedy=remedy)


def _key(tag: str) -> str:
    """In quotes if nobody could see it otherwise."""
    return f"tags.{tag}" if tag and tag == tag.strip() else f'tags."{tag}"'


def _problem(tag: str, text: str) -> tuple[str, str]:
    if not tag:
        return "has no name", 'write one before the value, as "team" = "risk"'
    if len(tag) > 128 or len(text) > 256:
        return "is too long for a tag", "AWS allows 128 characters for a name and 256 for a value"
    if tag != tag.strip() or text != text.strip():
        return "has spaces around its name or value", "remove them"
    if not all(_allowed(character) for character in tag + text):
        return "has a character that no tag has", f"use letters, digits, spaces and {_MARKS}"
    return "", ""


def _allowed(character: str) -> bool:
    return character in _MARKS or unicodedata.category(character)[0] in "LNZ"


def _count(value: Environment) -> Iterator[Fault]:
    if len(value.tags) > _MAX_TAGS:
        yield Fault(
            key="tags", value=len(value.tags), problem="are too many", remedy=f"keep {_MAX_TAGS}"
        )


TAGS: tuple[Check, ...] = (_names, _texts, _count)
