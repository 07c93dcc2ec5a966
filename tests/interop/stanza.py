"""A stanza as it came over the wire, and short ways to ask about it."""

import xml.etree.ElementTree as ElementTree

CLIENT = "jabber:client"
STREAM_ERRORS = "urn:ietf:params:xml:ns:xmpp-stanzas"
MUC = "http://jabber.org/protocol/muc"
MUC_USER = "http://jabber.org/protocol/muc#user"
MUC_ADMIN = "http://jabber.org/protocol/muc#admin"
MUC_OWNER = "http://jabber.org/protocol/muc#owner"
FORM = "jabber:x:data"
DELAY = "urn:xmpp:delay"
STANZA_ID = "urn:xmpp:sid:0"
DISCO_INFO = "http://jabber.org/protocol/disco#info"
DISCO_ITEMS = "http://jabber.org/protocol/disco#items"

# A stanza is written with `jabber:client` as its default namespace.
ElementTree.register_namespace("", CLIENT)


class Stanza:
    """One received stanza."""

    def __init__(self, element):
        self.element = element
        self.kind = element.tag.partition("}")[2]
        self.type = element.get("type")
        self.id = element.get("id")
        self.sender = element.get("from", "")
        self.to = element.get("to", "")

    def __repr__(self):
        return ElementTree.tostring(self.element, encoding="unicode")

    @property
    def nick(self):
        """The occupant it comes from; empty where the room itself speaks."""
        return self.sender.partition("/")[2]

    @property
    def body(self):
        return self.element.findtext(f"{{{CLIENT}}}body")

    @property
    def subject(self):
        """The text of `<subject/>`, "" where it is empty, None where there is none."""
        found = self.element.find(f"{{{CLIENT}}}subject")
        return None if found is None else found.text or ""

    @property
    def is_subject(self):
        """Whether it tells the room's subject (XEP-0045 §7.2.15)."""
        return self.kind == "message" and self.subject is not None and self.body is None

    @property
    def statuses(self):
        """The status codes of `muc#user`."""
        return {int(one.get("code")) for one in self.element.iterfind(f"{{{MUC_USER}}}x/{{{MUC_USER}}}status")}

    @property
    def item(self):
        """The attributes of the `muc#user` item."""
        found = self.element.find(f"{{{MUC_USER}}}x/{{{MUC_USER}}}item")
        return {} if found is None else dict(found.attrib)

    @property
    def reason(self):
        return self.element.findtext(f"{{{MUC_USER}}}x/{{{MUC_USER}}}item/{{{MUC_USER}}}reason")

    @property
    def condition(self):
        """The defined condition of its error, or None."""
        error = self.element.find(f"{{{CLIENT}}}error")
        for child in () if error is None else error:
            namespace, _, name = child.tag[1:].partition("}")
            if namespace == STREAM_ERRORS and name != "text":
                return name
        return None

    @property
    def error_type(self):
        error = self.element.find(f"{{{CLIENT}}}error")
        return None if error is None else error.get("type")

    @property
    def is_delayed(self):
        return self.has(DELAY, "delay")

    def has(self, namespace, name):
        """Whether it has this child."""
        return self.child(namespace, name) is not None

    def child(self, namespace, name):
        return self.element.find(f"{{{namespace}}}{name}")


def element(namespace, name, *children, text=None, **attributes):
    """Build an element; a trailing underscore keeps clear of Python's own words."""
    made = ElementTree.Element(f"{{{namespace}}}{name}")
    for key, value in attributes.items():
        if value is not None:
            made.set(key.rstrip("_"), str(value))
    made.text = text
    made.extend(children)
    return made


def form(form_type, **fields):
    """A submitted form; `muc#roomconfig_` goes before names of a room's configuration."""
    prefix = "muc#roomconfig_" if form_type.endswith("#roomconfig") else ""
    made = element(FORM, "x", type="submit")
    made.append(field("FORM_TYPE", form_type))
    for name, value in fields.items():
        made.append(field(prefix + name, value))
    return made


def field(name, value):
    values = value if isinstance(value, (list, tuple)) else [value]
    texts = [{True: "1", False: "0"}.get(one, one) if isinstance(one, bool) else str(one) for one in values]
    return element(FORM, "field", *(element(FORM, "value", text=text) for text in texts), var=name)
