//! XML: the only writer, and the reader of a component's stream.

mod reader;
mod skip;
mod writer;

pub use self::{
    reader::{Frame, Limits, RawHeader, ReadError, Reader},
    writer::{Xml, escape_attr, escape_text},
};
