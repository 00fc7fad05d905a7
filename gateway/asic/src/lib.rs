//! Signed documents: ASiC-E containers and archives of them, made and verified.
