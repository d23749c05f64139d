//! Schemas that no derive can make.

use denrei_model::operation::{Category, Contact, Profile, Setting};
use denrei_model::wire::message::History;
use denrei_model::wire::snapshot::{ChatItem, SnapshotPage};
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, OneOfBuilder, Schema, Type};
use utoipa::openapi::{Ref, RefOr};
use utoipa::{PartialSchema, ToSchema};

use crate::connection::Transport;

/// A page of a snapshot: which items it has follows from its category.
pub(crate) struct SnapshotAnswer;

impl PartialSchema for SnapshotAnswer {
    fn schema() -> RefOr<Schema> {
        let pages = Category::ALL.map(|category| match category {
            Category::Profile => page::<Profile>(category),
            Category::Settings => page::<Setting>(category),
            Category::Contacts => page::<Contact>(category),
            Category::Chats => page::<ChatItem>(category),
            Category::Messages => page::<History>(category),
        });
        let all = pages.into_iter().fold(OneOfBuilder::new(), OneOfBuilder::item);
        all.description(Some("A page of a snapshot. Which items it has follows from its category.")).into()
    }
}

impl ToSchema for SnapshotAnswer {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        with::<Profile>(schemas);
        with::<Setting>(schemas);
        with::<Contact>(schemas);
        with::<ChatItem>(schemas);
        with::<History>(schemas);
        SnapshotPage::<Profile>::schemas(schemas);
    }
}

/// The page as its type has it, with this category and with items that are referred to.
fn page<T: ToSchema>(category: Category) -> RefOr<Schema> {
    let mut page = SnapshotPage::<T>::schema();
    if let RefOr::T(Schema::Object(page)) = &mut page {
        page.description = None;
        let word = ObjectBuilder::new().schema_type(Type::String).enum_values(Some([category.as_str()]));
        page.properties.insert("category".to_owned(), word.into());
        page.properties
            .insert("items".to_owned(), ArrayBuilder::new().items(Ref::from_schema_name(T::name())).into());
    }
    page
}

fn with<T: ToSchema>(schemas: &mut Vec<(String, RefOr<Schema>)>) {
    schemas.push((T::name().into_owned(), T::schema()));
    T::schemas(schemas);
}

impl PartialSchema for Transport {
    fn schema() -> RefOr<Schema> {
        let words =
            [Self::Stream, Self::LongPoll].into_iter().filter_map(|way| serde_json::to_value(way).ok());
        let text = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(words));
        text.description(Some("A way to follow one's log.")).into()
    }
}

impl ToSchema for Transport {}
