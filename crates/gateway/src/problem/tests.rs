//! What every problem and every page keeps to.

use std::collections::BTreeSet;

use actix_web::body::to_bytes;

use super::*;

#[test]
fn every_code_has_a_word_of_its_own_and_a_page_that_says_what_happened_and_what_to_do() {
    let words: BTreeSet<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
    assert_eq!(words.len(), Code::ALL.len());
    for code in Code::ALL {
        let (word, page) = (code.as_str(), code.page());
        assert!(page.starts_with(&format!("# {}\n", code.title())), "{word}: the page has another title");
        let status = format!("`{word}`, status {}", code.status().as_u16());
        for part in [status.as_str(), "## What happened", "## What to do", "## Example"] {
            assert!(page.contains(part), "{word}: the page lacks {part:?}");
        }
        let example = page.split("```json\n").nth(1).and_then(|rest| rest.split("```").next());
        let example: Value = serde_json::from_str(example.expect("an example")).unwrap();
        assert_eq!(example["code"], word);
        assert_eq!(example["status"], code.status().as_u16(), "{word}");
        assert_eq!(example["title"], code.title(), "{word}");
        assert_eq!(example["type"], format!("/problems/{word}"));
    }
}

#[test]
fn there_is_no_page_without_a_code() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/problems");
    for file in std::fs::read_dir(folder).unwrap() {
        let name = file.unwrap().file_name().into_string().unwrap();
        let word = name.strip_suffix(".md").expect("only pages");
        assert!(word == "README" || Code::of(word).is_some(), "{name} is the page of no code");
    }
}

#[actix_web::test]
async fn a_problem_is_answered_with_its_members_and_headers() {
    let problem = Problem::new(Code::Overloaded)
        .detail("later")
        .with("queue", 7)
        .retry_after(Duration::from_millis(1_200));
    let response = problem.error_response();
    assert_eq!(response.status().as_u16(), 503);
    assert_eq!(response.headers().get(RETRY_AFTER).unwrap(), "2");
    assert_eq!(response.headers().get(CONTENT_TYPE).unwrap(), MEDIA_TYPE);
    let body: Value = serde_json::from_slice(&to_bytes(response.into_body()).await.unwrap()).unwrap();
    let expected = serde_json::json!({
        "type": "/problems/overloaded", "title": "The node has too much to do", "status": 503,
        "code": "overloaded", "detail": "later", "queue": 7,
    });
    assert_eq!(body, expected);
}

#[test]
fn whoever_is_refused_for_want_of_a_token_is_told_which_scheme_to_use() {
    for code in Code::ALL {
        let response = Problem::new(*code).error_response();
        let challenged = response.headers().contains_key(WWW_AUTHENTICATE);
        assert_eq!(challenged, code.status() == StatusCode::UNAUTHORIZED, "{code:?}");
    }
}

#[test]
fn whoever_may_try_again_is_told_when() {
    for code in Code::ALL {
        let response = Problem::new(*code).error_response();
        let passes = matches!(code.status().as_u16(), 429 | 503);
        assert_eq!(response.headers().get(RETRY_AFTER).is_some_and(|after| after == "1"), passes, "{code:?}");
    }
}
