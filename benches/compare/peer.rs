//! What is measured against what: three ways to the same machines.

use crate::Result;
use crate::stack::Stack;

/// Brings stacks up and takes them down.
pub trait Peer {
    /// Heads its column.
    fn name(&self) -> &'static str;

    /// Brings the stack up, or finds it up; returns when it is ready, where the stack waits for that.
    fn up(&self, stack: Stack) -> Result<()>;

    /// Takes the stack away with its network.
    fn destroy(&self, stack: Stack) -> Result<()>;
}
