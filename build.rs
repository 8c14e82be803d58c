<<<<<<< HEAD
//! Builds the agent that the program embeds; nothing to do yet.

=======
>>>>>>> 3a4edc7 (Write down what env and its agent say to each other, because both sides are built against it)
fn main() {}
