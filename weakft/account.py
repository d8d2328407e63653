"""Who is at work here?"""

import getpass
import os


def user_name() -> str:
    """The name of the account; of one without a name, as in containers, its number."""
    try:
        return getpass.getuser()
    except (ImportError, KeyError, OSError):
        return str(os.getuid()) if hasattr(os, "getuid") else "unknown"
