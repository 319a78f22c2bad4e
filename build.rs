//! Generates the gRPC code from `proto/parapet/v1`; needs `protoc`.

use std::path::PathBuf;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo:rerun-if-changed=proto");
    let out = PathBuf::from(std::env::var_os("OUT_DIR").ok_or("cargo sets OUT_DIR")?);
    let files = ["event", "events", "cameras", "admin", "uplink"]
        .map(|name| format!("proto/parapet/v1/{name}.proto"));
    tonic_prost_build::configure()
        .file_descriptor_set_path(out.join("parapet_v1.bin"))
        .compile_protos(&files, &["proto".to_owned()])?;
    Ok(())
}
