//! The wire: code generated from `proto/parapet/v1`. Only `api` uses it; everybody else speaks
//! `model`.

/// Package `parapet.v1`.
#[allow(
    missing_docs,
    unreachable_pub,
    clippy::all,
    clippy::unwrap_used,
    clippy::too_many_lines,
    clippy::allow_attributes_without_reason,
    reason = "generated code follows its generator's style"
)]
pub mod v1 {
    tonic::include_proto!("parapet.v1");

    /// Every message and service, for reflection.
    pub const FILE_DESCRIPTOR_SET: &[u8] = tonic::include_file_descriptor_set!("parapet_v1");
}
