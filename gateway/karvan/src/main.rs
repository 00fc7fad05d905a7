//! karvan
fn main() {}
