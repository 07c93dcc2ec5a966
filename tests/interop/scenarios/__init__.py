"""The scenarios, one file for each use case."""

from . import admin, create, documented, enter, history, leave, library, nick, person, refuse, service, subject, survive, talk  # noqa: F401
