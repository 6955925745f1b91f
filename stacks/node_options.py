"""Options for the Node.js in which the CDK works: set before the CDK is imported."""

import json
from pathlib import Path

# A synth is over before V8's background threads, which compile and optimize, have paid for
# themselves: on two cores they mostly take time from the synth itself.
_NO_BACKGROUND_THREADS = "--v8-pool-size=0"
# What NODE_OPTIONS itself does not accept.
V8_FLAGS = Path(__file__).with_name("v8_flags.cjs")


def node_options(given: str) -> str:
    """``NODE_OPTIONS`` for a synth; ``given`` is its value so far, and wins."""
    # JSON's quotes and escapes are the ones that Node.js reads in NODE_OPTIONS.
    required = f"--require {json.dumps(str(V8_FLAGS), ensure_ascii=False)}"
    return f"{_NO_BACKGROUND_THREADS} {required} {given}".rstrip()
