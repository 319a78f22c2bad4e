//! Addresses without what nobody may read in a log.

use url::Url;

const HIDDEN: &str = "***";
const SECRET_KEYS: [&str; 12] = [
    "password",
    "passwd",
    "passphrase",
    "pass",
    "pwd",
    "psw",
    "token",
    "access_token",
    "secret",
    "auth",
    "apikey",
    "api_key",
];

/// The address with user, password and password-like parameters replaced by `***`.
///
/// Works on any text. Where it is not plain whether an `@` ends credentials (an unescaped `/` or
/// `#` in a password looks like the end of the host), more is hidden rather than less.
#[must_use]
pub fn redact_url(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let rest = match text.split_once("://") {
        Some((scheme, rest)) => {
            shown.push_str(scheme);
            shown.push_str("://");
            rest
        }
        None => text,
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    let unclear = authority.contains(['@', ':']) || Url::parse(text).is_err();
    let rest = match rest.rfind('@') {
        Some(at) if unclear => {
            shown.push_str(HIDDEN);
            &rest[at..]
        }
        _ => rest,
    };
    for part in rest.split_inclusive(['/', '?', '#', '&', ';']) {
        match part.split_once('=') {
            Some((key, value)) if SECRET_KEYS.contains(&key.to_ascii_lowercase().as_str()) => {
                shown.push_str(key);
                shown.push('=');
                shown.push_str(HIDDEN);
                let end = value.chars().last().filter(|c| "/?#&;".contains(*c));
                shown.extend(end);
            }
            _ => shown.push_str(part),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn credentials_are_hidden_and_the_rest_stays() {
        for (text, shown) in [
            ("rtsp://10.0.0.1:554/live", "rtsp://10.0.0.1:554/live"),
            ("rtsp://u:hunter2@10.0.0.1/live", "rtsp://***@10.0.0.1/live"),
            ("rtsp://u:hun/ter2@cam/live", "rtsp://***@cam/live"),
            ("rtsp://u:hun@ter/2@cam/live", "rtsp://***@cam/live"),
            ("rtsp://u:12#hunter2@cam/live", "rtsp://***@cam/live"),
            ("rtsp://cam/live@2", "rtsp://cam/live@2"),
            (
                "rtsp://cam/a?user=u&password=hunter2&x=1",
                "rtsp://cam/a?user=u&password=***&x=1",
            ),
            (
                "rtsp://cam/user=u&PASSWORD=hunter2/x",
                "rtsp://cam/user=u&PASSWORD=***/x",
            ),
            ("u:hunter2@cam", "***@cam"),
            ("", ""),
        ] {
            assert_eq!(redact_url(text), shown);
        }
    }

    proptest! {
        #[test]
        fn no_password_survives(secret in "[a-z/#?@:&=%]{0,12}Zq9Zq9[a-z/#?@:&=%]{0,12}") {
            let shown = redact_url(&format!("rtsp://user:{secret}@camera/live"));
            prop_assert!(!shown.contains("Zq9"), "{shown}");
        }

        #[test]
        fn a_text_that_can_hold_no_secret_stays(text in "[^@=]{0,80}") {
            prop_assert_eq!(redact_url(&text), text);
        }
    }
}
