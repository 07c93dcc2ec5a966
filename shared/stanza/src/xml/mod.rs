//! XML: the only writer, and the reader of a component's stream.

mod frame;
mod open;
mod reader;
mod simple;
mod skip;
mod writer;

pub(crate) use self::writer::needs_escape;
pub use self::{
    frame::{Frame, Limits, RawHeader, ReadError},
    reader::Reader,
    writer::{Xml, escape_attr, escape_text},
};
