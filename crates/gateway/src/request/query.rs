//! Queries, read so that a field that is not as it must be is named; and refused where nothing reads them.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage as _, HttpRequest};
use serde::de::DeserializeOwned;

use super::body::Nothing;
use crate::problem::{Code, Problem};

/// What stands after the question mark.
pub struct Query<T>(pub(crate) T);

impl<T> Query<T> {
    /// What was asked for.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T: DeserializeOwned> FromRequest for Query<T> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        if !request.query_string().is_empty() {
            request.extensions_mut().insert(IsRead);
        }
        ready(parse(request.query_string()).map(Self))
    }
}

/// Marks a request whose query somebody reads.
struct IsRead;

/// Refuses what a query says that nobody reads, as one that is read refuses what it does not know.
pub(super) fn refuse_unread(request: &HttpRequest) -> Result<(), Problem> {
    if request.extensions().contains::<IsRead>() {
        return Ok(());
    }
    parse::<Nothing>(request.query_string()).map(|Nothing {}| ())
}

fn parse<T: DeserializeOwned>(query: &str) -> Result<T, Problem> {
    let pairs = serde_urlencoded::Deserializer::new(form_urlencoded::parse(query.as_bytes()));
    serde_path_to_error::deserialize(pairs).map_err(|error| {
        let field = error.path().to_string();
        let problem = Problem::new(Code::InvalidRequest).detail(format!("the query: {}", error.inner()));
        if field == "." { problem } else { problem.with("field", field) }
    })
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Deserialize, PartialEq, Debug)]
    #[serde(deny_unknown_fields)]
    struct Asked {
        count: Option<u32>,
    }

    #[test]
    fn a_field_that_is_unknown_or_of_another_type_is_named() {
        assert_eq!(parse("count=7"), Ok(Asked { count: Some(7) }));
        assert_eq!(parse(""), Ok(Asked { count: None }));
        for (query, field) in [("count=x", "count"), ("count=-1", "count"), ("cuont=1", "cuont")] {
            let problem = parse::<Asked>(query).unwrap_err();
            assert_eq!(problem.code(), Code::InvalidRequest, "{query}");
            assert_eq!(problem.body()["field"], field, "{query}");
        }
    }
}
