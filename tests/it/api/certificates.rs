//! Certificates: which let somebody in, and how they change under load.

use std::sync::Arc;
use std::time::Duration;

use crate::authority::{Authority, Validity};
use parapet::access::tls::Change;
use parapet::api::client::Client;
use parapet::model::access::Role;

use super::site::{Site, client, good, name_of, now};
use super::support::{Daemon, take};

/// Whether a client with these files gets an answer.
async fn is_let_in(site: &Site, daemon: &Daemon, file: &str) -> bool {
    // TLS 1.3 tells the client of a refused certificate only after the handshake: the first call
    // is the test.
    match site.connect(daemon, file).await {
        Ok(mut client) => client.cameras().await.is_ok(),
        Err(_) => false,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_known_name_of_our_authority_that_is_good_today_is_let_in() {
    let site = Site::new();
    let daemon = site.start(&site.api()).await;
    let platform = name_of(Role::Subscriber);
    assert!(is_let_in(&site, &daemon, &platform).await);

    let other = Authority::new("other", good()).expect("authority");
    site.issue_by(&other, "wrong-authority", &platform, good());
    let (past, future) = (
        Validity {
            from: now() - 7_200,
            until: now() - 3_600,
        },
        Validity {
            from: now() + 3_600,
            until: now() + 7_200,
        },
    );
    site.issue("expired", &platform, past);
    site.issue("not-yet", &platform, future);
    site.issue("unknown", "somebody", good());
    // A server's certificate is no client's.
    let pair = site
        .authority
        .server(std::slice::from_ref(&platform), good());
    let pair = pair.expect("server");
    pair.write(site.files.path(), "servers").expect("write");
    for file in [
        "wrong-authority",
        "expired",
        "not-yet",
        "unknown",
        "servers",
    ] {
        assert!(!is_let_in(&site, &daemon, file).await, "{file}");
    }
    // At least: the client tries again by itself.
    daemon.counted(&["handshake"], 4).await;
    daemon.counted(&["unknown_identity"], 1).await;
    assert!(is_let_in(&site, &daemon, &platform).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_certificate_or_without_tls_nobody_is_let_in() {
    let site = Site::new();
    let daemon = site.start(&site.api()).await;
    let plain = Client::connect(&daemon.url()).await;
    let answered = match plain {
        Ok(mut client) => client.cameras().await.is_ok(),
        Err(_) => false,
    };
    assert!(!answered, "plain text was answered");
    let roots = {
        let mut roots = rustls::RootCertStore::empty();
        use rustls::pki_types::pem::PemObject as _;
        let authority =
            rustls::pki_types::CertificateDer::from_pem_file(site.path("ca.pem")).expect("PEM");
        roots.add(authority).expect("authority");
        roots
    };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let socket = tokio::net::TcpStream::connect(daemon.address)
        .await
        .expect("connect");
    let name = "localhost".try_into().expect("name");
    let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
    let mut stream = connector.connect(name, socket).await.expect("its own half");
    let mut byte = [0];
    let read = tokio::io::AsyncReadExt::read(&mut stream, &mut byte).await;
    assert!(
        !matches!(read, Ok(1..)),
        "the server spoke to somebody without a certificate"
    );
    daemon.counted(&["handshake"], 2).await;
}

/// rustls can speak TLS 1.2 here, for the tests alone ask for that.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_speaks_no_more_than_tls_1_2_is_refused() {
    use rustls::pki_types::pem::PemObject as _;
    let site = Site::new();
    let daemon = site.start(&site.api()).await;
    let authority = rustls::pki_types::CertificateDer::from_pem_file(site.path("ca.pem"));
    let mut roots = rustls::RootCertStore::empty();
    roots.add(authority.expect("PEM")).expect("authority");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS12])
        .expect("TLS 1.2")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let socket = tokio::net::TcpStream::connect(daemon.address).await;
    let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
    let name = "localhost".try_into().expect("name");
    let refused = connector.connect(name, socket.expect("connect")).await;
    let why = refused.expect_err("refused").to_string();
    assert!(why.contains("ProtocolVersion"), "{why}");
}

#[tokio::test(flavor = "multi_thread")]
async fn certificates_change_under_load_and_bad_ones_change_nothing() {
    let site = Site::new();
    let daemon = site.start(&site.api()).await;
    let tls = Arc::clone(daemon.tls.as_ref().expect("certificates"));
    let platform = name_of(Role::Subscriber);
    let mut events = site
        .client(&daemon, &platform)
        .await
        .subscribe_after(0)
        .await
        .expect("subscribe");
    let (mut next, mut serials) = (1, vec![tls.facts().serial]);
    for _ in 0..5 {
        // Connections come all the time while the files change.
        let comers = async {
            for _ in 0..4 {
                assert!(is_let_in(&site, &daemon, &platform).await);
            }
        };
        let change = async {
            site.serve_with(&site.authority, good());
            let looked = tokio::task::block_in_place(|| tls.look(false));
            assert!(matches!(
                looked.expect("good"),
                Change::Taken {
                    authority: false,
                    ..
                }
            ));
        };
        tokio::join!(comers, change);
        daemon.commit(next, next + 99).await;
        assert_eq!(take(&mut events, 100).await.first(), Some(&next));
        next += 100;
        serials.push(tls.facts().serial);
    }
    serials.sort();
    serials.dedup();
    assert_eq!(serials.len(), 6, "each change took");

    let before = tls.facts();
    let expired = Validity {
        from: now() - 7_200,
        until: now() - 3_600,
    };
    site.serve_with(&site.authority, expired);
    let error = tls.look(false).expect_err("expired").to_string();
    assert!(error.contains("it expired at"), "{error}");
    assert_eq!(tls.look(false).expect("told already"), Change::None);
    std::fs::write(site.path("server.pem"), "garbage").expect("write");
    let error = tls.look(false).expect_err("garbage").to_string();
    assert!(error.contains("server.pem"), "{error}");
    std::fs::remove_file(site.path("server.pem")).expect("remove");
    assert!(tls.look(false).is_err());
    assert_eq!(tls.facts(), before);
    assert!(is_let_in(&site, &daemon, &platform).await);
    daemon.commit(next, next).await;
    assert_eq!(take(&mut events, 1).await, [next]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_others_may_read_is_refused_and_its_text_is_in_no_error() {
    use std::os::unix::fs::PermissionsExt as _;
    let site = Site::new();
    let daemon = site.start(&site.api()).await;
    let tls = daemon.tls.as_ref().expect("certificates");
    site.serve_with(&site.authority, good());
    let key = site.path("server.key");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).expect("chmod");
    let error = tls.look(false).expect_err("open to all").to_string();
    assert!(error.contains("0644"), "{error}");
    // Half a key: the error must not quote it.
    let text = std::fs::read_to_string(&key).expect("read");
    let half = &text[..text.len() / 2];
    std::fs::write(&key, half).expect("write");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).expect("chmod");
    let error = format!("{:?}", tls.look(false).expect_err("half a key"));
    let secret = text.lines().nth(1).expect("a line of the key");
    assert!(!error.contains(&secret[..20]), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_authority_and_a_revoked_certificate_close_the_old_connections() {
    let site = Site::new();
    let mut api = site.api();
    let mut tls = site.tls_config();
    tls.revoked = Some(site.path("revoked.pem"));
    std::fs::write(site.path("revoked.pem"), "").expect("write");
    api.door = parapet::config::types::Door::Tls(tls);
    let daemon = site.start(&api).await;
    let tls = daemon.tls.as_ref().expect("certificates");
    let platform = name_of(Role::Subscriber);
    assert!(is_let_in(&site, &daemon, &platform).await);
    let other = Authority::new("other", good()).expect("authority");
    std::fs::write(site.path("ca.pem"), &other.own.certificate).expect("write");
    let change = tls.look(false).expect("good");
    assert!(
        matches!(
            change,
            Change::Taken {
                authority: true,
                ..
            }
        ),
        "{change:?}"
    );
    site.issue_by(&other, "new", &platform, good());
    // The client must still believe the server, whose certificate is the old authority's.
    std::fs::write(site.path("ca.pem"), &site.authority.own.certificate).expect("write");
    assert!(is_let_in(&site, &daemon, "new").await);
    assert!(!is_let_in(&site, &daemon, &platform).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_loses_a_role_is_cut_off_and_who_gets_one_is_let_in_without_a_restart() {
    let site = Site::new();
    let api = site.api();
    let daemon = site.start(&api).await;
    let platform = name_of(Role::Subscriber);
    let mut events = site
        .client(&daemon, &platform)
        .await
        .subscribe_after(0)
        .await
        .expect("subscribe");
    let mut operator = site
        .client(&daemon, &name_of(Role::Operator))
        .await
        .subscribe_after(0)
        .await
        .expect("subscribe");
    site.issue("newcomer", "newcomer", good());
    assert!(!is_let_in(&site, &daemon, "newcomer").await);
    let mut new = api.clone();
    new.clients.retain(|client| *client.identity != platform);
    new.clients.push(client("newcomer", Role::Subscriber));
    daemon.authorizer.update(parapet::access::Policy::of(&new));
    let end = tokio::time::timeout(Duration::from_secs(5), async {
        loop {
            match events.next().await {
                Some(Ok(_)) => {}
                end => return end,
            }
        }
    });
    let end = end.await.expect("cut at once");
    assert!(!matches!(end, Some(Ok(_))));
    assert!(!is_let_in(&site, &daemon, &platform).await);
    assert!(is_let_in(&site, &daemon, "newcomer").await);
    daemon.commit(1, 5).await;
    assert_eq!(take(&mut operator, 5).await, [1, 2, 3, 4, 5]);
}
