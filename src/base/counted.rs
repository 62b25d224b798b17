//! Numbers of things in words.

use std::fmt::Display;

/// `1 name`, `2 names`: `one` with an s where there are not one.
pub fn counted<N: Display + PartialEq + From<u8>>(count: N, one: &str) -> String {
    let plural = if count == N::from(1) { "" } else { "s" };
    format!("{count} {one}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_is_one() {
        assert_eq!([0_u64, 1, 2].map(|n| counted(n, "name")), ["0 names", "1 name", "2 names"]);
    }
}
