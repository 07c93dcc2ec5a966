"""An end that leaves nothing behind, whichever way it comes."""

import signal

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Asked(SystemExit):
    """Someone has asked us to end, with Ctrl-C or a signal."""


def tidily():
    """From now on a signal unwinds the program, so that every `with` is left properly.

    Only the first does: what has begun to tidy up is not interrupted in it.
    """

    def end(number, _frame):
        for one in SIGNALS:
            signal.signal(one, signal.SIG_IGN)
        raise Asked(128 + number)

    for one in SIGNALS:
        signal.signal(one, end)
