"""``python -m warmfold_server serve``: what SageMaker starts as ``docker run <image> serve``."""

import logging
import signal
import sys
import threading
from collections.abc import Sequence

from warmfold_contract.errors import UserError
from warmfold_contract.project import installed_wheel, load_project
from warmfold_contract.stopping import STOP_SIGNALS, stop_signals_left_to_main_thread
from warmfold_server.model import Model, load_model
from warmfold_server.server import Server
from warmfold_server.service import Service
from warmfold_server.settings import Settings

# SageMaker kills a container 30 s after SIGTERM.
DRAIN_SECONDS = 25.0

log = logging.getLogger("warmfold_server")


def main(arguments: Sequence[str]) -> int:
    """Exit code 0 after an orderly stop, 1 if the model is refused, 2 for wrong arguments."""
    logging.basicConfig(level=logging.INFO, stream=sys.stdout, format="%(levelname)s %(message)s")
    if list(arguments) != ["serve"]:
        log.error("usage: python -m warmfold_server serve")
        return 2
    stop = threading.Event()
    for number in STOP_SIGNALS:
        signal.signal(number, lambda *_: stop.set())
    try:
        return _serve(Settings.from_environment(), stop)
    except UserError as error:
        log.error("not serving: %s", error)  # noqa: TRY400  the message is all there is to know
        return 1


def _serve(settings: Settings, stop: threading.Event) -> int:
    """Load, then bind: until the model is verified, a health check finds nobody."""
    model = load_model(settings.model_folder, load_project(), installed_wheel())
    server = _bound(settings, model)
    with stop_signals_left_to_main_thread():
        server.start()
    log.info("serving %s on http://%s:%d", model.manifest.algorithm, settings.host, server.port)
    stop.wait()
    log.info("stopping: finishing the requests in flight")
    unanswered = server.drain(DRAIN_SECONDS)
    if unanswered:
        log.error("stopped with %d requests unanswered after %g s", unanswered, DRAIN_SECONDS)
    return 1 if unanswered else 0


def _bound(settings: Settings, model: Model) -> Server:
    service = Service(model, max_payload_mib=settings.max_payload_mib)
    try:
        return Server(settings.host, settings.port, service, max_body_bytes=settings.max_body_bytes)
    except OSError as error:
        raise UserError(
            f"cannot listen on {settings.host}:{settings.port}: {error.strerror}"
        ) from error


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
