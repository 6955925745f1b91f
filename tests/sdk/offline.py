"""``python -m tests.sdk.offline FILE``: write the SDK's definitions to a file, without network.

A program of its own: the SDK makes AWS clients when it is imported, so both the refusal of the
network and the environment must be there before.
"""

import importlib
import json
import sys
from pathlib import Path


def _refuse_network(event: str, arguments: tuple[object, ...]) -> None:
    if event in ("socket.connect", "socket.getaddrinfo"):
        raise ConnectionRefusedError(f"rendering must not use the network: {event} {arguments!r}")


def main() -> None:
    sys.addaudithook(_refuse_network)
    render = importlib.import_module("tests.sdk.render")
    names = ("training", "searching", "scoring")
    definitions = {name: getattr(render, name)() for name in names}
    Path(sys.argv[1]).write_text(json.dumps(definitions), encoding="utf-8")


if __name__ == "__main__":
    main()
