//! Runs the program itself: what matters here, environment and exit status,
//! belongs to a process.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::thread;

use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

fn program(env: &[(&str, &str)], args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rust-service"));
    for name in ["ADDR", "CHECK_URL", "SSL_CERT_FILE", "SSL_CERT_DIR"] {
        command.env_remove(name);
    }
    command.env("NO_PROXY", "localhost");
    command.envs(env.iter().copied()).args(args);
    command
}

#[test]
fn prints_the_version() {
    let output = program(&[], &["version"]).output().unwrap();
    assert!(output.status.success());
    let version = option_env!("VERSION").unwrap_or("dev");
    assert_eq!(
        String::from_utf8(output.stdout).unwrap(),
        format!("{version}\n")
    );
}

#[test]
fn serves_until_asked_to_stop() {
    let mut serve = program(&[("ADDR", "127.0.0.1:0")], &[])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut log = BufReader::new(serve.stderr.take().unwrap());
    let mut line = String::new();
    log.read_line(&mut line).unwrap();
    let (_, addr) = line.trim().split_once(" listens on ").expect(&line);

    let healthy = || {
        let output = program(&[("ADDR", addr)], &["health"]).output();
        output.unwrap().status.success()
    };
    assert!(healthy());
    let pid = rustix::process::Pid::from_child(&serve);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    assert!(serve.wait().unwrap().success());
    assert!(!healthy());
}

/// The exit status and the lines, without the one on the user, which depends on
/// who runs the tests.
fn check(env: &[(&str, &str)]) -> Vec<String> {
    let output = program(env, &["check"]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.success(), !text.contains("FAIL "), "{text}");
    let lines = text.lines().filter(|line| !line.contains(" user "));
    lines.map(str::to_owned).collect()
}

#[track_caller]
fn expect(lines: &[String], prefixes: &[&str]) {
    assert_eq!(lines.len(), prefixes.len(), "{lines:?}");
    for (line, prefix) in lines.iter().zip(prefixes) {
        assert!(line.starts_with(prefix), "{line:?} without {prefix:?}");
    }
}

#[test]
fn checks_the_image() {
    expect(
        &check(&[]),
        &["ok time-zone Europe/Paris=+", "ok temp-file "],
    );
    expect(
        &check(&[("TMPDIR", "/nonexistent")]),
        &["ok time-zone ", "FAIL temp-file "],
    );
}

#[test]
fn verifies_certificates() {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let bundle = tempfile::NamedTempFile::new().unwrap();
    bundle
        .as_file()
        .write_all(made.cert.pem().as_bytes())
        .unwrap();
    let trust = ("SSL_CERT_FILE", bundle.path().to_str().unwrap());
    let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key.into())
        .unwrap();
    let port = serve_https(Arc::new(config));

    let url = |path| format!("https://localhost:{port}/{path}");
    let found = url("200");
    let found = ("CHECK_URL", found.as_str());
    let missing = url("404");
    let missing = ("CHECK_URL", missing.as_str());
    let ok = ["ok time-zone ", "ok temp-file ", "ok tls "];
    let fail = ["ok time-zone ", "ok temp-file ", "FAIL tls "];
    expect(&check(&[found, trust]), &ok);
    expect(&check(&[found]), &fail);
    expect(&check(&[missing, trust]), &fail);
    expect(&check(&[found, ("SSL_CERT_FILE", "/nonexistent")]), &fail);
}

/// Answers a request with the status that its path names.
fn serve_https(config: Arc<ServerConfig>) -> u16 {
    let listener = TcpListener::bind("localhost:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for socket in listener.incoming() {
            let connection = ServerConnection::new(config.clone()).unwrap();
            let mut stream = StreamOwned::new(connection, socket.unwrap());
            let mut request = [0; 4096];
            // Callers who do not trust the certificate hang up here.
            let Ok(read) = stream.read(&mut request) else {
                continue;
            };
            let request = String::from_utf8_lossy(&request[..read]);
            let status = request.split(['/', ' ']).nth(2).unwrap();
            write!(
                stream,
                "HTTP/1.1 {status} -\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi"
            )
            .unwrap();
            stream.conn.send_close_notify();
            let _ = stream.flush();
        }
    });
    port
}
