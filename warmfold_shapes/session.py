"""A botocore session that knows nothing of whoever runs it."""

import os

import botocore.session

# No profile and no configuration files, in botocore's form: (key in the file, variable, default,
# conversion). A profile that does not exist would stop even a client with its own credentials.
_NOBODYS_SETTINGS: dict[str, tuple[None, None, str | None, None]] = {
    "profile": (None, None, None, None),
    "config_file": (None, None, os.devnull, None),
    "credentials_file": (None, None, os.devnull, None),
}


def nobodys_session() -> botocore.session.Session:
    """Without the user's profile and files."""
    return botocore.session.Session(session_vars=_NOBODYS_SETTINGS)
