//! A server that answers as it is told to.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;

use parapet::base::tasks::named_thread;
use parking_lot::Mutex;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// How the server answers its n-th request; the last goes for all that follow.
#[derive(Clone)]
pub(crate) enum Answer {
    /// What is asked for, whole.
    Whole,
    /// What is asked for, but the connection is cut after so many bytes.
    CutAfter(usize),
    /// A status and nothing else.
    Status(&'static str),
    /// Another file than before, with another tag.
    Changed(Vec<u8>),
}

pub(crate) struct Server {
    pub(crate) address: String,
    /// The heads of the requests that came.
    pub(crate) heard: Arc<Mutex<Vec<String>>>,
}

pub(crate) fn serve(bytes: Vec<u8>, answers: Vec<Answer>) -> Server {
    serve_over(None, bytes, answers)
}

pub(crate) fn serve_over(
    tls: Option<ServerConfig>,
    bytes: Vec<u8>,
    answers: Vec<Answer>,
) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").expect("bound");
    let scheme = if tls.is_some() { "https" } else { "http" };
    let at = listener.local_addr().expect("address");
    let heard = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&heard);
    let tls = tls.map(Arc::new);
    named_thread("server", move || {
        for (number, stream) in listener.incoming().enumerate() {
            let Ok(mut stream) = stream else { return };
            let answer = answers.get(number).or(answers.last()).cloned();
            let answer = answer.unwrap_or(Answer::Whole);
            let head = match &tls {
                None => answer_one(&mut stream, &bytes, answer),
                Some(tls) => {
                    let connection = ServerConnection::new(Arc::clone(tls)).expect("a connection");
                    let mut secure = StreamOwned::new(connection, stream);
                    let head = answer_one(&mut secure, &bytes, answer);
                    secure.conn.send_close_notify();
                    let _ = secure.flush();
                    head
                }
            };
            told.lock().push(head);
        }
    })
    .expect("a thread");
    Server {
        address: format!("{scheme}://{at}/model.onnx"),
        heard,
    }
}

/// Answers one request; returns its head in small letters.
fn answer_one(stream: &mut (impl Read + Write), bytes: &[u8], answer: Answer) -> String {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|read| read == 1) {
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let head = head.to_lowercase();
    let value = |name: &str| {
        let line = head.lines().find_map(|line| line.strip_prefix(name));
        line.map(|value| value.trim().to_owned())
    };
    let (bytes, tag, cut) = match &answer {
        Answer::Status(status) => {
            let text =
                format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            let _ = stream.write_all(text.as_bytes());
            return head;
        }
        Answer::Whole => (bytes, "\"first\"", usize::MAX),
        Answer::CutAfter(cut) => (bytes, "\"first\"", *cut),
        Answer::Changed(other) => (&other[..], "\"second\"", usize::MAX),
    };
    let first = value("range: bytes=").and_then(|range| range.trim_end_matches('-').parse().ok());
    let same = value("if-range: ").is_none_or(|wanted| wanted == tag);
    let (status, from): (String, usize) = match first.filter(|_| same) {
        Some(first) if first >= bytes.len() => {
            let line = format!(
                "416 Range Not Satisfiable\r\ncontent-range: bytes */{}",
                bytes.len()
            );
            (line, bytes.len())
        }
        Some(first) => {
            let (last, all) = (bytes.len() - 1, bytes.len());
            (
                format!("206 Partial Content\r\ncontent-range: bytes {first}-{last}/{all}"),
                first,
            )
        }
        None => ("200 OK".to_owned(), 0),
    };
    let body = &bytes[from..];
    let text = format!(
        "HTTP/1.1 {status}\r\netag: {tag}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    let _ = stream.write_all(text.as_bytes());
    let _ = stream.write_all(&body[..cut.min(body.len())]);
    head
}
