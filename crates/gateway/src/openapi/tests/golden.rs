//! `docs/openapi.json` is, byte for byte, what `GET /openapi.json` answers.

use super::stage::text;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/openapi.json");
const HOW: &str = "docs/openapi.json is not what is served. See whether clients can live with the difference, then renew it:\n\
    DENREI_RENEW=1 cargo test -p denrei-gateway openapi";

#[actix_web::test]
#[expect(clippy::disallowed_methods, reason = "whoever runs the test says so by the environment")]
async fn the_golden_file_is_the_document_that_is_served() {
    let served = text().await;
    if std::env::var_os("DENREI_RENEW").is_some() {
        std::fs::write(FILE, &served).unwrap();
    }
    let kept = std::fs::read_to_string(FILE).unwrap_or_default();
    if kept == served {
        return;
    }
    let differs = (1..).zip(kept.lines().zip(served.lines())).find(|(_, (kept, served))| kept != served);
    match differs {
        Some((number, (kept, served))) => {
            panic!("{HOW}\nline {number}\n  kept:   {kept}\n  served: {served}")
        }
        None => panic!("{HOW}\none is longer than the other"),
    }
}
