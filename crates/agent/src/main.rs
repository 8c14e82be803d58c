<<<<<<< HEAD
//! The static agent.
=======
//! The agent: carries out one request inside a machine.
>>>>>>> 3a4edc7 (Write down what env and its agent say to each other, because both sides are built against it)
fn main() {}
