"""The servers that Annex is tested behind, by name."""

from .ejabberd import Ejabberd
from .prosody import Prosody

SERVERS = {"prosody": Prosody, "ejabberd": Ejabberd}
