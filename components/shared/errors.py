"""The one kind of error that a user can cause and mend."""


class InputError(Exception):
    """Something a user gave is wrong: the message says what, where, and the remedy.

    A stage that raises it ends with the message alone and exit status 2; any other
    exception is a fault of ours and keeps its traceback. It is no ValueError: tyro would
    catch it and show it inside a box of its own.
    """
