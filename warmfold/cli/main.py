"""The command line: parse, run one command, and turn what happened into an exit code.

0: it worked. 1: something that was started did not end well. 2: a mistake of the user's, found
before anything was started. 130 and 143: ended by Ctrl-C and by SIGTERM.
"""

import argparse
import signal
import sys
import traceback
from collections.abc import Sequence
from types import FrameType
from typing import NoReturn

from botocore.exceptions import (
    ClientError,
    NoCredentialsError,
    PartialCredentialsError,
    TokenRetrievalError,
)

from config.errors import ConfigError
from warmfold.cli.parser import make_parser
from warmfold.errors import RunFailedError, WarmfoldError
from warmfold.runs.aws import LOCAL
from warmfold_local.launcher import LocalCloudError

OK, FAILED, MISTAKE = 0, 1, 2
INTERRUPTED, TERMINATED = 128 + signal.SIGINT, 128 + signal.SIGTERM

_CREDENTIALS = (NoCredentialsError, PartialCredentialsError, TokenRetrievalError)


class Terminated(BaseException):
    """SIGTERM: unwinds like Ctrl-C, so that everything that was started is stopped."""


def main() -> NoReturn:
    """Entry point of ``warmfold`` and ``python -m warmfold.cli``."""
    signal.signal(signal.SIGTERM, _terminate)
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run one command; its exit code. Raises ``SystemExit`` for a faulty command line."""
    options = make_parser().parse_args(arguments)
    try:
        options.command(options)
    except RunFailedError as error:
        return _say(error, FAILED)
    except (WarmfoldError, ConfigError, LocalCloudError) as error:
        return _say(error, MISTAKE)
    except _CREDENTIALS as error:
        return _say(f"{error}; set the usual AWS variables or a profile", MISTAKE)
    except KeyboardInterrupt:
        return _say("stopped by Ctrl-C; everything that was started is stopped", INTERRUPTED)
    except Terminated:
        return _say("stopped by SIGTERM; everything that was started is stopped", TERMINATED)
    except ClientError as error:
        if getattr(options, "env", LOCAL) == LOCAL:
            return _own_fault(options)
        return _say(f"AWS refused: {error}", FAILED)
    except Exception:  # noqa: BLE001 - printed in full by `_own_fault`
        return _own_fault(options)
    return OK


def _own_fault(options: argparse.Namespace) -> int:
    """Called while the exception is handled: nothing of it is swallowed."""
    traceback.print_exc()
    log = options.state_dir / "server.log"
    return _say(f"this is a fault of warmfold's own; the local cloud's log is {log}", FAILED)


def _say(message: object, code: int) -> int:
    print(f"warmfold: {message}", file=sys.stderr)
    return code


def _terminate(_signal: int, _frame: FrameType | None) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # a second one must not stop the stopping
    raise Terminated
