//! The HTTP side of the service.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, Query};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use jiff::{Timestamp, Zoned};
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;
use tokio::task::spawn_blocking;

use crate::{VERSION, probe};

const MAX_UPLOAD: usize = 10 << 20;
/// Docker kills a container ten seconds after asking it to stop; be done before
/// that.
const STOP_TIMEOUT: Duration = Duration::from_secs(8);

// GREETINGS, which build.rs makes from greetings.txt.
include!(concat!(env!("OUT_DIR"), "/greetings.rs"));

pub fn router() -> Router {
    Router::new()
        .route("/", get(root))
        .route("/healthz", get(|| async { "ok" }))
        .route("/time", get(time))
        .route("/fetch", get(fetch))
        .route(
            "/upload",
            post(upload).layer(DefaultBodyLimit::max(MAX_UPLOAD)),
        )
        .route("/whoami", get(|| async { Json(probe::who_am_i()) }))
}

/// What goes wrong in a handler, as the caller sees it.
struct Failure(StatusCode, String);

impl Failure {
    fn new(status: StatusCode, err: impl Into<anyhow::Error>) -> Self {
        Self(status, format!("{:#}", err.into()))
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        #[derive(Serialize)]
        struct Body {
            error: String,
        }
        (self.0, Json(Body { error: self.1 })).into_response()
    }
}

/// Handlers share the threads of the async runtime and must not block them.
async fn blocking<T, F>(on_error: StatusCode, f: F) -> Result<Json<T>, Failure>
where
    T: Send + 'static,
    F: FnOnce() -> Result<T> + Send + 'static,
{
    spawn_blocking(f)
        .await
        .map_err(|err| Failure::new(StatusCode::INTERNAL_SERVER_ERROR, err))?
        .map(Json)
        .map_err(|err| Failure::new(on_error, err))
}

#[derive(Deserialize)]
struct RootQuery {
    #[serde(default)]
    lang: String,
}

async fn root(Query(query): Query<RootQuery>) -> String {
    let (_, word) = GREETINGS
        .into_iter()
        .find(|(lang, _)| *lang == query.lang)
        .unwrap_or(GREETINGS[0]);
    let target = env!("BUILD_TARGET");
    format!("{word} from rust-service {VERSION} ({target})\n")
}

#[derive(Deserialize)]
struct TimeQuery {
    #[serde(default)]
    zone: String,
}

#[derive(Serialize)]
struct Time {
    zone: String,
    time: String,
}

async fn time(Query(query): Query<TimeQuery>) -> Result<Json<Time>, Failure> {
    blocking(StatusCode::BAD_REQUEST, move || {
        let there = Timestamp::now().to_zoned(probe::zone(&query.zone)?);
        Ok(Time {
            time: there.strftime("%FT%T%:z").to_string(),
            zone: query.zone,
        })
    })
    .await
}

#[derive(Deserialize)]
struct FetchQuery {
    #[serde(default)]
    url: String,
}

/// Lets any caller make this host send requests. That is its purpose here, and
/// a reason not to copy it into a service that strangers can reach.
async fn fetch(Query(query): Query<FetchQuery>) -> Result<Json<probe::Fetched>, Failure> {
    let uri =
        probe::https_uri(&query.url).map_err(|err| Failure::new(StatusCode::BAD_REQUEST, err))?;
    blocking(StatusCode::BAD_GATEWAY, || probe::fetch(uri)).await
}

async fn upload(body: Result<Bytes, BytesRejection>) -> Result<Json<probe::Stored>, Failure> {
    // A body over the limit ends up here as well, with status 413.
    let body = body.map_err(|err| Failure(err.status(), err.body_text()))?;
    blocking(StatusCode::INTERNAL_SERVER_ERROR, move || {
        probe::round_trip(&body)
    })
    .await
}

/// Serves until a signal asks to stop, then lets requests under way finish.
#[tokio::main]
pub async fn run(addr: &str) -> Result<()> {
    // The kernel drops a signal for process 1, which is what a container's
    // program is, unless the process handles it.
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;

    let listener = listen(addr)
        .await
        .with_context(|| format!("listen on {addr}"))?;
    log(&format!(
        "rust-service {VERSION} listens on {}",
        listener.local_addr()?
    ));

    let (stop, stopping) = oneshot::channel();
    let server = axum::serve(listener, router()).with_graceful_shutdown(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        log("stopping");
        // Fails only if the server has stopped already.
        let _ = stop.send(());
    });
    let patience = async {
        let _ = stopping.await;
        tokio::time::sleep(STOP_TIMEOUT).await;
    };
    tokio::select! {
        result = server.into_future() => Ok(result?),
        () = patience => bail!("requests still under way after {STOP_TIMEOUT:?}"),
    }
}

/// An address without a host, like `:8080`, means every interface.
async fn listen(addr: &str) -> io::Result<TcpListener> {
    let Some(port) = addr.strip_prefix(':') else {
        return TcpListener::bind(addr).await;
    };
    let port = port.parse().map_err(io::Error::other)?;
    // On Linux the first one takes IPv4 connections too. The second is for
    // hosts where IPv6 is switched off.
    TcpListener::bind(
        &[
            SocketAddr::from((Ipv6Addr::UNSPECIFIED, port)),
            SocketAddr::from((Ipv4Addr::UNSPECIFIED, port)),
        ][..],
    )
    .await
}

fn log(message: &str) {
    eprintln!("{} {message}", Zoned::now().strftime("%Y/%m/%d %H:%M:%S"));
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::{Body, to_bytes};
    use axum::http::Request;
    use serde_json::{Value, json};
    use tower::ServiceExt;

    async fn send(request: Request<Body>) -> (u16, String) {
        let response = router().oneshot(request).await.unwrap();
        let status = response.status().as_u16();
        let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        (status, String::from_utf8(body.into()).unwrap())
    }

    async fn get(uri: &str) -> (u16, String) {
        send(Request::get(uri).body(Body::empty()).unwrap()).await
    }

    fn parse(body: &str) -> Value {
        serde_json::from_str(body).unwrap()
    }

    #[tokio::test]
    async fn greets() {
        let (status, body) = get("/").await;
        assert_eq!(status, 200);
        let greeting = format!("Hello from rust-service {VERSION} (");
        assert!(body.starts_with(&greeting), "{body}");
        assert!(get("/?lang=fr").await.1.starts_with("Bonjour "));
        assert!(get("/?lang=xx").await.1.starts_with("Hello "));
    }

    #[tokio::test]
    async fn is_healthy() {
        assert_eq!(get("/healthz").await, (200, "ok".to_owned()));
    }

    #[tokio::test]
    async fn tells_the_time() {
        let (status, body) = get("/time?zone=Asia/Kolkata").await;
        assert_eq!(status, 200, "{body}");
        let time = parse(&body);
        assert_eq!(time["zone"], "Asia/Kolkata");
        assert!(time["time"].as_str().unwrap().ends_with("+05:30"), "{body}");

        for uri in ["/time", "/time?zone=Mars/Olympus", "/time?zone=Local"] {
            let (status, body) = get(uri).await;
            assert_eq!(status, 400, "{uri}");
            assert!(parse(&body)["error"].is_string(), "{body}");
        }
    }

    #[tokio::test]
    async fn stores_uploads() {
        let (status, body) = send(Request::post("/upload").body("abc".into()).unwrap()).await;
        assert_eq!(status, 200, "{body}");
        let sum = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(parse(&body), json!({"size": 3, "sha256": sum}));
    }

    #[tokio::test]
    async fn limits_uploads() {
        let body = vec![0; MAX_UPLOAD + 1];
        let (status, body) = send(Request::post("/upload").body(body.into()).unwrap()).await;
        assert_eq!(status, 413, "{body}");
        assert!(parse(&body)["error"].is_string(), "{body}");
    }

    #[tokio::test]
    async fn refuses_what_is_not_https() {
        for uri in ["/fetch", "/fetch?url=http://localhost/"] {
            assert_eq!(get(uri).await.0, 400, "{uri}");
        }
    }

    #[tokio::test]
    async fn knows_its_user() {
        let (status, body) = get("/whoami").await;
        assert_eq!(status, 200);
        let uid = rustix::process::getuid().as_raw();
        assert_eq!(parse(&body)["uid"], uid);
    }
}
