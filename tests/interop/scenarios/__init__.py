"""The scenarios, one file for each use case."""

from . import (  # noqa: F401
    admin,
    common,
    crashes,
    create,
    documented,
    enter,
    federated,
    history,
    invite,
    leave,
    library,
    mistakes,
    multicast,
    nick,
    person,
    refuse,
    service,
    subject,
    survive,
    talk,
)
