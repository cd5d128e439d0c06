//! Text of files as it comes: opened, unpacked, and cut into blocks that end where a row ends. What stands
//! in a row is the business of each format.

mod ahead;
mod blocks;
mod pool;
pub(crate) mod unpack;

pub(super) use self::blocks::{Blocks, Taken};
pub(super) use self::pool::Pool;
