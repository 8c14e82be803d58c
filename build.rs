//! Builds the agent that the program embeds; nothing to do yet.

fn main() {}
