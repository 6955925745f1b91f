"""Settings that are each allowed, and that a library cannot train this table with together."""

from collections.abc import Iterator
from contextlib import contextmanager

from warmfold_contract.errors import UserError
from warmfold_contract.settings import Settings


@contextmanager
def settings_named(library: str, error: type[Exception], settings: Settings) -> Iterator[None]:
    """Raises ``UserError`` with the settings for the library's own ``error``: a trial of a search
    fails by it, and the search goes on."""
    try:
        yield
    except error as refused:
        given = ", ".join(f"{name} = {value}" for name, value in sorted(settings.items()))
        said = str(refused).strip().partition("\n")[0]
        raise UserError(
            f"{library} cannot train on these rows with {given} ({said}): leave this corner out of "
            "the hyperparameters' ranges, most often by larger minima for what a leaf or a sample "
            "must hold"
        ) from refused
