//! What the document says hangs together.

use std::collections::BTreeSet;

use denrei_model::id::{AccountId, ChatId, DeviceId, LogId};
use serde_json::Value;

use super::stage::{document, documented};
use crate::problem::{Code, MEDIA_TYPE};

/// Calls `look` with every object in a value.
fn each(value: &Value, look: &mut impl FnMut(&serde_json::Map<String, Value>)) {
    match value {
        Value::Object(object) => {
            look(object);
            object.values().for_each(|value| each(value, look));
        }
        Value::Array(values) => values.iter().for_each(|value| each(value, look)),
        _ => {}
    }
}

#[actix_web::test]
async fn every_reference_leads_somewhere_and_every_component_is_referred_to() {
    let document = document().await;
    let mut referred = BTreeSet::new();
    each(&document, &mut |object| {
        if let Some(Value::String(reference)) = object.get("$ref") {
            assert!(document.pointer(reference.trim_start_matches('#')).is_some(), "{reference}");
            referred.insert(reference.clone());
        }
    });
    for kind in ["schemas", "responses", "parameters"] {
        for name in document["components"][kind].as_object().unwrap().keys() {
            let reference = format!("#/components/{kind}/{name}");
            assert!(referred.contains(&reference), "nothing refers to {reference}");
        }
    }
}

#[actix_web::test]
async fn every_operation_has_a_name_of_its_own_a_summary_a_tag_that_is_explained_and_an_answer() {
    let tags = document().await["tags"].as_array().unwrap().clone();
    let mut names = BTreeSet::new();
    for operation in documented().await {
        let (path, says) = (&operation.path, &operation.says);
        assert!(names.insert(says["operationId"].as_str().unwrap().to_owned()), "{path}: a name used twice");
        assert!(says["summary"].as_str().is_some_and(|line| line.ends_with('.')), "{path}: no summary");
        assert!(tags.iter().any(|tag| tag["name"] == says["tags"][0]), "{path}: a tag that is not explained");
        assert!(operation.statuses().iter().any(|status| status.starts_with('2')), "{path}: no answer");
    }
}

#[actix_web::test]
async fn every_name_in_the_braces_of_a_path_is_described() {
    let document = document().await;
    for (path, item) in document["paths"].as_object().unwrap() {
        let named: Vec<&str> = path.split('{').skip(1).filter_map(|rest| rest.split('}').next()).collect();
        let described = item["parameters"].as_array().into_iter().flatten();
        let described: Vec<&str> =
            described.filter_map(|parameter| parameter["$ref"].as_str()?.rsplit('/').next()).collect();
        assert_eq!(named, described, "{path}");
    }
}

#[actix_web::test]
async fn every_code_is_told_by_an_operation_but_for_those_of_no_path_and_no_method() {
    let document = document().await;
    let answers = document["components"]["responses"].as_object().unwrap();
    let told: BTreeSet<&str> = answers.keys().flat_map(|name| name.split('-')).collect();
    let untold: Vec<Code> = Code::ALL.iter().copied().filter(|code| !told.contains(code.as_str())).collect();
    assert_eq!(untold, [Code::MethodNotAllowed]);
    for (name, answer) in answers {
        let schema = &answer["content"][MEDIA_TYPE]["schema"]["allOf"];
        assert_eq!(schema[0]["$ref"], "#/components/schemas/Problem", "{name}");
        let codes = schema[1]["properties"]["code"]["enum"].as_array().unwrap();
        assert!(codes.iter().filter_map(Value::as_str).eq(name.split('-')), "{name}: {codes:?}");
    }
}

#[actix_web::test]
async fn ids_are_strings_of_their_form_and_nothing_is_null() {
    let document = document().await;
    let schemas = &document["components"]["schemas"];
    for (name, prefix) in [
        ("AccountId", AccountId::PREFIX),
        ("ChatId", ChatId::PREFIX),
        ("DeviceId", DeviceId::PREFIX),
        ("LogId", LogId::PREFIX),
    ] {
        assert_eq!(schemas[name]["type"], "string");
        assert_eq!(schemas[name]["pattern"], format!("^{prefix}[0-9a-f]{{32}}$"));
    }
    each(&document, &mut |object| {
        assert!(object.get("type") != Some(&"null".into()), "{object:?}");
        assert!(!object.get("type").is_some_and(Value::is_array), "{object:?}");
        let description = object.get("description").and_then(Value::as_str).unwrap_or_default();
        assert!(!description.contains("[`"), "a link of the source is no word for clients: {description}");
    });
}
