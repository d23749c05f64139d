//! Rust text without its comments and its inline tests: good enough to look for names in, no parser.

/// The code of a file: comments gone, and everything from an inline `mod … {` under `#[cfg(test)]` on.
pub(crate) fn code(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        if line.trim() == "#[cfg(test)]" && lines.peek().is_some_and(|next| opens_module(next)) {
            break;
        }
        kept.push_str(without_comment(line));
        kept.push('\n');
    }
    kept
}

fn opens_module(line: &str) -> bool {
    line.split_whitespace().any(|word| word == "mod") && line.trim_end().ends_with('{')
}

/// A line up to its `//`, unless that stands in a string.
fn without_comment(line: &str) -> &str {
    let mut quoted = false;
    let mut before = ' ';
    for (at, letter) in line.char_indices() {
        match letter {
            '"' if before != '\\' && before != '\'' => quoted = !quoted,
            '/' if before == '/' && !quoted => return line.get(..at - 1).unwrap_or_default(),
            _ => {}
        }
        before = letter;
    }
    line
}

/// The names that directly follow each `prefix` (`crate::` for instance), groups in braces unfolded.
pub(crate) fn names_after(code: &str, prefix: &str) -> Vec<String> {
    let mut names = Vec::new();
    for (at, _) in code.match_indices(prefix) {
        let joined = code
            .get(..at)
            .is_some_and(|before| before.ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':'));
        if joined {
            continue;
        }
        let rest = code.get(at + prefix.len()..).unwrap_or_default();
        match rest.strip_prefix('{') {
            Some(group) => names.extend(group_heads(group)),
            None => names.extend(head(rest)),
        }
    }
    names
}

/// The first name of each item of a group whose opening brace is gone.
pub(crate) fn group_heads(group: &str) -> Vec<String> {
    let mut heads = Vec::new();
    let (mut depth, mut start) = (0_u32, 0);
    for (at, letter) in group.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' if depth > 0 => depth -= 1,
            ',' | '}' if depth == 0 => {
                heads.extend(group.get(start..at).and_then(head));
                start = at + 1;
                if letter == '}' {
                    break;
                }
            }
            _ => {}
        }
    }
    heads
}

fn head(text: &str) -> Option<String> {
    let name: String = text.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    (!name.is_empty()).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_inline_tests_are_not_code() {
        let text = "//! a\nlet x = \"//\"; // b\n#[cfg(test)]\nmod tests;\nfn f() {}\n#[cfg(test)]\nmod tests {\n}\n";
        assert_eq!(code(text), "\nlet x = \"//\"; \n#[cfg(test)]\nmod tests;\nfn f() {}\n");
    }

    #[test]
    fn names_are_found_in_paths_and_in_groups() {
        let code = "use crate::a::B;\nuse crate::{b::{C, D}, e, F as G};\nmy_crate::no();";
        assert_eq!(names_after(code, "crate::"), ["a", "b", "e", "F"]);
    }
}
