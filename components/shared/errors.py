"""The one kind of error that a user can cause and mend."""


class InputError(ValueError):
    """Something a user gave is wrong: the message says what, where, and the remedy.

    A stage that raises it ends with the message alone and exit status 2; any other
    exception is a fault of ours and keeps its traceback.
    """
