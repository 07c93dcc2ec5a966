//! The place where readers find the current engine, through every change of generation.

use std::sync::{Arc, PoisonError, RwLock};

use crate::{engine::Engine, generation::Home};

/// The directory, locked, and its current engine.
pub(crate) struct Slot {
    engine: RwLock<Arc<Engine>>,
    home: Home,
}

impl Slot {
    pub(crate) fn new(home: Home, engine: Arc<Engine>) -> Self {
        Self { engine: RwLock::new(engine), home }
    }

    pub(crate) fn engine(&self) -> Arc<Engine> {
        self.engine.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Puts `engine` in place; what is under way ends on the old one, which is returned.
    pub(crate) fn replace(&self, engine: Arc<Engine>) -> Arc<Engine> {
        let mut current = self.engine.write().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut current, engine)
    }

    pub(crate) fn home(&self) -> &Home {
        &self.home
    }
}
