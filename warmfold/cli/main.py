"""The command line: parse, run one command, and turn what happened into an exit code.

0: it worked. 1: something that was started did not end well. 2: a mistake of the user's, found
before anything was started. 130 and 143: ended by Ctrl-C and by SIGTERM. 141: whoever read the
output has closed it, as ``head`` does.
"""

import argparse
import os
import select
import signal
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import NoReturn, TextIO

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    NoCredentialsError,
    PartialCredentialsError,
    TokenRetrievalError,
)

from config.errors import ConfigError, UnknownEnvironmentError
from config.names import LOCAL
from warmfold.cli import model_commands, operator_commands
from warmfold.cli.parser import make_parser
from warmfold.errors import RunFailedError, WarmfoldError
from warmfold_local.launcher import LocalCloudError

OK, FAILED, MISTAKE = 0, 1, 2
INTERRUPTED, TERMINATED = 128 + signal.SIGINT, 128 + signal.SIGTERM
NOT_READ = 128 + signal.SIGPIPE

# What the services answer for a name that is nobody's; SageMaker's older operations have no code
# of their own for it, only these words.
_NOT_FOUND = {"ResourceNotFound", "ResourceNotFoundException", "NoSuchKey", "NoSuchBucket"}
_INVALID = {"ValidationException", "ValidationError"}
_NOT_FOUND_WORDS = ("Could not find", "not found", "does not exist")

_ONLY_FOLLOWING = (
    model_commands.run,
    model_commands.approve,
    operator_commands.pin,
    operator_commands.rollback,
)

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
        _require_folder(options.state_dir)
        options.command(options)
        sys.stdout.flush()  # here, where a reader that has gone is no traceback
    except BrokenPipeError:
        return _own_fault(options) if _is_read(sys.stdout) else NOT_READ
    except RunFailedError as error:
        return _say(error, FAILED)
    except (WarmfoldError, ConfigError, LocalCloudError) as error:
        return _mistake(error)
    except _CREDENTIALS as error:
        return _say(f"{error}; set the usual AWS variables or a profile", MISTAKE)
    except KeyboardInterrupt:
        return _say(f"stopped by Ctrl-C; {_left(options)}", INTERRUPTED)
    except Terminated:
        return _say(f"stopped by SIGTERM; {_left(options)}", TERMINATED)
    except ClientError as error:
        return _refused(error, options)
    except BotoCoreError as error:
        return _not_reached(error, options)
    except Exception:  # noqa: BLE001 - printed in full by `_own_fault`
        return _own_fault(options)
    return OK


def _require_folder(state_dir: Path) -> None:
    """Raises ``WarmfoldError`` if the state folder, or one above it, is a file."""
    there = next(path for path in (state_dir, *state_dir.absolute().parents) if path.exists())
    if not there.is_dir():
        raise WarmfoldError(
            f"state folder {state_dir}: {there} is a file, not a folder: name another one by "
            "--state-dir"
        )


def _left(options: argparse.Namespace) -> str:
    """What the end of the command leaves: a run or a deployment is the platform's, not its own."""
    if options.command in _ONLY_FOLLOWING:
        return "what it has started on the platform goes on there"
    return "everything that was started is stopped"


def _mistake(error: Exception) -> int:
    if isinstance(error, UnknownEnvironmentError):
        return _say(f"{error}, for example `--env {error.example}`", MISTAKE)
    return _say(error, MISTAKE)


def _refused(error: ClientError, options: argparse.Namespace) -> int:
    """A refusal of AWS's is nobody's fault here; one of the local cloud's is our own, unless a
    command that works on what the user names has named what is not there."""
    environment = getattr(options, "env", None)
    if environment not in (None, LOCAL):
        return _say(f"AWS refused: {error}", FAILED)
    if environment is None or not _is_not_found(error):
        return _own_fault(options)
    log = options.state_dir / "server.log"
    return _say(f"the local cloud refused: {error}\n  its log: {log}", FAILED)


def _not_reached(error: BotoCoreError, options: argparse.Namespace) -> int:
    """On AWS it is the user's network, profile or settings; the local cloud is always there."""
    environment = getattr(options, "env", None)
    if environment in (None, LOCAL):
        return _own_fault(options)
    return _say(f"no answer from AWS: {error}", FAILED)


def _is_not_found(error: ClientError) -> bool:
    code, message = error.response["Error"]["Code"], error.response["Error"]["Message"]
    if code in _NOT_FOUND:
        return True
    return code in _INVALID and any(words in message for words in _NOT_FOUND_WORDS)


def _is_read(stream: TextIO) -> bool:
    """False if its reader has gone; what it still holds is then dropped, also at exit."""
    poll = select.poll()
    poll.register(stream, 0)  # errors and hang-ups are told unasked
    if not poll.poll(0):
        return True
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    return False


def _own_fault(options: argparse.Namespace) -> int:
    """Called while the exception is handled: nothing of it is swallowed."""
    traceback.print_exc()
    log = options.state_dir / "server.log"
    return _say(f"this is a fault of warmfold's own; the local cloud's log is {log}", FAILED)


def _say(message: object, code: int) -> int:
    print("\n".join([f"warmfold: {message}", *getattr(message, "__notes__", ())]), file=sys.stderr)
    return code


def _terminate(_signal: int, _frame: FrameType | None) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # a second one must not stop the stopping
    raise Terminated
