//! Containers and archives, checked.
