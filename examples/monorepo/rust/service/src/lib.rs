//! What the services of this workspace have in common: a server that ends when it
//! is asked to, and a check of its health.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use tiny_http::{Method, Request, Response, Server};

/// The largest body that a service reads.
const MAX_BODY: u64 = 1 << 20;

/// What a service says to a body that was posted to it.
pub type Answer = fn(&str) -> String;

/// A service: `POST <path>` answers with what `answer` makes of the body.
#[derive(Clone, Copy)]
pub struct Service {
    pub name: &'static str,
    pub version: &'static str,
    pub path: &'static str,
    pub answer: Answer,
}

impl Service {
    /// The main function: without arguments it serves at ADDR, port 8080 by
    /// default, and with `health` it asks the one that does.
    pub fn main(self) -> ExitCode {
        let addr = std::env::var("ADDR").unwrap_or_else(|_| "0.0.0.0:8080".into());
        let args: Vec<String> = std::env::args().skip(1).collect();
        let result = match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
            [] => self.listen(&addr),
            ["health"] => health(&addr),
            _ => Err(io::Error::other(format!(
                "unknown arguments {args:?}: there is health, or nothing to serve"
            ))),
        };
        match result {
            Ok(()) => ExitCode::SUCCESS,
            Err(err) => {
                eprintln!("{}: {err}", self.name);
                ExitCode::FAILURE
            }
        }
    }

    fn listen(self, addr: &str) -> io::Result<()> {
        let server = Arc::new(Server::http(addr).map_err(io::Error::other)?);
        let stopped = Arc::clone(&server);
        // SIGTERM is how a container is asked to stop.
        let mut signals = Signals::new([SIGINT, SIGTERM])?;
        std::thread::spawn(move || {
            signals.forever().next();
            stopped.unblock();
        });
        self.serve(&server);
        Ok(())
    }

    /// Answers requests until the server is unblocked.
    fn serve(self, server: &Server) {
        for request in server.incoming_requests() {
            // The client is gone when this fails.
            let _ = self.reply(request);
        }
    }

    fn reply(self, mut request: Request) -> io::Result<()> {
        let (status, text) = match (request.method(), request.url()) {
            (Method::Get, "/healthz") => (200, "ok".into()),
            (Method::Get, "/version") => (200, format!("{} {}\n", self.name, self.version)),
            (Method::Post, path) if path == self.path => {
                let mut body = String::new();
                let read = request.as_reader().take(MAX_BODY).read_to_string(&mut body);
                match read {
                    Ok(_) => (200, (self.answer)(&body)),
                    Err(err) => (400, err.to_string()),
                }
            }
            _ => (404, format!("there is POST {}\n", self.path)),
        };
        request.respond(Response::from_string(text).with_status_code(status))
    }
}

fn health(addr: &str) -> io::Result<()> {
    let port = addr.rsplit(':').next().and_then(|p| p.parse().ok());
    let port: u16 = port.ok_or_else(|| io::Error::other(format!("{addr} has no port")))?;
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.set_read_timeout(Some(Duration::from_secs(3)))?;
    stream.write_all(b"GET /healthz HTTP/1.0\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let status = answer.lines().next().unwrap_or_default();
    if status.ends_with(" 200 OK") {
        return Ok(());
    }
    Err(io::Error::other(format!("/healthz answered {status:?}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serves() {
        let service = Service {
            name: "echo",
            version: "1.2.3",
            path: "/echo",
            answer: |body| format!("{body}!"),
        };
        let server = Server::http("127.0.0.1:0").unwrap();
        let addr = server.server_addr().to_ip().unwrap().to_string();
        let ask = |head: &str, body: &str| {
            let mut stream = TcpStream::connect(&addr).unwrap();
            let length = body.len();
            write!(
                stream,
                "{head} HTTP/1.0\r\nContent-Length: {length}\r\n\r\n{body}"
            )
            .unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).unwrap();
            let (head, body) = answer.split_once("\r\n\r\n").unwrap();
            (
                head.split(' ').nth(1).unwrap().to_string(),
                body.to_string(),
            )
        };
        std::thread::scope(|scope| {
            scope.spawn(|| service.serve(&server));
            assert_eq!(ask("POST /echo", "hello"), ("200".into(), "hello!".into()));
            assert_eq!(
                ask("GET /version", ""),
                ("200".into(), "echo 1.2.3\n".into())
            );
            assert_eq!(ask("GET /echo", "").0, "404");
            health(&addr).unwrap();
            server.unblock();
        });
        drop(server);
        assert!(health(&addr).is_err(), "healthy after it stopped");
    }
}
