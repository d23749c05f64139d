//! Cross-origin requests: which web pages may call the node.

use actix_cors::Cors;
use actix_web::http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderName, RETRY_AFTER};
use actix_web::http::{Method, Uri};
use serde::Deserialize;

/// Seconds for which a browser keeps what it was told.
const KEPT: usize = 3_600;

/// What the operator may set about cross-origin requests. Does not reload.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CorsOptions {
    /// Origins whose pages may call, such as `https://chat.example`; `*` for any. Default none.
    pub origins: Vec<String>,
}

impl CorsOptions {
    /// Everything that is wrong with these options, each by its key: what is not an origin as browsers write it allows no page.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        let wrong = self.origins.iter().filter(|origin| !is_origin(origin));
        wrong
            .map(|origin| {
                format!(
                    "origins: {origin:?} is no origin: expected SCHEME://HOST or SCHEME://HOST:PORT in lower case, with neither \
                     a path nor the scheme's own port; or \"*\""
                )
            })
            .collect()
    }
}

/// Whether a browser may send this as `Origin`, or it stands for all of them.
fn is_origin(text: &str) -> bool {
    // `null` is what pages without an origin send.
    if matches!(text, "*" | "null") {
        return true;
    }
    let Ok(uri) = text.parse::<Uri>() else { return false };
    let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else { return false };
    let own_port = match scheme {
        "http" => Some(80),
        "https" => Some(443),
        _ => None,
    };
    // What stands before the host, as a name and a password would, is none of an origin.
    let port = match authority.as_str().strip_prefix(authority.host()) {
        Some("") => true,
        Some(rest) => {
            let port = rest.strip_prefix(':').and_then(|port| port.parse::<u16>().ok());
            port.is_some_and(|port| Some(port) != own_port)
        }
        None => false,
    };
    port && text == format!("{scheme}://{authority}")
        && !authority.host().is_empty()
        && !authority.host().contains('*')
        && !text.bytes().any(|byte| byte.is_ascii_uppercase())
}

/// The layer for an app. Tokens travel in a header that pages must set themselves, so no credentials of the browser are asked for.
pub fn cors(options: &CorsOptions) -> Cors {
    let key = HeaderName::from_static("idempotency-key");
    let mut cors = Cors::default()
        .allowed_methods([
            Method::GET,
            Method::HEAD,
            Method::POST,
            Method::PUT,
            Method::PATCH,
            Method::DELETE,
        ])
        .allowed_headers([ACCEPT, AUTHORIZATION, CONTENT_TYPE, key])
        .expose_headers([RETRY_AFTER])
        .max_age(KEPT);
    // To allow one more after all would leave that one alone.
    if options.origins.iter().any(|origin| origin == "*") {
        return cors.allow_any_origin();
    }
    for origin in &options.origins {
        cors = cors.allowed_origin(origin);
    }
    cors
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, ORIGIN};
    use actix_web::test::{TestRequest, call_service, init_service};
    use actix_web::{App, HttpResponse, web};

    use super::*;

    fn options(origins: &[&str]) -> CorsOptions {
        CorsOptions { origins: origins.iter().map(|origin| (*origin).to_owned()).collect() }
    }

    async fn is_allowed(options: &CorsOptions, origin: &str) -> bool {
        let app = App::new().wrap(cors(options)).default_service(web::to(HttpResponse::Ok));
        let app = init_service(app).await;
        let request = TestRequest::get().insert_header((ORIGIN, origin)).to_request();
        call_service(&app, request).await.headers().contains_key(ACCESS_CONTROL_ALLOW_ORIGIN)
    }

    #[actix_web::test]
    async fn what_is_no_origin_is_a_fault_and_all_others_are_allowed() {
        for wrong in [
            "",
            "nonsense",
            "a.example",
            "//a.example",
            "/",
            "https://",
            "https://a.example/",
            "https://a.example/chat",
            "https://a.example?x",
            "https://A.example",
            "HTTPS://a.example",
            "https://a.example:443",
            "http://a.example:80",
            "https://a.example:",
            "https://a.example:99999",
            "https://me@a.example",
            "https://a b",
            "https://*.example",
        ] {
            let faults = options(&[wrong]).faults();
            assert_eq!(faults.len(), 1, "{wrong}");
            assert!(faults[0].starts_with(&format!("origins: {wrong:?}")), "{faults:?}");
        }
        for good in [
            "https://a.example",
            "https://a.example:8443",
            "http://localhost:3000",
            "http://a.example:443",
            "http://[::1]:3000",
            "capacitor://localhost",
            "null",
        ] {
            assert_eq!(options(&[good]).faults(), [""; 0], "{good}");
            assert!(is_allowed(&options(&[good]), good).await, "{good}");
            assert!(!is_allowed(&options(&[good]), "https://b.example").await, "{good}");
        }
    }

    #[actix_web::test]
    async fn a_star_allows_all_whatever_stands_beside_it() {
        for origins in [&["*"][..], &["*", "https://a.example"], &["https://a.example", "*"]] {
            assert_eq!(options(origins).faults(), [""; 0]);
            assert!(is_allowed(&options(origins), "https://b.example").await, "{origins:?}");
        }
    }
}
