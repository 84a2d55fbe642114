"""The one exception for what the user must change: printed as one line, exit code 2."""


class UserError(Exception):
    """An anticipated failure: which file, which record, and what to do about it."""
