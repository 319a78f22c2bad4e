//! Digest authentication as cameras ask for it (RFC 2617 without `qop`, as RFC 2326 clients
//! expect). MD5 is what the protocol names; it protects simulated cameras and nothing else.

use gstreamer::glib;

const REALM: &str = "parapet server";

/// What a camera with a password asks of one connection.
#[derive(Debug)]
pub(super) struct Challenge {
    nonce: String,
}

impl Challenge {
    /// A challenge that was never made before.
    pub(super) fn new(random: &mut fastrand::Rng) -> Self {
        Self {
            nonce: format!("{:032x}", random.u128(..)),
        }
    }

    pub(super) fn header(&self) -> String {
        format!("Digest realm=\"{REALM}\", nonce=\"{}\"", self.nonce)
    }

    /// Whether an `Authorization` header answers it with the user and password.
    pub(super) fn is_met(&self, method: &str, header: &str, login: &(String, String)) -> bool {
        let Some(parameters) = header.trim().strip_prefix("Digest ") else {
            return false;
        };
        let given = |name: &str| parameter(parameters, name);
        let (user, password) = login;
        let Some(uri) = given("uri") else {
            return false;
        };
        let secret = md5(&format!("{user}:{REALM}:{password}"));
        let request = md5(&format!("{method}:{uri}"));
        given("username") == Some(user)
            && given("nonce") == Some(&self.nonce)
            && given("response") == Some(&md5(&format!("{secret}:{}:{request}", self.nonce)))
    }
}

/// A parameter's value, quoted or not.
fn parameter<'t>(parameters: &'t str, name: &str) -> Option<&'t str> {
    let mut rest = parameters;
    loop {
        let (key, after) = rest.split_once('=')?;
        let after = after.trim_start();
        let (value, next) = match after.strip_prefix('"') {
            Some(quoted) => {
                let (value, next) = quoted.split_once('"')?;
                (value, next.trim_start().strip_prefix(',').unwrap_or(""))
            }
            None => after.split_once(',').unwrap_or((after, "")),
        };
        if key.trim().eq_ignore_ascii_case(name) {
            return Some(value.trim());
        }
        rest = next;
    }
}

fn md5(text: &str) -> String {
    let mut sum = glib::Checksum::new(glib::ChecksumType::Md5);
    if let Some(sum) = sum.as_mut() {
        sum.update(text.as_bytes());
    }
    sum.and_then(glib::Checksum::string)
        .map_or_else(String::new, Into::into)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_right_answer_opens_and_every_other_does_not() {
        assert_eq!(md5("abc"), "900150983cd24fb0d6963f7d28e17f72");
        let challenge = Challenge::new(&mut fastrand::Rng::with_seed(1));
        let login = ("guard".to_owned(), "s,e\"=cret".to_owned());
        let answer = |user: &str, password: &str, nonce: &str| {
            let secret = md5(&format!("{user}:{REALM}:{password}"));
            let request = md5("DESCRIBE:rtsp://h/yard");
            format!(
                "Digest username=\"{user}\", realm=\"{REALM}\", nonce=\"{nonce}\", \
                 uri=\"rtsp://h/yard\", response=\"{}\"",
                md5(&format!("{secret}:{nonce}:{request}"))
            )
        };
        let nonce = challenge.nonce.as_str();
        let right = answer("guard", &login.1, nonce);
        assert!(challenge.is_met("DESCRIBE", &right, &login));
        assert!(!challenge.is_met("SETUP", &right, &login));
        for wrong in [
            answer("guard", "other", nonce),
            answer("clerk", &login.1, nonce),
            answer("guard", &login.1, "00"),
            "Basic Z3VhcmQ6".to_owned(),
            "Digest".to_owned(),
            "Digest =,\"".to_owned(),
        ] {
            assert!(!challenge.is_met("DESCRIBE", &wrong, &login), "{wrong}");
        }
    }
}
