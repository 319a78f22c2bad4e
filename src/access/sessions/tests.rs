use super::*;

fn address(last: u8) -> SocketAddr {
    SocketAddr::from(([10, 0, 0, last], 1_000))
}

fn at(millis: u64) -> Monotonic {
    Monotonic(Duration::from_millis(millis))
}

fn peer(last: u8) -> Peer {
    Peer {
        address: address(last),
        identity: "platform".into(),
        serial: String::new(),
        not_after: Some(1_000),
    }
}

fn limits() -> LimitsConfig {
    LimitsConfig {
        connections: 3,
        connections_per_address: 2,
        handshakes: 3,
        handshakes_per_address: 2,
        handshakes_per_second: 1_000.0,
        streams: 3,
        streams_per_client: 2,
        ..LimitsConfig::default()
    }
}

fn refused<T>(result: Result<T, Refusal>) -> Refusal {
    result.map(|_| ()).expect_err("a limit was passed")
}

#[test]
fn handshakes_are_limited_in_all_and_of_one_address_and_their_places_come_back() {
    let (sessions, limits) = (Arc::new(Sessions::default()), limits());
    let admit = |last| sessions.admit(address(last), &limits, at(0));
    let (first, second) = (admit(1), admit(1));
    assert_eq!(refused(admit(1)), Refusal::HandshakesOfAddress);
    let third = admit(2);
    assert_eq!(refused(admit(3)), Refusal::Handshakes);
    drop(first);
    assert!(admit(1).is_ok());
    drop((second, third));
}

#[test]
fn those_without_a_certificate_take_no_place_from_those_with_one() {
    let (sessions, limits) = (Arc::new(Sessions::default()), limits());
    let open = |last| {
        let admission = sessions.admit(address(last), &limits, at(0))?;
        admission.open(peer(last), &limits, UtcMicros(0), at(0))
    };
    let entries = [open(1).expect("room"), open(1).expect("room")];
    assert_eq!(refused(open(1)), Refusal::ConnectionsOfAddress);
    let third = open(2).expect("room");
    assert_eq!(refused(open(3)), Refusal::Connections);
    assert_eq!(sessions.list().len(), 3);
    // Handshakes that were over are not counted any more.
    assert_eq!(sessions.inner.lock().handshakes, 0);
    drop(entries);
    assert!(open(1).is_ok());
    drop(third);
    assert_eq!(sessions.list().len(), 0);
}

#[test]
fn one_address_cannot_come_faster_than_its_rate() {
    let (sessions, mut limits) = (Arc::new(Sessions::default()), limits());
    limits.handshakes_per_second = 2.0;
    let come = |millis| sessions.admit(address(1), &limits, at(millis)).map(drop);
    for _ in 0..4 {
        assert_eq!(come(0), Ok(()));
    }
    assert_eq!(come(0), Err(Refusal::HandshakeRate));
    assert!(sessions.admit(address(2), &limits, at(0)).is_ok());
    assert_eq!(come(500), Ok(()));
}

#[test]
fn addresses_that_left_are_forgotten_and_the_list_stays_bounded() {
    let (sessions, limits) = (Arc::new(Sessions::default()), limits());
    let from = |n: u32| SocketAddr::from((std::net::Ipv4Addr::from_bits(n), 1));
    for n in 0..20_000 {
        let now = at(u64::from(n) * 10);
        drop(sessions.admit(from(n), &limits, now));
        assert!(sessions.inner.lock().addresses.len() <= MAX_ADDRESSES);
    }
}

#[test]
fn a_whole_ipv6_network_counts_as_one_address() {
    let one: SocketAddr = "[2001:db8::1]:1".parse().expect("address");
    let two: SocketAddr = "[2001:db8::2]:1".parse().expect("address");
    let far: SocketAddr = "[2001:db8:0:1::1]:1".parse().expect("address");
    let mapped: SocketAddr = "[::ffff:10.0.0.1]:1".parse().expect("address");
    assert_eq!(network(one), network(two));
    assert_ne!(network(one), network(far));
    assert_eq!(network(mapped), network(address(1)));
}

#[test]
fn streams_are_limited_in_all_and_of_one_client() {
    let (sessions, limits) = (Arc::new(Sessions::default()), limits());
    let (a, b): (Arc<str>, Arc<str>) = ("a".into(), "b".into());
    let held = [sessions.stream(&a, &limits), sessions.stream(&a, &limits)];
    assert_eq!(
        refused(sessions.stream(&a, &limits)),
        Refusal::StreamsOfClient
    );
    let third = sessions.stream(&b, &limits).expect("room");
    assert_eq!(refused(sessions.stream(&b, &limits)), Refusal::Streams);
    drop(held);
    assert_eq!(sessions.streams_of("a"), 0);
    assert!(sessions.stream(&b, &limits).is_ok());
    drop(third);
}

#[test]
fn who_asks_nothing_is_cut_and_who_has_a_call_under_way_is_not() {
    let (sessions, mut limits) = (Arc::new(Sessions::default()), limits());
    limits.first_request = Duration::from_millis(100);
    limits.idle = Duration::from_millis(1_000);
    let open = |last| {
        let admission = sessions.admit(address(last), &limits, at(0));
        let admission = admission.expect("room");
        admission
            .open(peer(last), &limits, UtcMicros(0), at(0))
            .expect("room")
    };
    let (silent, busy) = (open(1), open(2));
    busy.session().asked(at(50));
    let call = busy.session().call();
    let why = |now, seconds| -> Vec<(u64, Refusal)> {
        let over = sessions.sweep(&limits, at(now), seconds);
        over.iter()
            .map(|(session, why)| (session.id, *why))
            .collect()
    };
    assert_eq!(why(90, 0), []);
    assert_eq!(why(200, 0), [(silent.session().id, Refusal::FirstRequest)]);
    assert!(silent.session().token().is_cancelled());
    assert_eq!(why(5_000, 0), [], "a call is under way, however long");
    drop(call);
    assert_eq!(why(5_900, 0), []);
    assert_eq!(why(6_100, 0), [(busy.session().id, Refusal::Idle)]);
    let late = open(3);
    assert_eq!(
        why(10, 1_001),
        [(late.session().id, Refusal::CertificateOver)]
    );
}
