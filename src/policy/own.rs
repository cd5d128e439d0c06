//! Policies from outside the library, as they stand in a configuration.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Policy, Setting};
use crate::base::printable::quoted;
use crate::error::Error;

type Make = dyn Fn(&Setting<'_>) -> Box<dyn Policy> + Send + Sync;

/// What makes a policy of your own, anew whenever a feed is read: policies that learn begin with nothing.
///
/// [`PolicyConfig::own`](super::PolicyConfig::own) puts one into a configuration, and with it into whatever is made
/// of that: feeds, truths, studies, curves of power. A file holds its name alone; a configuration that was read
/// from a file has to be given it again.
#[derive(Clone, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct OwnPolicy {
    name: String,
    make: Option<Arc<Make>>,
}

impl OwnPolicy {
    pub(super) fn new<P: Policy + 'static>(
        name: String,
        make: impl Fn(&Setting<'_>) -> P + Send + Sync + 'static,
    ) -> Self {
        let make = move |setting: &Setting<'_>| -> Box<dyn Policy> { Box::new(make(setting)) };
        Self { name, make: Some(Arc::new(make)) }
    }

    pub(super) fn build(&self, setting: &Setting<'_>) -> Result<Box<dyn Policy>, Error> {
        match &self.make {
            Some(make) => Ok(make(setting)),
            None => Err(Error::Parameter {
                parameter: "the ranker",
                value: format!("the policy {} of somebody's own", quoted(&self.name)),
                expected: "one of the library's, or given again by PolicyConfig::own: files hold only \
                           its name",
            }),
        }
    }
}

impl fmt::Debug for OwnPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("OwnPolicy").field(&self.name).finish()
    }
}

/// Equal where they are one, by name and by what makes them.
impl PartialEq for OwnPolicy {
    fn eq(&self, other: &Self) -> bool {
        let is_same = match (&self.make, &other.make) {
            (Some(one), Some(other)) => Arc::ptr_eq(one, other),
            (None, None) => true,
            _ => false,
        };
        is_same && self.name == other.name
    }
}

impl From<String> for OwnPolicy {
    fn from(name: String) -> Self {
        Self { name, make: None }
    }
}

impl From<OwnPolicy> for String {
    fn from(own: OwnPolicy) -> Self {
        own.name
    }
}
