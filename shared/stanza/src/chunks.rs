//! Immutable shared lists, cheap to clone and to change a little.
//!
//! An audience of thousands is shared by every fan-out that is under way; joining copies one chunk
//! and the list of chunks, nothing else. Clone is one reference count.

use std::sync::Arc;

use crate::template::Recipient;

/// Entries in a chunk at most.
const CHUNK: usize = 128;

/// A list in chunks, copy on write. Order is that of `push`.
#[derive(Debug)]
pub struct Chunks<T> {
    chunks: Arc<Vec<Arc<Vec<T>>>>,
    len: usize,
}

/// Who gets a fan-out.
pub type Audience = Chunks<Recipient>;

impl<T> Clone for Chunks<T> {
    fn clone(&self) -> Self {
        Self { chunks: Arc::clone(&self.chunks), len: self.len }
    }
}

impl<T> Default for Chunks<T> {
    fn default() -> Self {
        Self { chunks: Arc::default(), len: 0 }
    }
}

impl<T> Chunks<T> {
    /// An empty list.
    pub fn new() -> Self {
        Self::default()
    }

    /// To begin a list.
    pub fn builder() -> Builder<T> {
        Builder { full: Vec::new(), last: Vec::new() }
    }

    /// Number of entries.
    pub fn len(&self) -> usize {
        self.len
    }

    /// There is no entry.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The entry at `index`, in the time of a walk over the chunks.
    pub fn get(&self, index: usize) -> Option<&T> {
        let (chunk, within) = self.find(index)?;
        self.chunks[chunk].get(within)
    }

    /// The entries in order.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.chunks.iter().flat_map(|chunk| chunk.iter())
    }

    /// The entries from `start` to the end of its chunk; empty at the end of the list. A cursor
    /// walks the list by adding the length of each run.
    pub fn run(&self, start: usize) -> &[T] {
        match self.find(start) {
            Some((chunk, within)) => &self.chunks[chunk][within..],
            None => &[],
        }
    }

    fn find(&self, index: usize) -> Option<(usize, usize)> {
        if index >= self.len {
            return None;
        }
        let mut before = 0;
        for (at, chunk) in self.chunks.iter().enumerate() {
            if index < before + chunk.len() {
                return Some((at, index - before));
            }
            before += chunk.len();
        }
        None
    }
}

impl<T: Clone> Chunks<T> {
    /// Adds an entry at the end.
    pub fn push(&mut self, entry: T) {
        let chunks = Arc::make_mut(&mut self.chunks);
        self.len += 1;
        match chunks.last_mut() {
            Some(last) if last.len() < CHUNK => Arc::make_mut(last).push(entry),
            _ => chunks.push(Arc::new(vec![entry])),
        }
    }

    /// Removes the entry at `index`; those behind it move up. None if there is no such entry.
    pub fn remove(&mut self, index: usize) -> Option<T> {
        let (at, within) = self.find(index)?;
        let chunks = Arc::make_mut(&mut self.chunks);
        let entry = Arc::make_mut(&mut chunks[at]).remove(within);
        self.len -= 1;
        if chunks[at].is_empty() {
            chunks.remove(at);
        } else if !merge(chunks, at) && at > 0 {
            merge(chunks, at - 1);
        }
        Some(entry)
    }

    /// Puts another entry in the place of one, and gives the old one back.
    pub fn replace(&mut self, index: usize, entry: T) -> Option<T> {
        let (at, within) = self.find(index)?;
        let chunks = Arc::make_mut(&mut self.chunks);
        Some(std::mem::replace(&mut Arc::make_mut(&mut chunks[at])[within], entry))
    }
}

/// Joins a chunk with the next one where both are small, so that two neighbours always hold more
/// than half a chunk, and a list has no more chunks than its length needs four times over.
fn merge<T: Clone>(chunks: &mut Vec<Arc<Vec<T>>>, at: usize) -> bool {
    match chunks.get(at + 1) {
        Some(next) if chunks[at].len() + next.len() <= CHUNK / 2 => {
            let next = chunks.remove(at + 1);
            Arc::make_mut(&mut chunks[at]).extend(next.iter().cloned());
            true
        }
        _ => false,
    }
}

/// A list that grows until it is shared.
#[derive(Debug)]
pub struct Builder<T> {
    full: Vec<Arc<Vec<T>>>,
    last: Vec<T>,
}

impl<T> Builder<T> {
    /// Adds an entry at the end.
    #[inline]
    pub fn push(&mut self, entry: T) {
        if self.last.len() == CHUNK {
            self.seal();
        }
        self.last.push(entry);
    }

    #[cold]
    fn seal(&mut self) {
        let last = std::mem::replace(&mut self.last, Vec::with_capacity(CHUNK));
        self.full.push(Arc::new(last));
    }

    /// The list, with the room of as much as it has.
    pub fn finish(self) -> Chunks<T> {
        let Self { full: mut chunks, mut last } = self;
        let len = chunks.len() * CHUNK + last.len();
        if !last.is_empty() {
            last.shrink_to_fit();
            chunks.push(Arc::new(last));
        }
        Chunks { chunks: chunks.into(), len }
    }
}

impl<T> FromIterator<T> for Chunks<T> {
    fn from_iter<I: IntoIterator<Item = T>>(entries: I) -> Self {
        let entries = entries.into_iter();
        let mut list = Self::builder();
        list.last.reserve_exact(entries.size_hint().1.unwrap_or_default().min(CHUNK));
        for entry in entries {
            list.push(entry);
        }
        list.finish()
    }
}
