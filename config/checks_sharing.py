"""What sharing and importing ask of the rest of an environment's own file: of its plain values."""

from collections.abc import Iterator

from config.errors import Fault
from config.plain import Values, table, tables, text

_BY_URI = 'set it to "uri": CI pushes one image, under one tag, to both environments'


def sharing_faults(values: Values, environment: str) -> Iterator[Fault]:
    own = (environment, text(table(values, "environment"), "account"))
    readers = list(tables(table(values, "sharing"), "readers"))
    upstreams = [(i, table(m, "upstream")) for i, m in tables(values, "models") if "upstream" in m]
    earlier = set()
    for index, reader in readers:
        named = _named(reader)
        if named == own:
            yield _itself(f"sharing.readers[{index}].environment", environment)
        if named in earlier:
            yield Fault(
                key=f"sharing.readers[{index}].environment",
                value=named[0],
                problem="is there already",
                remedy="name each reader once",
            )
        earlier.add(named)
    for index, upstream in upstreams:
        if _named(upstream) == own:
            yield _itself(f"models[{index}].upstream.environment", environment)
    source = text(table(values, "images"), "source")
    if (readers or upstreams) and source == "build":
        yield Fault(
            key="images.source",
            value=source,
            problem="makes images that no other environment can name",
            remedy=_BY_URI,
        )


def _named(side: Values) -> tuple[str, str]:
    return text(side, "environment"), text(side, "account")


def _itself(key: str, environment: str) -> Fault:
    return Fault(
        key=key,
        value=environment,
        problem="is this environment itself",
        remedy="name another one, or remove the table",
    )
