//! Rust source, reduced to what the compiler acts on. Reads well-formed code only.

/// `text` without comments and without what stands between quotes.
pub(crate) fn code_only(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        let after_name = code.ends_with(|c: char| c.is_alphanumeric() || c == '_');
        let raw = if after_name { None } else { raw_string_len(rest) };
        let skipped = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            block_comment_len(rest)
        } else if let Some(len) = raw {
            len
        } else if next == '"' {
            quoted_len(rest, '"')
        } else if next == '\'' && is_char_literal(rest) {
            quoted_len(rest, '\'')
        } else {
            code.push(next);
            rest = &rest[next.len_utf8()..];
            continue;
        };
        code.push(' ');
        rest = &rest[skipped..];
    }
    code
}

/// `code` without the items under `#[cfg(test)]`. Expects what [`code_only`] gives.
pub(crate) fn without_tests(code: &str) -> String {
    const MARK: &str = "#[cfg(test)]";
    let mut product = String::with_capacity(code.len());
    let mut rest = code;
    while let Some(at) = rest.find(MARK) {
        product.push_str(&rest[..at]);
        rest = &rest[at + MARK.len()..];
        let mut depth = 0_usize;
        let end = rest.char_indices().find_map(|(at, c)| {
            match c {
                '{' => depth += 1,
                '}' => depth = depth.saturating_sub(1),
                _ => {}
            }
            (depth == 0 && matches!(c, '}' | ';')).then_some(at + 1)
        });
        rest = &rest[end.unwrap_or(rest.len())..];
    }
    product.push_str(rest);
    product
}

/// Length of the block comment, which may hold others, at the start of `rest`.
fn block_comment_len(rest: &str) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while at < rest.len() {
        if rest[at..].starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest[at..].starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += rest[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    at
}

/// Length of `r"…"`, `r#"…"#`, `br"…"` at the start of `rest`.
fn raw_string_len(rest: &str) -> Option<usize> {
    let opened = rest.strip_prefix("br").or_else(|| rest.strip_prefix('r'))?;
    let body = opened.trim_start_matches('#');
    let hashes = opened.len() - body.len();
    let inner = body.strip_prefix('"')?;
    let close = format!("\"{}", "#".repeat(hashes));
    let inner_len = inner.find(&close).map_or(inner.len(), |at| at + close.len());
    Some(rest.len() - inner.len() + inner_len)
}

/// Length of the literal at the start of `rest`, with its quotes.
fn quoted_len(rest: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        if escaped {
            escaped = false;
        } else if c == '\\' {
            escaped = true;
        } else if c == quote {
            return at + c.len_utf8();
        }
    }
    rest.len()
}

/// Tells `'a'` and `'\n'` from the lifetime `'a`.
fn is_char_literal(rest: &str) -> bool {
    let mut chars = rest.chars().skip(1);
    chars.next() == Some('\\') || chars.next() == Some('\'')
}
