//! A connection that has shown who it is, for tonic to speak HTTP/2 on. It ends at once when its
//! session is cut.

use std::io;
use std::sync::Arc;

use tokio_util::sync::WaitForCancellationFutureOwned;
use tonic::transport::server::Connected;

use super::counted::Counted;
use crate::access::Session;
use crate::access::connection::{self, Wire};
use crate::access::sessions::Entry;
use crate::base::metrics::Metrics;

/// An open connection.
pub(super) type Connection = connection::Connection<WaitForCancellationFutureOwned, Place>;

/// Its place among the sessions and in the count.
pub(super) struct Place {
    entry: Entry,
    _counted: Counted,
}

/// What a request's extensions hold of its connection.
#[derive(Clone, Debug)]
pub(super) struct Peer(pub(super) Arc<Session>);

pub(super) fn open(wire: Wire, entry: Entry, metrics: &Metrics) -> Connection {
    let cut = entry.session().token().cancelled_owned();
    let place = Place {
        entry,
        _counted: Counted::new(&metrics.access.connections),
    };
    Connection::new(wire, cut, io::ErrorKind::ConnectionAborted, place)
}

impl Connected for Connection {
    type ConnectInfo = Peer;

    fn connect_info(&self) -> Peer {
        Peer(Arc::clone(self.held().entry.session()))
    }
}
