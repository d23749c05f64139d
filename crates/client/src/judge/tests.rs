//! Doctored recordings, each caught by name.
