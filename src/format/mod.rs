//! Saved forms, and what they say of themselves.

pub(crate) mod document;
pub(crate) mod word;
