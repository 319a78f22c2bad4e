//! Who may do what: roles, and the cameras a role is for.

use std::fmt;
use std::sync::Arc;

use super::ids::CameraId;

/// What somebody may do; `access::methods` says what that is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Reads events and cameras, and acknowledges.
    Subscriber,
    /// Besides, deals with cameras and consumers.
    Operator,
    /// Configuration, clients and the audit log; reads no events.
    Admin,
}

impl Role {
    /// All roles.
    pub const ALL: [Self; 3] = [Self::Subscriber, Self::Operator, Self::Admin];

    /// The word of the configuration.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Subscriber => "subscriber",
            Self::Operator => "operator",
            Self::Admin => "admin",
        }
    }

    /// The role of a word.
    #[must_use]
    pub fn by_name(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == word)
    }
}

/// Why a text is no pattern.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is no camera pattern: use 1 to 64 letters, digits, `-`, `_`, `.`, and `*` for any"
)]
pub struct PatternError {
    text: String,
}

/// Camera ids, where `*` stands for any letters or none: `yard-*`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CameraPattern(Arc<str>);

impl CameraPattern {
    /// Checks the text.
    ///
    /// # Errors
    /// [`PatternError`] for signs that no camera id has.
    pub fn new(text: &str) -> Result<Self, PatternError> {
        let fits = (1..=64).contains(&text.chars().count())
            && text
                .chars()
                .all(|c| c.is_alphanumeric() || "-_.*".contains(c));
        if fits {
            Ok(Self(text.into()))
        } else {
            Err(PatternError {
                text: text.to_owned(),
            })
        }
    }

    /// The pattern's text; SQLite's GLOB reads it the same way.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the camera is meant. Every star takes as little as it can, which finds a match
    /// where there is one, in time proportional to the text for each part.
    #[must_use]
    pub fn matches(&self, camera: &CameraId) -> bool {
        let text = camera.as_str();
        let Some((first, rest)) = self.0.split_once('*') else {
            return *self.0 == *text;
        };
        let Some(mut text) = text.strip_prefix(first) else {
            return false;
        };
        let mut parts: Vec<&str> = rest.split('*').collect();
        let last = parts.pop().unwrap_or("");
        for part in parts {
            match text.find(part) {
                Some(at) => text = &text[at + part.len()..],
                None => return false,
            }
        }
        text.ends_with(last)
    }
}

/// Which cameras somebody may see and touch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Scope {
    /// All of them.
    #[default]
    All,
    /// Those that one of the patterns means.
    Only(Vec<CameraPattern>),
}

impl Scope {
    /// Whether the camera is in it.
    #[must_use]
    pub fn allows(&self, camera: &CameraId) -> bool {
        match self {
            Self::All => true,
            Self::Only(patterns) => patterns.iter().any(|pattern| pattern.matches(camera)),
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("all"),
            Self::Only(patterns) => {
                let words: Vec<_> = patterns.iter().map(CameraPattern::as_str).collect();
                f.write_str(&words.join(" "))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn matches(pattern: &str, camera: &str) -> bool {
        let camera = CameraId::new(camera).expect("id");
        CameraPattern::new(pattern)
            .expect("pattern")
            .matches(&camera)
    }

    #[test]
    fn a_star_stands_for_any_letters_or_none() {
        for (pattern, camera) in [
            ("yard-*", "yard-"),
            ("yard-*", "yard-1"),
            ("*", "x"),
            ("*-1", "yard-1"),
            ("a*b*c", "abc"),
            ("a*b*c", "axxbbc"),
            ("**", "x"),
            ("yard-1", "yard-1"),
        ] {
            assert!(matches(pattern, camera), "{pattern} {camera}");
        }
        for (pattern, camera) in [
            ("yard-*", "ward-1"),
            ("yard-1", "yard-12"),
            ("a*b*c", "acb"),
            ("a*a", "a"),
            ("*-1", "yard-12"),
        ] {
            assert!(!matches(pattern, camera), "{pattern} {camera}");
        }
        assert!(CameraPattern::new("yard[1]").is_err() && CameraPattern::new("").is_err());
    }

    #[test]
    fn an_empty_list_of_patterns_allows_nothing() {
        let camera = CameraId::new("yard-1").expect("id");
        assert!(!Scope::Only(Vec::new()).allows(&camera) && Scope::All.allows(&camera));
    }

    /// The definition, slowly: a star takes nothing, or one letter and stays.
    fn slowly(pattern: &[u8], text: &[u8]) -> bool {
        match (pattern, text) {
            ([], []) => true,
            ([b'*', rest @ ..], _) => {
                slowly(rest, text) || (!text.is_empty() && slowly(pattern, &text[1..]))
            }
            ([sign, rest @ ..], [letter, others @ ..]) => sign == letter && slowly(rest, others),
            _ => false,
        }
    }

    proptest! {
        #[test]
        fn matching_is_what_its_definition_says(pattern in "[ab*]{1,8}", text in "[ab]{1,8}") {
            prop_assert_eq!(matches(&pattern, &text), slowly(pattern.as_bytes(), text.as_bytes()));
        }
    }
}
