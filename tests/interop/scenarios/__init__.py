"""The scenarios, one file for each use case."""

from . import (  # noqa: F401
    admin,
    create,
    documented,
    enter,
    history,
    leave,
    library,
    nick,
    person,
    refuse,
    service,
    subject,
    survive,
    talk,
)
