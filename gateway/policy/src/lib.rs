//! Access rights: pure decisions that name the deciding rule (access-control.md §3).
