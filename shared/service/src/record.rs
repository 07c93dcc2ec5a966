//! How records are written: a version byte, then the fields in postcard's compact encoding.
//!
//! Postcard names no fields, so a changed type is a new version: `VERSION` goes up, and
//! [`Record::upgrade`] reads what older versions wrote. `skip_serializing_if`, `flatten` and
//! untagged enums do not work in such types. Where the fields of a record must stay readable
//! without its type (exports describe them by table), the store's description decodes it.
//!
//! Keys are fixed-width integers, big-endian so that they sort by number, and at most one text or
//! run of bytes at their end ([`Key`], [`Parts`]).

use bytes::Bytes;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::{
    store::{Read, Row, StoreError, Table},
    turn::Turn,
};

/// A type that is stored.
pub trait Record: Serialize + DeserializeOwned {
    /// Where it is stored.
    const TABLE: Table;
    /// Version of the encoding that is written; the first is 1.
    const VERSION: u8 = 1;

    /// Reads what an older version wrote: `body` is the record without its version byte.
    fn upgrade(version: u8, body: &[u8]) -> Option<Self> {
        let _ = (version, body);
        None
    }

    /// Its bytes.
    fn encode(&self) -> Bytes {
        postcard::to_extend(self, vec![Self::VERSION])
            .map(Bytes::from)
            .expect("a record's type has an encoding: no unsized sequences, no foreign serializers")
    }

    /// Reads a record.
    fn decode(bytes: &[u8]) -> Result<Self, StoreError> {
        let what = || format!("record of table {}", Self::TABLE.name);
        let (version, body) =
            bytes.split_first().ok_or_else(|| StoreError::new(what(), "it is empty"))?;
        if *version != Self::VERSION {
            return Self::upgrade(*version, body).ok_or_else(|| {
                let why =
                    format!("it has version {version}; this program knows up to {}", Self::VERSION);
                StoreError::new(what(), why)
            });
        }
        match postcard::take_from_bytes(body) {
            Ok((record, [])) => Ok(record),
            Ok((_, rest)) => {
                Err(StoreError::new(what(), format!("{} bytes are left over", rest.len())))
            }
            Err(error) => Err(StoreError::new(what(), error)),
        }
    }

    /// The record under `key`, if there is one.
    fn load(turn: &Turn<'_>, key: &[u8]) -> Result<Option<Self>, StoreError> {
        Self::read(&turn.read(), key)
    }

    /// The same from any reader.
    fn read(store: &dyn Read, key: &[u8]) -> Result<Option<Self>, StoreError> {
        store.get(Self::TABLE, key)?.map(|bytes| Self::decode(&bytes)).transpose()
    }

    /// The record of a row that a scan found.
    fn of(row: &Row) -> Result<Self, StoreError> {
        Self::decode(&row.value)
    }

    /// Writes it under `key`.
    fn save(&self, turn: &mut Turn<'_>, key: impl Into<Vec<u8>>) {
        turn.put(Self::TABLE, key, self.encode());
    }
}

/// A kind of record as exports show it: as JSON, and back.
#[derive(Debug, Clone, Copy)]
pub struct Shown {
    /// Where such records are stored.
    pub table: Table,
    /// A record in words.
    pub json: fn(&[u8]) -> Option<Value>,
    /// The record that was shown.
    pub bytes: fn(&Value) -> Option<Bytes>,
}

impl Shown {
    /// Records of this type.
    pub const fn of<R: Record>() -> Self {
        Self {
            table: R::TABLE,
            json: |bytes| serde_json::to_value(R::decode(bytes).ok()?).ok(),
            bytes: |json| Some(R::deserialize(json).ok()?.encode()),
        }
    }
}

/// For a field of XML, `#[serde(with = "annex_service::record::text")]`: bytes in the store, text
/// where people read.
pub mod text {
    use serde::{
        Deserialize, Deserializer, Serialize, Serializer,
        de::{Error as _, Unexpected},
    };

    /// Bytes, or text for people.
    pub fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        match std::str::from_utf8(bytes) {
            Ok(text) if serializer.is_human_readable() => serializer.serialize_str(text),
            _ => bytes.serialize(serializer),
        }
    }

    /// The same back.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        if !deserializer.is_human_readable() {
            return Vec::deserialize(deserializer);
        }
        match serde_json::Value::deserialize(deserializer)? {
            serde_json::Value::String(text) => Ok(text.into_bytes()),
            other => Vec::deserialize(other)
                .map_err(|_| D::Error::invalid_type(Unexpected::Other("no text"), &"a text")),
        }
    }
}

/// A key under construction.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Key(Vec<u8>);

impl Key {
    /// Nothing yet: the prefix of everything.
    pub fn new() -> Self {
        Self(Vec::with_capacity(24))
    }

    /// One byte.
    pub fn u8(mut self, value: u8) -> Self {
        self.0.push(value);
        self
    }

    /// Four bytes.
    pub fn u32(mut self, value: u32) -> Self {
        self.0.extend_from_slice(&value.to_be_bytes());
        self
    }

    /// Eight bytes.
    pub fn u64(mut self, value: u64) -> Self {
        self.0.extend_from_slice(&value.to_be_bytes());
        self
    }

    /// The rest of the key.
    pub fn rest(mut self, value: impl AsRef<[u8]>) -> Self {
        self.0.extend_from_slice(value.as_ref());
        self
    }
}

impl From<Key> for Vec<u8> {
    fn from(key: Key) -> Self {
        key.0
    }
}

impl std::ops::Deref for Key {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

/// A key being taken apart, in the order in which it was put together.
#[derive(Debug, Clone, Copy)]
pub struct Parts<'a> {
    table: Table,
    rest: &'a [u8],
}

impl<'a> Parts<'a> {
    /// Of a key of this table.
    pub fn of(table: Table, key: &'a [u8]) -> Self {
        Self { table, rest: key }
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], StoreError> {
        let Some((part, rest)) = self.rest.split_first_chunk() else {
            let what = format!("key of table {}", self.table.name);
            return Err(StoreError::new(what, "it is too short"));
        };
        self.rest = rest;
        Ok(*part)
    }

    /// One byte.
    pub fn u8(&mut self) -> Result<u8, StoreError> {
        Ok(self.take::<1>()?[0])
    }

    /// Four bytes.
    pub fn u32(&mut self) -> Result<u32, StoreError> {
        Ok(u32::from_be_bytes(self.take()?))
    }

    /// Eight bytes.
    pub fn u64(&mut self) -> Result<u64, StoreError> {
        Ok(u64::from_be_bytes(self.take()?))
    }

    /// What is left, as bytes.
    pub fn rest(self) -> &'a [u8] {
        self.rest
    }

    /// What is left, as text.
    pub fn text(self) -> Result<&'a str, StoreError> {
        std::str::from_utf8(self.rest)
            .map_err(|error| StoreError::new(format!("key of table {}", self.table.name), error))
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Thing {
        name: String,
        size: u64,
        note: Option<String>,
    }

    impl Record for Thing {
        const TABLE: Table = Table::new(40, "thing");
        const VERSION: u8 = 2;

        fn upgrade(version: u8, body: &[u8]) -> Option<Self> {
            let (name, size) = (version == 1).then(|| postcard::from_bytes(body).ok())??;
            Some(Self { name, size, note: None })
        }
    }

    fn thing() -> Thing {
        Thing { name: "lamp".into(), size: 300, note: None }
    }

    #[test]
    fn a_record_is_its_version_and_its_fields() {
        let bytes = thing().encode();
        assert_eq!(bytes[..], [2, 4, b'l', b'a', b'm', b'p', 0xac, 0x02, 0]);
        assert_eq!(Thing::decode(&bytes).expect("decodes"), thing());
    }

    #[test]
    fn an_older_version_is_upgraded() {
        let mut bytes = vec![1];
        bytes.extend(postcard::to_stdvec(&("lamp", 300_u64)).expect("encodes"));
        assert_eq!(Thing::decode(&bytes).expect("decodes"), thing());
    }

    #[test]
    fn what_cannot_be_read_says_why() {
        let error = |bytes: &[u8]| Thing::decode(bytes).expect_err("does not decode").to_string();
        assert_eq!(error(&[]), "record of table thing: it is empty");
        assert_eq!(
            error(&[9, 1]),
            "record of table thing: it has version 9; this program knows up to 2"
        );
        let mut longer = thing().encode().to_vec();
        longer.push(7);
        assert_eq!(error(&longer), "record of table thing: 1 bytes are left over");
        assert!(error(&[2, 4, b'l']).starts_with("record of table thing: "));
    }

    #[test]
    fn keys_sort_by_number_and_come_apart_again() {
        let key = |id, part| Key::new().u64(id).u32(part).u8(3).rest("name");
        assert!(*key(1, 300) < *key(2, 0) && *key(2, 255) < *key(2, 256));
        let key = key(77, 5);
        let mut parts = Parts::of(Thing::TABLE, &key);
        assert_eq!(parts.u64().expect("id"), 77);
        assert_eq!(parts.u32().expect("part"), 5);
        assert_eq!(parts.u8().expect("kind"), 3);
        assert_eq!(parts.text().expect("name"), "name");
        let error = Parts::of(Thing::TABLE, b"abc").u64().expect_err("too short");
        assert_eq!(error.to_string(), "key of table thing: it is too short");
    }

    #[derive(Debug, PartialEq, Serialize, serde::Deserialize)]
    struct Said {
        #[serde(with = "super::text")]
        payload: Vec<u8>,
    }

    impl Record for Said {
        const TABLE: Table = Table::new(61, "said");
    }

    #[test]
    fn people_read_text_and_the_store_has_bytes() {
        let shown = Shown::of::<Said>();
        for payload in [b"<body>hi</body>".to_vec(), vec![0xff, 0], Vec::new()] {
            let said = Said { payload: payload.clone() };
            let stored = said.encode();
            assert_eq!(stored[1..], postcard::to_allocvec(&payload).expect("bytes"));
            let json = (shown.json)(&stored).expect("it can be shown");
            assert_eq!((shown.bytes)(&json), Some(stored.clone()), "{json}");
            assert_eq!(Said::decode(&stored).expect("it reads back"), said);
        }
        let hello = Said { payload: b"hi".to_vec() }.encode();
        assert_eq!((shown.json)(&hello), Some(serde_json::json!({ "payload": "hi" })));
    }
}
