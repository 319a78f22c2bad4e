//! A server's connection: plain or in TLS, over when its end comes, and what is held while it is
//! open.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;
use tokio_util::either::Either;

/// The bytes below HTTP: plain on the left, in TLS on the right.
pub(crate) type Wire = Either<TcpStream, Box<TlsStream<TcpStream>>>;

/// An open connection. Reads and writes fail once `end` is ready, and wake when that happens.
pub(crate) struct Connection<E, H> {
    wire: Wire,
    end: Pin<Box<E>>,
    error: io::ErrorKind,
    held: H,
}

impl<E: Future<Output = ()>, H> Connection<E, H> {
    /// `end` ends it with `error`; `held` is dropped with it.
    pub(crate) fn new(wire: Wire, end: E, error: io::ErrorKind, held: H) -> Self {
        Self {
            wire,
            end: Box::pin(end),
            error,
            held,
        }
    }

    /// What is held while it is open.
    pub(crate) fn held(&self) -> &H {
        &self.held
    }

    fn alive(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        match self.end.as_mut().poll(context) {
            Poll::Ready(()) => Err(self.error.into()),
            Poll::Pending => Ok(()),
        }
    }
}

impl<E: Future<Output = ()>, H: Unpin> AsyncRead for Connection<E, H> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.alive(context)?;
        Pin::new(&mut self.wire).poll_read(context, buffer)
    }
}

impl<E: Future<Output = ()>, H: Unpin> AsyncWrite for Connection<E, H> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.alive(context)?;
        Pin::new(&mut self.wire).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.alive(context)?;
        Pin::new(&mut self.wire).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.wire).poll_shutdown(context)
    }
}
