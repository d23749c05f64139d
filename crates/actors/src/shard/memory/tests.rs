//! What an item is shown.
