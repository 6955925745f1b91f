"""``python -m config NAME``: what is wrong with one environment's file; `make synth` asks first."""

import sys

from config.errors import ConfigError, UnknownEnvironmentError
from config.load import load_settings


def main() -> None:
    """Ends with exit code 1 and every fault; silent if there is none."""
    if len(sys.argv) != 2:
        sys.exit("usage: python -m config NAME, the name of an environment's file without .toml")
    try:
        load_settings(sys.argv[1])
    except UnknownEnvironmentError as error:
        sys.exit(f"warmfold: {error}, for example `make synth ENV={error.example}`")
    except ConfigError as error:
        sys.exit(f"warmfold: {error}")


if __name__ == "__main__":
    main()
