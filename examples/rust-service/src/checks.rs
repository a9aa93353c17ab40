//! Looks at the image the program runs in, without a server.

use std::env;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use jiff::Timestamp;

use crate::probe::{self, Identity};

/// Prints one line per check and returns an error if one failed. The TLS check
/// needs a server to talk to and is left out without a URL.
pub fn run(url: Option<&str>) -> Result<()> {
    let mut results = vec![
        ("time-zone", time_zone()),
        ("temp-file", temp_file()),
        ("user", identity(&probe::who_am_i())),
    ];
    if let Some(url) = url {
        results.push(("tls", tls(url)));
    }
    let mut failed = 0;
    for (name, result) in results {
        match result {
            Ok(detail) => println!("ok {name} {detail}"),
            Err(err) => {
                failed += 1;
                // Some messages span lines; the output promises one per check.
                println!("FAIL {name} {}", format!("{err:#}").replace('\n', "; "));
            }
        }
    }
    ensure!(failed == 0, "checks failed: {failed}");
    Ok(())
}

fn time_zone() -> Result<String> {
    let now = Timestamp::now();
    let mut found = Vec::new();
    for name in ["Europe/Paris", "Asia/Kolkata"] {
        let there = now.to_zoned(probe::zone(name)?);
        found.push(there.strftime("%Q=%:z").to_string());
    }
    Ok(found.join(" "))
}

fn temp_file() -> Result<String> {
    let stored = probe::round_trip(b"written, synced and read back")?;
    let dir = env::temp_dir();
    Ok(format!("{} bytes in {}", stored.size, dir.display()))
}

fn identity(id: &Identity) -> Result<String> {
    let Identity {
        uid,
        gid,
        user,
        home,
    } = id;
    ensure!(*uid != 0, "runs as root");
    ensure!(!user.is_empty(), "no name for uid {uid} in /etc/passwd");
    Ok(format!("{user} uid={uid} gid={gid} home={home}"))
}

fn tls(url: &str) -> Result<String> {
    let fetched = probe::fetch(probe::https_uri(url)?)?;
    ensure!(fetched.status == 200, "{url} answered {}", fetched.status);
    Ok(format!("{url} answered 200, {} bytes", fetched.length))
}

/// Asks the server listening on `addr` whether it is well.
pub fn health(addr: &str) -> Result<()> {
    let url = health_url(addr)?;
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .timeout_global(Some(Duration::from_secs(3)))
        .http_status_as_error(false)
        // A proxy's answer would say nothing about this container.
        .proxy(None)
        .build()
        .into();
    let response = agent.get(&url).call().with_context(|| url.clone())?;
    if response.status() != 200 {
        bail!("{url} answered {}", response.status());
    }
    Ok(())
}

fn health_url(addr: &str) -> Result<String> {
    let (host, port) = addr
        .rsplit_once(':')
        .with_context(|| format!("no port in address {addr:?}"))?;
    // The address to listen on may mean "every interface", which is no address
    // to connect to.
    let host = match host {
        "" | "0.0.0.0" | "[::]" => "127.0.0.1",
        host => host,
    };
    Ok(format!("http://{host}:{port}/healthz"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identity_needs_a_name_and_no_root() {
        let id = |uid, user: &str| Identity {
            uid,
            gid: 7,
            user: user.to_owned(),
            home: "/home/app".to_owned(),
        };
        assert_eq!(
            identity(&id(6, "app")).unwrap(),
            "app uid=6 gid=7 home=/home/app"
        );
        assert!(identity(&id(0, "root")).is_err());
        assert!(identity(&id(6, "")).is_err());
    }

    #[test]
    fn health_asks_an_address_one_can_connect_to() {
        for (addr, url) in [
            (":8080", "http://127.0.0.1:8080/healthz"),
            ("[::]:80", "http://127.0.0.1:80/healthz"),
            ("[::1]:80", "http://[::1]:80/healthz"),
            ("10.0.0.1:80", "http://10.0.0.1:80/healthz"),
        ] {
            assert_eq!(health_url(addr).unwrap(), url);
        }
        assert!(health_url("8080").is_err());
    }
}
