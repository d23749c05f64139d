//! Operations as they come: raw, since a newer server may send kinds that this client does not know.

use denrei_model::id::AccountId;
use denrei_model::operation::{Category, Payload};
use denrei_model::position::Revision;
use denrei_model::tag::Tag;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::state::LocalState;

/// What every operation says of itself, whatever its kind.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct RawOperation {
    /// Its position.
    pub revision: Revision,
    /// The tag there.
    pub tag: Tag,
    /// What to fetch if its kind is not known.
    pub category: Category,
}

impl RawOperation {
    /// Reads it.
    ///
    /// # Errors
    /// If it is no operation.
    pub fn read(raw: &RawValue) -> serde_json::Result<Self> {
        serde_json::from_str(raw.get())
    }
}

/// Why an operation was not applied.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum OperationError {
    /// Of a kind that is not known: fetch its category.
    #[error("an operation of an unknown kind")]
    Unknown(Category),
    /// Not an operation at all.
    #[error("{0}")]
    Malformed(String),
}

/// Applies an operation as it came.
///
/// # Errors
/// See [`OperationError`].
pub fn apply_raw(state: &mut LocalState, raw: &RawValue, me: AccountId) -> Result<(), OperationError> {
    let head = RawOperation::read(raw).map_err(|error| OperationError::Malformed(error.to_string()))?;
    match serde_json::from_str::<Payload>(raw.get()) {
        Ok(payload) => {
            state.apply(&payload, me);
            Ok(())
        }
        Err(_) => Err(OperationError::Unknown(head.category)),
    }
}
