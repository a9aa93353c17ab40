//! The things for which a program depends on the files around it: time zones,
//! certificate authorities, a temporary directory and the user database. An
//! image made from scratch has none of them unless they were put there, and a
//! static binary finds out only at run time.
//!
//! Everything here blocks.

use std::io::{self, Write};
use std::sync::{Arc, LazyLock};
use std::time::Duration;
use std::{env, fs};

use anyhow::{Context, Result, anyhow, bail, ensure};
use jiff::tz::TimeZone;
use rustls::pki_types::CertificateDer;
use serde::Serialize;
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use ureq::{Agent, http::Uri};

/// Loads a time zone by its IANA name from the system's zoneinfo files.
pub fn zone(name: &str) -> Result<TimeZone> {
    Ok(TimeZone::get(name)?)
}

/// Accepts only the URLs that [`fetch`] can do something with.
pub fn https_uri(url: &str) -> Result<Uri> {
    url.parse::<Uri>()
        .ok()
        .filter(|uri| uri.scheme_str() == Some("https"))
        .with_context(|| format!("not an https:// URL: {url:?}"))
}

#[derive(Serialize)]
pub struct Fetched {
    pub url: String,
    pub status: u16,
    pub length: u64,
}

/// Makes an HTTPS request and reads the whole answer.
pub fn fetch(uri: Uri) -> Result<Fetched> {
    // Parsing the bundle for every request would take longer than most requests.
    static AGENT: LazyLock<Result<Agent>> = LazyLock::new(agent);

    let agent = AGENT.as_ref().map_err(|err| anyhow!("{err:#}"))?;
    let url = uri.to_string();
    let mut response = agent
        .get(uri)
        .call()
        .with_context(|| format!("GET {url}"))?;
    let length = io::copy(&mut response.body_mut().as_reader(), &mut io::sink())?;
    Ok(Fetched {
        url,
        status: response.status().as_u16(),
        length,
    })
}

/// A client that trusts the system's bundle: `/etc/ssl/certs` or the file that
/// `SSL_CERT_FILE` names.
fn agent() -> Result<Agent> {
    let found = rustls_native_certs::load_native_certs();
    // A bundle with one odd certificate is still of use. An empty one is not:
    // with it, every server would look like an impostor.
    if found.certs.is_empty() {
        let mut why = "no CA certificates found".to_owned();
        for err in found.errors {
            why += &format!("; {err}");
        }
        bail!(why);
    }
    let roots = found.certs.iter().map(to_ureq);
    let tls = TlsConfig::builder()
        .root_certs(RootCerts::new_with_certs(&roots.collect::<Vec<_>>()))
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .build();
    Ok(Agent::config_builder()
        .tls_config(tls)
        .timeout_global(Some(Duration::from_secs(10)))
        .http_status_as_error(false)
        // A redirect could lead to plain HTTP, which would prove nothing about
        // certificates. The caller sees the 3xx status instead.
        .max_redirects(0)
        .build()
        .into())
}

fn to_ureq(cert: &CertificateDer) -> Certificate<'static> {
    Certificate::from_der(cert).to_owned()
}

#[derive(Serialize)]
pub struct Stored {
    pub size: usize,
    pub sha256: String,
}

/// Writes data to a temporary file, reads it back and removes it.
pub fn round_trip(data: &[u8]) -> Result<Stored> {
    let mut file = tempfile::Builder::new()
        .prefix("rust-service-")
        .tempfile()?;
    file.write_all(data)?;
    // Some file systems report a full disk only when forced to write.
    file.as_file().sync_all()?;
    let back = fs::read(file.path())?;
    ensure!(
        back == data,
        "{}: read back other bytes than were written",
        file.path().display()
    );
    // Dropping the file would remove it as well, but keep an error to itself.
    file.close()?;
    let digest = ring::digest::digest(&ring::digest::SHA256, &back);
    Ok(Stored {
        size: back.len(),
        sha256: digest.as_ref().iter().map(|b| format!("{b:02x}")).collect(),
    })
}

/// Who the process runs as.
#[derive(Serialize)]
pub struct Identity {
    pub uid: u32,
    pub gid: u32,
    /// Empty if `/etc/passwd` has no entry for `uid`.
    pub user: String,
    pub home: String,
}

pub fn who_am_i() -> Identity {
    let uid = rustix::process::getuid().as_raw();
    let passwd = fs::read_to_string("/etc/passwd").unwrap_or_default();
    Identity {
        uid,
        gid: rustix::process::getgid().as_raw(),
        user: user_name(&passwd, uid).unwrap_or_default().to_owned(),
        home: env::var("HOME").unwrap_or_default(),
    }
}

/// A line reads `name:password:uid:gid:comment:home:shell`.
fn user_name(passwd: &str, uid: u32) -> Option<&str> {
    let uid = uid.to_string();
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)? == uid).then_some(name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones() {
        assert!(zone("Europe/Paris").is_ok());
        for name in ["", "Local", "Mars/Olympus", "../../etc/passwd"] {
            assert!(zone(name).is_err(), "{name:?}");
        }
    }

    #[test]
    fn only_https() {
        assert!(https_uri("https://example.com/x?y=1").is_ok());
        for url in ["", "https://", "http://example.com", "example.com", "/etc"] {
            assert!(https_uri(url).is_err(), "{url:?}");
        }
    }

    #[test]
    fn stores_and_hashes() {
        let stored = round_trip(b"abc").unwrap();
        assert_eq!(stored.size, 3);
        assert!(
            stored
                .sha256
                .starts_with("ba7816bf8f01cfea414140de5dae2223")
        );
    }

    #[test]
    fn finds_the_user() {
        let passwd = "# users\nroot:x:0:0::/root:\napp:x:10:20::/home/app:\n";
        assert_eq!(user_name(passwd, 10), Some("app"));
        assert_eq!(user_name(passwd, 20), None);
        assert_eq!(user_name("", 0), None);
    }
}
