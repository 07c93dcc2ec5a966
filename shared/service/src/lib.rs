//! The seam between a component and the daemon that runs it, and what all services have in common.

pub mod store;
