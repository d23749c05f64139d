//! What is not there is absent, never `null`: schemas of optional fields say so too.

use utoipa::openapi::path::Operation;
use utoipa::openapi::schema::{ArrayItems, Schema, SchemaType, Type};
use utoipa::openapi::{OpenApi, RefOr};

/// Takes `null` from every schema.
pub(super) fn hold(document: &mut OpenApi) {
    if let Some(components) = &mut document.components {
        components.schemas.values_mut().for_each(without_null);
    }
    document.paths.paths.values_mut().flat_map(super::operations).for_each(in_request);
}

fn in_request(operation: &mut Operation) {
    for parameter in operation.parameters.iter_mut().flatten() {
        if let RefOr::T(parameter) = parameter {
            parameter.schema.iter_mut().for_each(without_null);
        }
    }
    if let Some(RefOr::T(body)) = &mut operation.request_body {
        for content in body.content.values_mut() {
            if let RefOr::T(content) = content {
                content.schema.iter_mut().for_each(without_null);
            }
        }
    }
}

fn without_null(schema: &mut RefOr<Schema>) {
    if let RefOr::T(Schema::OneOf(one_of)) = schema {
        let before = one_of.items.len();
        one_of.items.retain(|item| !is_null(item));
        if let (2, [only]) = (before, one_of.items.as_slice()) {
            *schema = only.clone();
        }
    }
    let RefOr::T(schema) = schema else { return };
    match schema {
        Schema::Object(object) => {
            if let SchemaType::Array(types) = &mut object.schema_type {
                types.retain(|kind| *kind != Type::Null);
                if let [only] = types.as_slice() {
                    object.schema_type = SchemaType::Type(only.clone());
                }
            }
            object.properties.values_mut().for_each(without_null);
        }
        Schema::Array(array) => {
            if let ArrayItems::RefOrSchema(items) = &mut array.items {
                without_null(items);
            }
        }
        Schema::OneOf(one_of) => one_of.items.iter_mut().for_each(without_null),
        Schema::AllOf(all_of) => all_of.items.iter_mut().for_each(without_null),
        Schema::AnyOf(any_of) => any_of.items.iter_mut().for_each(without_null),
        _ => {}
    }
}

fn is_null(schema: &RefOr<Schema>) -> bool {
    matches!(schema, RefOr::T(Schema::Object(object)) if object.schema_type == SchemaType::Type(Type::Null))
}
