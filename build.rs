//! Builds the agent, so that `env` can carry it inside itself.
//!
//! A cargo of its own with its own target directory: a static program for this architecture, made rather for size than for
//! speed, whatever the outer build is. It leaves `envup-agent` in OUT_DIR.

use std::env;
use std::path::PathBuf;
use std::process::Command;

/// Has lld leave out what nobody reads.
const WITHOUT_UNWINDING: &str = "crates/agent/without_unwinding.ld";

fn main() {
    println!("cargo::rerun-if-changed=crates/agent/Cargo.toml");
    println!("cargo::rerun-if-changed=crates/agent/src");
    println!("cargo::rerun-if-changed={WITHOUT_UNWINDING}");
    println!("cargo::rerun-if-changed=Cargo.lock");
    if let Err(reason) = build_agent() {
        println!("cargo::error=the agent could not be built: {reason}");
    }
}

fn build_agent() -> Result<(), String> {
    let out = PathBuf::from(variable("OUT_DIR")?);
    let target = variable("TARGET")?;
    let built = out.join("agent");
    // At a fixed address: a twentieth smaller than with the tables that would let it be moved.
    let mut flags = "-Ctarget-feature=+crt-static\x1f-Crelocation-model=static".to_owned();
    if target == "x86_64-unknown-linux-gnu" {
        let script = PathBuf::from(variable("CARGO_MANIFEST_DIR")?).join(WITHOUT_UNWINDING);
        flags += &format!("\x1f-Clink-arg=-T\x1f-Clink-arg={}", script.display());
    }
    let status = Command::new(variable("CARGO")?)
        .current_dir(variable("CARGO_MANIFEST_DIR")?)
        .args([
            "build",
            "--quiet",
            "--release",
            "--locked",
            "--package",
            "envup-agent",
            "--bin",
            "envup-agent",
        ])
        // Named even when it is the host's own: only then the flags stay away from build scripts and macros.
        .args(["--target", &target])
        .arg("--target-dir")
        .arg(&built)
        // Where most of a fingerprint's time goes; made for size they take several times as long.
        .args(["--config", "profile.release.package.sha2.opt-level=3"])
        .args(["--config", "profile.release.package.md-5.opt-level=2"])
        .args(["--config", "profile.release.package.base64.opt-level=2"])
        .args(["--config", "profile.release.package.lz4_flex.opt-level=2"])
        .args(["--config", "profile.release.package.serde_json.opt-level=2"])
        .env("CARGO_ENCODED_RUSTFLAGS", flags)
        .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "s")
        .env("CARGO_PROFILE_RELEASE_LTO", "fat")
        .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "1")
        .env("CARGO_PROFILE_RELEASE_PANIC", "abort")
        .env("CARGO_PROFILE_RELEASE_STRIP", "true")
        // The outer cargo may be clippy: its wrapper would check the agent instead of building it.
        .env_remove("RUSTC_WORKSPACE_WRAPPER")
        .env_remove("RUSTFLAGS")
        .status()
        .map_err(|error| format!("cannot start cargo: {error}"))?;
    if !status.success() {
        return Err(format!(
            "cargo ended with {status}; if that was its linker: it must be lld, as in the toolchains of rustup"
        ));
    }
    let program = built.join(&target).join("release").join("envup-agent");
    std::fs::copy(&program, out.join("envup-agent"))
        .map_err(|error| format!("cannot copy {}: {error}", program.display()))?;
    Ok(())
}

#[allow(clippy::disallowed_methods)] // cargo speaks to build scripts through the environment
fn variable(name: &str) -> Result<String, String> {
    env::var(name).map_err(|error| format!("{name}: {error}"))
}
