//! How long and how large what is sent may be: told by the constants that the checks go by, which no derive can name.

use denrei_actors::chatroom::MAX_MEMBERS;
use denrei_model::message::{MAX_MENTIONS, MAX_REACTION_BYTES, MAX_TEXT_CHARS};
use denrei_model::operation::person::{
    MAX_NAME_CHARS, MAX_PICTURE_BYTES, MAX_SETTING_BYTES, MAX_STATUS_CHARS,
};
use denrei_model::wire::account::{
    LINK_CODE_CHARS, MAX_DEVICE_NAME_CHARS, MAX_EXTERNAL_ID_CHARS, MAX_HANDLE_BYTES, MAX_PLATFORM_CHARS,
    MAX_TYPED_CODE_CHARS, MIN_HANDLE_BYTES,
};
use denrei_model::wire::frame::MAX_COUNT;
use denrei_model::wire::message::MAX_HISTORY;
use denrei_model::wire::snapshot::MAX_ITEMS;
use utoipa::openapi::path::Operation;
use utoipa::openapi::schema::Schema;
use utoipa::openapi::{OpenApi, RefOr};

/// Least and most.
#[derive(Clone, Copy)]
enum Bound {
    /// Characters of a text.
    Chars(usize, usize),
    /// Entries of a list.
    Items(usize, usize),
    /// A whole number itself.
    Whole(usize, usize),
}

use Bound::{Chars, Items, Whole};

/// By the schema of what is sent, and the field. A bound in bytes is one in characters too: none takes less than a byte.
const FIELDS: &[(&str, &str, Bound)] = &[
    ("ChatDraft", "name", Chars(1, MAX_NAME_CHARS)),
    ("ChatDraft", "invite", Items(0, MAX_MEMBERS - 1)),
    ("ChatPatch", "name", Chars(1, MAX_NAME_CHARS)),
    ("DeviceDraft", "name", Chars(1, MAX_DEVICE_NAME_CHARS)),
    ("DeviceDraft", "platform", Chars(1, MAX_PLATFORM_CHARS)),
    ("HandleDraft", "handle", Chars(MIN_HANDLE_BYTES, MAX_HANDLE_BYTES)),
    ("InviteRequest", "accounts", Items(1, MAX_MEMBERS - 1)),
    ("LinkRequest", "code", Chars(LINK_CODE_CHARS, MAX_TYPED_CODE_CHARS)),
    ("MessageDraft", "text", Chars(1, MAX_TEXT_CHARS)),
    ("MessageDraft", "mentions", Items(0, MAX_MENTIONS)),
    ("ProfileDraft", "name", Chars(1, MAX_NAME_CHARS)),
    ("ProfileDraft", "picture", Chars(0, MAX_PICTURE_BYTES)),
    ("ProfileDraft", "status", Chars(0, MAX_STATUS_CHARS)),
    ("ReactionDraft", "emoji", Chars(1, MAX_REACTION_BYTES)),
    ("RegisterRequest", "name", Chars(1, MAX_NAME_CHARS)),
    ("RegisterRequest", "external_id", Chars(1, MAX_EXTERNAL_ID_CHARS)),
    // Any JSON; of a text, the quotation marks count.
    ("SettingDraft", "value", Chars(0, MAX_SETTING_BYTES - 2)),
    ("SyncRequest", "count", Whole(1, MAX_COUNT as usize)),
];

/// By the operation and the parameter of its query.
const PARAMETERS: &[(&str, &str, Bound)] = &[
    ("operations", "count", Whole(1, MAX_COUNT as usize)),
    ("list_messages", "limit", Whole(1, MAX_HISTORY)),
    // Of the category that has most.
    ("snapshot", "limit", Whole(1, MAX_ITEMS)),
];

/// Tells them, each where what it bounds is described.
pub(super) fn tell(document: &mut OpenApi) {
    if let Some(components) = &mut document.components {
        for (schema, field, bound) in FIELDS {
            if let Some(schema) = components.schemas.get_mut(*schema) {
                bound.field(schema, field);
            }
        }
    }
    document.paths.paths.values_mut().flat_map(super::operations).for_each(in_query);
}

fn in_query(operation: &mut Operation) {
    let id = operation.operation_id.as_deref();
    for (_, name, bound) in PARAMETERS.iter().filter(|(operation, ..)| id == Some(*operation)) {
        for parameter in operation.parameters.iter_mut().flatten() {
            if let RefOr::T(parameter) = parameter
                && parameter.name == *name
            {
                parameter.schema.iter_mut().for_each(|schema| bound.set(schema));
            }
        }
    }
}

impl Bound {
    /// Sets it on a field of an object, whichever of several kinds of object has it.
    fn field(self, schema: &mut RefOr<Schema>, field: &str) {
        let RefOr::T(schema) = schema else { return };
        match schema {
            Schema::Object(object) => {
                if let Some(found) = object.properties.get_mut(field) {
                    self.set(found);
                }
            }
            Schema::OneOf(one_of) => one_of.items.iter_mut().for_each(|item| self.field(item, field)),
            Schema::AllOf(all_of) => all_of.items.iter_mut().for_each(|item| self.field(item, field)),
            _ => {}
        }
    }

    fn set(self, schema: &mut RefOr<Schema>) {
        // A least of zero goes without saying.
        let above_zero = |least: usize| Some(least).filter(|least| *least > 0);
        match (schema, self) {
            (RefOr::T(Schema::Object(object)), Chars(least, most)) => {
                (object.min_length, object.max_length) = (above_zero(least), Some(most));
            }
            (RefOr::T(Schema::Object(object)), Whole(least, most)) => {
                (object.minimum, object.maximum) = (Some(least.into()), Some(most.into()));
            }
            (RefOr::T(Schema::Array(array)), Items(least, most)) => {
                (array.min_items, array.max_items) = (above_zero(least), Some(most));
            }
            _ => {}
        }
    }
}
