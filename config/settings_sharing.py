"""The settings of versions that pass from one environment to another, often of another account.

See ``config.settings``. Names of the other side follow from ``config.names``, so that nothing is
looked up; both sides are of one region.
"""

from dataclasses import dataclass
from typing import Annotated, Literal

from config.rules import Between, Matches, NotEmpty

Account = Annotated[str, Matches(r"\d{12}", "the 12 digits of an AWS account, in quotes")]
EnvironmentName = Annotated[
    str, Matches(r"[a-z](-?[a-z0-9])*", "the name of the other environment's file, without .toml")
]


@dataclass(frozen=True, kw_only=True)
class Reader:
    """An environment that may import this one's versions."""

    environment: EnvironmentName
    account: Account


@dataclass(frozen=True, kw_only=True)
class Sharing:
    """Who may read what is approved here: packages, artifacts, metrics, images' digests."""

    readers: Annotated[tuple[Reader, ...], NotEmpty()]


@dataclass(frozen=True, kw_only=True)
class Upstream:
    """The environment whose approved versions of the same model are imported.

    ``approval``: an imported version waits for an approval of its own (manual), or has and loses
    the upstream's (inherited). Every ``poll_minutes`` lost events are made up for.
    """

    environment: EnvironmentName
    account: Account
    approval: Literal["manual", "inherited"]
    poll_minutes: Annotated[int, Between(5, 1440)]
