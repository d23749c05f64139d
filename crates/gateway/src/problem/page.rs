//! The pages of the codes, served where `type` of a problem points to.

use actix_web::{HttpResponse, web};

use super::{Code, Problem};

/// `GET /problems/{code}`: the page of a code.
///
/// # Errors
/// `not_found` for a word that is no code.
pub async fn get(word: web::Path<String>) -> Result<HttpResponse, Problem> {
    let code = Code::of(&word).ok_or(Code::NotFound)?;
    Ok(HttpResponse::Ok().content_type("text/markdown; charset=utf-8").body(code.page()))
}
