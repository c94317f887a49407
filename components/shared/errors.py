"""Errors that are not the program's fault."""


class InputError(Exception):
    """Something a user gave is wrong: the message says what, where, and the remedy.

    A stage that raises it ends with the message alone and exit status 2; any other
    exception is a fault of ours and keeps its traceback. It is not a ValueError: tyro would
    catch it and show it inside a box of its own.
    """


class UnreachableError(InputError):
    """A bucket can't be reached or fails: the same command may succeed a little later."""


class DamagedError(InputError):
    """A file in a bucket or a folder is not as it was written."""


class NewerFormatError(InputError):
    """A newer release wrote a file in a form that this one does not know."""


class Preempted(Exception):  # noqa: N818 - nothing went wrong
    """The machine is needed elsewhere: the state is saved, and the same command resumes from it.

    A stage that raises it ends with exit status 143, as a process that a SIGTERM ended;
    Kubeflow starts a step that did not end with 0 again if it has retries left.
    """


class PeerLostError(Exception):
    """Another process of the run ended: this one's failure is a consequence."""


class TrainingLostError(Exception):
    """Processes that train died or hung: a restart may resume from the newest checkpoint.

    The message's first line says all that fits in a line. A stage that raises it ends with the
    message alone and exit status 1.
    """


class WorkerLostError(Exception):
    """A process that does part of a step's work was killed, or ended by itself.

    A stage that raises it ends with the message alone and exit status 1.
    """


class DivergedError(Exception):
    """A training's loss or weights are not finite: the message says which setting to try.

    A stage that raises it ends with the message alone and exit status 1.
    """


class JobError(Exception):
    """The job that a step has on the cluster failed: the message says which pod, and why.

    A stage that raises it ends with the message alone and exit status 1.
    """


def find_root_cause(error: BaseException) -> str:
    """Return the innermost message: "Connection refused", not the pool that was told of it."""
    while error.__context__ is not None:
        error = error.__context__
    return str(error) or type(error).__name__
