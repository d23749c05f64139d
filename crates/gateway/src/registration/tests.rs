//! Login tokens that are taken, and those that are not.

use denrei_model::clock::Timestamp;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::json;

use super::*;

const SECRET: &str = "a secret of the operator's, long enough";
const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

fn registration(jwt: JwtOptions) -> Registration {
    Registration::new(&RegistrationOptions { mode: Mode::Jwt, jwt }, None).unwrap()
}

fn by_secret() -> JwtOptions {
    JwtOptions {
        hs256_secret: Some(Secret::new(SECRET.to_owned())),
        issuer: Some("shop".to_owned()),
        audience: Some("denrei".to_owned()),
        ..JwtOptions::default()
    }
}

fn token(claims: &serde_json::Value, algorithm: Algorithm, secret: &str) -> String {
    encode(&Header::new(algorithm), claims, &EncodingKey::from_secret(secret.as_bytes())).unwrap()
}

fn good() -> serde_json::Value {
    json!({"sub": "anna", "iss": "shop", "aud": ["denrei", "other"], "exp": 1_800_000_100})
}

#[test]
fn a_token_of_the_operator_names_the_person() {
    let token = token(&good(), Algorithm::HS256, SECRET);
    assert_eq!(registration(by_secret()).subject(&token, NOW), Ok("anna".to_owned()));
}

#[test]
fn whatever_is_wrong_with_a_token_it_is_refused() {
    let registration = registration(by_secret());
    let with = |name: &str, value: serde_json::Value| {
        let mut claims = good();
        claims[name] = value;
        token(&claims, Algorithm::HS256, SECRET)
    };
    let mut without = good();
    without.as_object_mut().unwrap().remove("exp");
    let unsigned = {
        let signed = token(&good(), Algorithm::HS256, SECRET);
        format!("{}.", signed.rsplit_once('.').unwrap().0)
    };
    for (what, token) in [
        ("another secret", token(&good(), Algorithm::HS256, "another secret of somebody else's, too")),
        ("another algorithm", token(&good(), Algorithm::HS384, SECRET)),
        ("no signature", unsigned),
        ("no end", token(&without, Algorithm::HS256, SECRET)),
        ("ended", with("exp", json!(1_799_999_900))),
        ("not yet", with("nbf", json!(1_800_000_090))),
        ("another issuer", with("iss", json!("else"))),
        ("another audience", with("aud", json!("else"))),
        ("nobody", with("sub", json!(""))),
        ("no token", "abc".to_owned()),
    ] {
        let problem = registration.subject(&token, NOW).expect_err(what);
        assert_eq!(problem.code(), Code::Unauthorized, "{what}");
    }
}

#[test]
fn keys_that_cannot_be_used_are_found_at_the_start() {
    let refused = |jwt, jwks| Registration::new(&RegistrationOptions { mode: Mode::Jwt, jwt }, jwks).is_err();
    assert!(refused(JwtOptions::default(), None), "no key at all");
    let short = JwtOptions { hs256_secret: Some(Secret::new("short".to_owned())), ..JwtOptions::default() };
    assert!(refused(short, None));
    let pem = JwtOptions { rs256_public_key: Some("no key".to_owned()), ..JwtOptions::default() };
    assert!(refused(pem, None));
    assert!(refused(JwtOptions::default(), Some("{\"keys\": []}")));
    assert!(refused(JwtOptions::default(), Some("{")));
}

#[test]
fn all_that_is_wrong_with_keys_is_said_each_by_its_key() {
    let faults = |mode, jwt, jwks| RegistrationOptions { mode, jwt }.faults(jwks);
    let wrong = JwtOptions {
        hs256_secret: Some(Secret::new("short".to_owned())),
        rs256_public_key: Some("no key".to_owned()),
        jwks_file: Some("jwks.json".into()),
        ..JwtOptions::default()
    };
    let said = faults(Mode::Jwt, wrong.clone(), Some("{"));
    let keys: Vec<&str> = said.iter().filter_map(|fault| fault.split(": ").next()).collect();
    assert_eq!(keys, ["jwt.hs256_secret", "jwt.rs256_public_key", "jwt.jwks_file"], "{said:?}");
    assert_eq!(faults(Mode::Open, wrong.clone(), None).len(), 2, "a node refuses them in every mode");
    let file_alone = JwtOptions { jwks_file: wrong.jwks_file, ..JwtOptions::default() };
    assert_eq!(faults(Mode::Jwt, file_alone, None), [""; 0]);
    assert_eq!(faults(Mode::Jwt, JwtOptions::default(), None), [NO_KEY]);
    assert_eq!(faults(Mode::Server, JwtOptions::default(), None), [""; 0]);
}

#[test]
fn a_key_set_that_cannot_be_used_leaves_the_last_good_one() {
    let registration = registration(by_secret());
    let options = RegistrationOptions { mode: Mode::Jwt, jwt: by_secret() };
    assert!(registration.replace_keys(&options, "nothing").is_err());
    assert!(registration.subject(&token(&good(), Algorithm::HS256, SECRET), NOW).is_ok());
}
