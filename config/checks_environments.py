"""What the environments' files say about each other: asked about their plain values.

Only the file that is loaded is judged; the others are there to compare with.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from config.decode import close_match
from config.errors import Fault
from config.names import Names
from config.plain import Values, table, tables, text


@dataclass(frozen=True, kw_only=True)
class File:
    """An environment's file; ``values`` is ``None`` for one that cannot be read."""

    name: str
    values: Values | None

    @property
    def shown(self) -> str:
        return f"{self.name}.toml"

    @property
    def content(self) -> Values:
        return {} if self.values is None else self.values

    @property
    def account(self) -> str:
        return text(table(self.content, "environment"), "account")

    @property
    def region(self) -> str:
        return text(table(self.content, "environment"), "region")

    @property
    def model_names(self) -> list[str]:
        return [text(model, "name") for _, model in tables(self.content, "models")]


def environments_faults(own: File, others: Mapping[str, File]) -> Iterator[Fault]:
    """What is wrong with ``own`` beside the other files of its folder."""
    for index, reader in tables(table(own.content, "sharing"), "readers"):
        yield from _reader(f"sharing.readers[{index}]", reader, own, others)
    for index, model in tables(own.content, "models"):
        upstream = table(model, "upstream")
        if upstream:
            name = text(model, "name")
            yield from _upstream(f"models[{index}].upstream", upstream, name, own, others)
    for other in others.values():
        if own.account and other.account == own.account:
            yield from _same_account(own, other)


def _reader(key: str, reader: Values, own: File, others: Mapping[str, File]) -> Iterator[Fault]:
    other, faults = _other_side(key, reader, own, others)
    yield from faults
    if other is None or faults:
        return
    if not any(_names(table(m, "upstream"), own) for _, m in tables(other.content, "models")):
        yield Fault(
            key=f"{key}.environment",
            value=other.name,
            problem="would be let in, and imports no model from here",
            remedy=f"add [models.upstream] with environment = {own.name!r} and account = "
            f"{own.account!r} to {other.shown}, or remove the reader",
        )


def _upstream(
    key: str, upstream: Values, model: str, own: File, others: Mapping[str, File]
) -> Iterator[Fault]:
    other, faults = _other_side(key, upstream, own, others)
    yield from faults
    if other is None or faults:
        return
    if model and model not in other.model_names:
        hint = close_match(model, other.model_names)
        yield Fault(
            key=f"{key}.environment",
            value=other.name,
            problem=f"has no model {model!r}{hint}",
            remedy=f"give the model the same name here and in {other.shown}",
        )
    readers = tables(table(other.content, "sharing"), "readers")
    if not any(_names(reader, own) for _, reader in readers):
        entry = f'{{ environment = "{own.name}", account = "{own.account}" }}'
        yield Fault(
            key=f"{key}.environment",
            value=other.name,
            problem="does not let this environment read its versions",
            remedy=f"add {entry} to [sharing] readers in {other.shown}",
        )
    yield from _circle(key, model, own, others)


def _names(side: Values, file: File) -> bool:
    return (text(side, "environment"), text(side, "account")) == (file.name, file.account)


def _other_side(
    key: str, side: Values, own: File, others: Mapping[str, File]
) -> tuple[File | None, list[Fault]]:
    """The file that a reader or an upstream names, and in what it is not as it is named."""
    name, account = text(side, "environment"), text(side, "account")
    if not name or (name, account) == (own.name, own.account):
        return None, []  # told by the decoder, and by what this file says about itself
    other = own if name == own.name else others.get(name)
    if other is None:
        return None, [_no_file(key, name, others)]
    if other.values is None:
        remedy = f"mend {other.shown} first"
        problem = "has a file that cannot be read"
        return None, [Fault(key=f"{key}.environment", value=name, problem=problem, remedy=remedy)]
    return other, list(_place(key, other, account, own))


def _no_file(key: str, name: str, others: Mapping[str, File]) -> Fault:
    return Fault(
        key=f"{key}.environment",
        value=name,
        problem=f"has no file{close_match(name, others)}",
        remedy=f"use one of {', '.join(others) or 'none'}; both sides stand in one folder",
    )


def _place(key: str, other: File, account: str, own: File) -> Iterator[Fault]:
    if account and other.account and account != other.account:
        yield Fault(
            key=f"{key}.account",
            value=account,
            problem=f"is not the account of {other.shown}, {other.account}",
            remedy="write that one, or name another environment",
        )
    if own.region and other.region and own.region != other.region:
        yield Fault(
            key=f"{key}.environment",
            value=other.name,
            problem=f"is in {other.region}, and this environment in {own.region}",
            remedy="share within one region",
        )


def _circle(key: str, model: str, own: File, others: Mapping[str, File]) -> Iterator[Fault]:
    """An import that comes round to its own environment would import its own imports for ever."""
    way, at = [own.name], _upstream_of(own, model)
    while at in others and at not in way:
        way.append(at)
        at = _upstream_of(others[at], model)
    if at == own.name and len(way) > 1:
        yield Fault(
            key=f"{key}.environment",
            value=way[1],
            problem=f"imports the model from here in turn ({' from '.join([*way, own.name])})",
            remedy="remove one of these [models.upstream]",
        )


def _upstream_of(file: File, model: str) -> str:
    found = (m for _, m in tables(file.content, "models") if text(m, "name") == model)
    return text(table(next(found, {}), "upstream"), "environment")


def _same_account(own: File, other: File) -> Iterator[Fault]:
    """Names begin with the environment's, and policies, rules and keys know them by that."""
    short, long = sorted((own.name, other.name), key=len)
    if long.startswith(f"{short}-"):
        yield Fault(
            key="name",
            value=own.name,
            problem=f"is in one account ({own.account}) with {other.shown}: what is allowed for "
            f"{short} by prefix ({Names(short).prefix}-*) would be allowed for {long}, and a model "
            f"x of {long} is called as a model {long.removeprefix(f'{short}-')}-x of {short}",
            remedy=f"call a file otherwise ({short} must not begin {long}), or use two accounts",
        )
    if _makes_provider(own) and _makes_provider(other):
        yield Fault(
            key="ci.creates_oidc_provider",
            value=True,
            problem=f"is said by {other.shown} too, and an account ({own.account}) holds one",
            remedy="set it to false in one of the two files, whichever is deployed later",
        )


def _makes_provider(file: File) -> bool:
    ci = table(file.content, "ci")
    return bool(text(ci, "repository")) and ci.get("creates_oidc_provider") is True
