"""What sharing and importing ask of the rest of an environment's file."""

from collections.abc import Iterator

from config.errors import Fault
from config.settings import Settings

_BY_URI = 'set it to "uri": CI pushes one image, under one tag, to both environments'


def sharing_faults(value: Settings, environment: str) -> Iterator[Fault]:
    own = (value.environment.account, environment)
    readers = () if value.sharing is None else value.sharing.readers
    named = [(reader.account, reader.environment) for reader in readers]
    for index, reader in enumerate(named):
        if reader == own:
            yield _itself(f"sharing.readers[{index}].environment", environment)
        if reader in named[:index]:
            yield Fault(
                key=f"sharing.readers[{index}].environment",
                value=reader[1],
                problem="is there already",
                remedy="name each reader once",
            )
    upstreams = {i: m.upstream for i, m in enumerate(value.models) if m.upstream is not None}
    for index, upstream in upstreams.items():
        if (upstream.account, upstream.environment) == own:
            yield _itself(f"models[{index}].upstream.environment", environment)
    if (readers or upstreams) and value.images.source != "uri":
        yield Fault(
            key="images.source",
            value=value.images.source,
            problem="makes images that no other environment can name",
            remedy=_BY_URI,
        )


def _itself(key: str, environment: str) -> Fault:
    return Fault(
        key=key,
        value=environment,
        problem="is this environment itself",
        remedy="name another one, or remove the table",
    )
