//! What a request says of itself: who calls, and names.

use tonic::{Request, Status};

use crate::access::Caller;
use crate::model::ids::ConsumerName;

/// Who calls. The guard has put it there; without it nobody is answered.
pub(super) fn caller<T>(request: &Request<T>) -> Result<Caller, Status> {
    let caller = request.extensions().get::<Caller>().cloned();
    caller.ok_or_else(|| Status::unauthenticated("no session"))
}

/// A consumer's name.
///
/// # Errors
/// INVALID_ARGUMENT.
pub(super) fn consumer(name: &str) -> Result<ConsumerName, Status> {
    ConsumerName::new(name).map_err(|error| Status::invalid_argument(format!("consumer: {error}")))
}
